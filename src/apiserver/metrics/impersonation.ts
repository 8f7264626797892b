/** apiserver_impersonation_*: attempts by mode and result. */
import type { MetricsRegistry } from "./registry.ts";
import { exponentialBounds } from "./values.ts";

export class ImpersonationMetrics {
  readonly #attempts;
  readonly #checks;

  constructor(registry: MetricsRegistry) {
    const pair = (name: string, what: string) => {
      const labels = ["mode", "decision"];
      const prefix = `apiserver_impersonation_${name}`;
      const stability = "ALPHA";
      const count = registry.counter({ name: `${prefix}_total`, help: `${what}.`, stability, labels });
      const seconds = registry.histogram({
        name: `${prefix}_duration_seconds`,
        help: `${what}: how long they took.`,
        stability,
        labels,
        bounds: exponentialBounds(0.001, 2, 15),
      });
      return (mode: string, allowed: boolean, ms: number): void => {
        const decision = allowed ? "allowed" : "denied";
        count.with(mode, decision).add();
        seconds.with(mode, decision).observe(ms / 1000);
      };
    };
    this.#attempts = pair("attempts", "Requests on behalf of others");
    this.#checks = pair("authorization_attempts", "Questions about the right to act as others");
  }

  /** `mode`: the one that allowed it; "" when it was denied. */
  attempted(mode: string, allowed: boolean, ms: number): void {
    this.#attempts(mode, allowed, ms);
  }

  checked(mode: string, allowed: boolean, ms: number): void {
    this.#checks(mode, allowed, ms);
  }
}
