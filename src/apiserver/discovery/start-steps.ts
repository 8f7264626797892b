import type { HealthCheck } from "./health.ts";

const prefix = "poststarthook/";

/** What a server does when it starts: each step is a health check that fails until it is done. */
export class StartSteps {
  readonly #names: readonly string[];
  readonly #done = new Set<string>();

  /** Names in the order in which they are told, without what stands before all of them. */
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
      // The outcome of this one has a name of its own.
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

/** For who has an identity among other servers. */
export const identitySteps = [
  "start-kube-apiserver-identity-lease-controller",
  "start-kube-apiserver-identity-lease-garbage-collector",
  "start-legacy-token-tracking-controller",
];

/** Those of kube-apiserver that there is something to do for here. */
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

/** Those of who puts extension servers (APIServices) behind this one. */
export const aggregationSteps = startSteps.filter((name) =>
  /aggregator|^apiservice|autoregistration|authentication/.test(name),
);
