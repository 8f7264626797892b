/** authentication_*, authorization_*: attempts and their results. */
import type { Decision } from "../auth-contract.ts";
import type { Family } from "./family.ts";
import type { MetricsRegistry } from "./registry.ts";
import { type Counter, exponentialBounds, type Histogram } from "./values.ts";

/** User names that appear as labels; others would be too many. */
const told = new Set([
  "admin",
  "client",
  "kube_proxy",
  "kubelet",
  "system:serviceaccount:kube-system:default",
]);

/** Results of one kind, with counts and durations. */
class Outcomes {
  readonly #counts: Family<Counter>;
  readonly #durations: Family<Histogram>;
  readonly #known = new Map<string, readonly [Counter, Histogram]>();

  constructor(registry: MetricsRegistry, counts: string, durations: string, what: string) {
    const labels = ["result"];
    const stability = "ALPHA";
    this.#counts = registry.counter({ name: counts, help: `${what} by result.`, stability, labels });
    const help = `${what}: how long it took.`;
    const bounds = exponentialBounds(0.001, 2, 15);
    this.#durations = registry.histogram({ name: durations, help, stability, labels, bounds });
  }

  add(result: string, ms: number): void {
    let known = this.#known.get(result);
    if (!known) {
      known = [this.#counts.with(result), this.#durations.with(result)];
      this.#known.set(result, known);
    }
    known[0].add();
    known[1].observe(ms / 1000);
  }
}

export class IdentityMetrics {
  readonly #authentication: Outcomes;
  readonly #authorization: Outcomes;
  readonly #users: Family<Counter>;
  readonly #others: Counter;
  /** Durations of kube-apiserver's filters, by their names. */
  readonly #filters: { authentication: Histogram; authorization: Histogram };

  constructor(registry: MetricsRegistry) {
    const [attempts, took] = ["authentication_attempts", "authentication_duration_seconds"];
    this.#authentication = new Outcomes(registry, attempts, took, "Authentication");
    const [asked, lasted] = ["authorization_attempts_total", "authorization_duration_seconds"];
    this.#authorization = new Outcomes(registry, asked, lasted, "Authorization");
    this.#users = registry.counter({
      name: "authenticated_user_requests",
      help: "Requests by who sent them, as far as names are told.",
      stability: "ALPHA",
      labels: ["username"],
    });
    this.#others = this.#users.with("other");
    const filters = registry.histogram({
      name: "apiserver_request_filter_duration_seconds",
      help: "Time that passed before requests were served.",
      stability: "ALPHA",
      labels: ["filter"],
      bounds: [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 5, 10, 15, 30],
    });
    this.#filters = {
      authentication: filters.with("authentication"),
      authorization: filters.with("authorization"),
    };
  }

  authenticated(user: string, ms: number): void {
    this.#authentication.add("success", ms);
    this.#filters.authentication.observe(ms / 1000);
    if (told.has(user)) this.#users.with(user).add();
    else if (user.includes("@")) this.#users.with("email_id").add();
    else this.#others.add();
  }

  unknown(ms: number): void {
    this.#authentication.add("error", ms);
  }

  authorized({ allowed, denied, error }: Decision, ms: number): void {
    this.#filters.authorization.observe(ms / 1000);
    const refused = error === undefined ? (denied ? "denied" : "no-opinion") : "error";
    this.#authorization.add(allowed ? "allowed" : refused, ms);
  }
}
