/** pod_security_*: evaluations of pods and templates. */
import type { MetricsRegistry } from "./registry.ts";
import type { Counter } from "./values.ts";

export interface Evaluated {
  decision: "allow" | "deny";
  level: string;
  /** `latest`, `v1.N`, or `future` for an unknown version. */
  version: string;
  mode: "enforce" | "audit" | "warn";
  /** Of the request: CREATE or UPDATE. */
  operation: string;
  resource: "pod" | "controller";
  subresource: string;
}

export class PodSecurityMetrics {
  readonly #evaluations;
  readonly #errors;
  readonly #exemptions;
  /** The usual case: namespaces without restrictions. */
  readonly #usual: Readonly<Record<string, Counter>>;

  constructor(registry: MetricsRegistry) {
    this.#evaluations = registry.counter({
      name: "pod_security_evaluations_total",
      help: "Pods and templates that were held to a level.",
      stability: "ALPHA",
      labels: [
        "decision",
        "policy_level",
        "policy_version",
        "mode",
        "request_operation",
        "resource",
        "subresource",
      ],
    });
    this.#errors = registry.counter({
      name: "pod_security_errors_total",
      help: "Pods and templates whose level could not be read.",
      stability: "ALPHA",
      labels: ["fatal", "request_operation", "resource", "subresource"],
    });
    this.#exemptions = registry.counter({
      name: "pod_security_exemptions_total",
      help: "Pods and templates that were not held to anything.",
      stability: "ALPHA",
      labels: ["request_operation", "resource", "subresource"],
    });
    const usual = (operation: string): Counter =>
      this.#evaluations.with("allow", "privileged", "latest", "enforce", operation, "pod", "");
    this.#usual = { CREATE: usual("create"), UPDATE: usual("update") };
  }

  /** A pod in a namespace without restrictions. */
  unrestricted(operation: string, subresource: string): void {
    const usual = subresource === "" ? this.#usual[operation] : undefined;
    if (usual) usual.add();
    else {
      const [decision, level, version, mode] = ["allow", "privileged", "latest", "enforce"] as const;
      this.evaluated({ decision, level, version, mode, operation, resource: "pod", subresource });
    }
  }

  evaluated(found: Evaluated): void {
    const { decision, level, version, mode, operation, resource, subresource } = found;
    this.#evaluations
      .with(decision, level, version, mode, operation.toLowerCase(), resource, subresource)
      .add();
  }

  /** An exempt namespace, user or runtime class. */
  exempted({
    operation,
    resource,
    subresource,
  }: Pick<Evaluated, "operation" | "resource" | "subresource">): void {
    this.#exemptions.with(operation.toLowerCase(), resource, subresource).add();
  }

  /** The namespace's labels are invalid, so the strictest level was enforced. */
  unreadable({
    operation,
    resource,
    subresource,
  }: Omit<Evaluated, "decision" | "level" | "version" | "mode">): void {
    this.#errors.with("false", operation.toLowerCase(), resource, subresource).add();
  }
}
