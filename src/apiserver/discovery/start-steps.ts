import type { HealthCheck } from "./health.ts";

const prefix = "poststarthook/";

/** Post-start hooks: each is a health check that fails until it is done. */
export class StartSteps {
  readonly #names: readonly string[];
  readonly #done = new Set<string>();

  /** Names in the order of output, without their common prefix. */
  constructor(names: readonly string[]) {
    this.#names = names;
  }

  done(...names: readonly string[]): void {
    for (const name of names) this.#done.add(name);
  }

  checks(): HealthCheck[] {
    return this.#names.flatMap((name) => {
      const run = (): void => this.#check(name);
      const step = { name: prefix + name, run };
      // This check has a name of its own.
      return name === "kube-apiserver-autoregistration"
        ? [step, { name: "autoregister-completion", run }]
        : [step];
    });
  }

  /** Throws until it is done. */
  #check(name: string): void {
    if (!this.#done.has(name)) throw new Error("not finished");
  }
}

/** With an identity among several API servers. */
export const identitySteps = [
  "start-kube-apiserver-identity-lease-controller",
  "start-kube-apiserver-identity-lease-garbage-collector",
  "start-legacy-token-tracking-controller",
];

/** kube-apiserver's post-start hooks that apply here. */
export const startSteps = [
  "start-apiserver-admission-initializer",
  "generic-apiserver-start-informers",
  "priority-and-fairness-config-consumer",
  "priority-and-fairness-filter",
  "storage-object-count-tracker-hook",
  "start-apiextensions-informers",
  "start-apiextensions-controllers",
  "crd-informer-synced",
  "start-system-namespaces-controller",
  "start-cluster-authentication-info-controller",
  "start-kube-apiserver-identity-lease-controller",
  "start-kube-apiserver-identity-lease-garbage-collector",
  "storage-readiness",
  "start-legacy-token-tracking-controller",
  "start-service-ip-repair-controllers",
  "scheduling/bootstrap-system-priority-classes",
  "priority-and-fairness-config-producer",
  "bootstrap-controller",
  "start-kubernetes-service-cidr-controller",
  "start-kube-aggregator-informers",
  "apiservice-status-local-available-controller",
  "apiservice-status-remote-available-controller",
  "apiservice-registration-controller",
  "apiservice-discovery-controller",
  "kube-apiserver-autoregistration",
  "apiservice-openapi-controller",
  "apiservice-openapiv3-controller",
] as const;

/** Those of the aggregation layer. */
export const aggregationSteps = startSteps.filter((name) =>
  /aggregator|^apiservice|autoregistration|authentication/.test(name),
);
