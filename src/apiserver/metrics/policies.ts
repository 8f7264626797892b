/** apiserver_*_admission_policy_*, apiserver_cel_*: decisions of policies, and durations of expressions. */
import type { MetricsRegistry } from "./registry.ts";
import { defaultBounds } from "./values.ts";

export type PolicyError = "no_error" | "compile_error" | "invalid_error" | "out_of_budget";
/** The effect on a request: `allow` for a failure that is ignored. */
export type Enforcement = "allow" | "deny" | "audit" | "warn";

const bounds = [0.0000005, 0.001, 0.01, 0.1, 1];

export class PolicyMetrics {
  readonly #validated;
  readonly #mutated;
  readonly #compiled;
  readonly #evaluated;

  constructor(registry: MetricsRegistry) {
    const family = (kind: string, stability: "ALPHA" | "BETA", labels: string[]) => ({
      total: registry.counter({
        name: `apiserver_${kind}_admission_policy_check_total`,
        help: "Decisions of policies.",
        stability,
        labels,
      }),
      seconds: registry.histogram({
        name: `apiserver_${kind}_admission_policy_check_duration_seconds`,
        help: "Time that expressions took which decided.",
        stability,
        labels,
        bounds,
      }),
    });
    const labels = ["policy", "policy_binding", "error_type"];
    this.#validated = family("validating", "BETA", [...labels, "enforcement_action"]);
    this.#mutated = family("mutating", "ALPHA", labels);
    const cel = (what: string, help: string) =>
      registry
        .histogram({
          name: `apiserver_cel_${what}_duration_seconds`,
          help,
          stability: "BETA",
          bounds: defaultBounds,
        })
        .with();
    this.#compiled = cel("compilation", "Time that it took to compile expressions.");
    this.#evaluated = cel("evaluation", "Time that it took to evaluate expressions.");
  }

  validated(policy: string, binding: string, error: PolicyError, action: Enforcement, ms: number): void {
    this.#validated.total.with(policy, binding, error, action).add();
    this.#validated.seconds.with(policy, binding, error, action).observe(ms / 1000);
  }

  mutated(policy: string, binding: string, error: PolicyError, ms: number): void {
    this.#mutated.total.with(policy, binding, error).add();
    this.#mutated.seconds.with(policy, binding, error).observe(ms / 1000);
  }

  compiled(ms: number): void {
    this.#compiled.observe(ms / 1000);
  }

  evaluated(ms: number): void {
    this.#evaluated.observe(ms / 1000);
  }
}
