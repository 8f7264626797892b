/** pod_security_*: what PodSecurity makes of pods and their templates. */
import type { MetricsRegistry } from "./registry.ts";
import type { Counter } from "./values.ts";

export interface Evaluated {
  decision: "allow" | "deny";
  level: string;
  /** `latest`, `v1.N`, or `future` for a version that is not known yet. */
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
  /** Most pods are created or changed where all is allowed. */
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

  /** A pod where everything is allowed. */
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

  /** A namespace, a user or a runtime class that it is not for. */
  exempted({
    operation,
    resource,
    subresource,
  }: Pick<Evaluated, "operation" | "resource" | "subresource">): void {
    this.#exemptions.with(operation.toLowerCase(), resource, subresource).add();
  }

  /** Labels of the namespace cannot be read, and the strictest level was enforced. */
  unreadable({
    operation,
    resource,
    subresource,
  }: Omit<Evaluated, "decision" | "level" | "version" | "mode">): void {
    this.#errors.with("false", operation.toLowerCase(), resource, subresource).add();
  }
}
