import type { Logger } from "../../machinery/index.ts";
import { HealthMetrics } from "../metrics/health.ts";
import type { MetricsRegistry } from "../metrics/registry.ts";
import { type Answer, textAnswer } from "../response.ts";

const endpoints = ["healthz", "livez", "readyz"] as const;
export type HealthEndpoint = (typeof endpoints)[number];

export interface HealthCheck {
  name: string;
  /** Throws the failure. */
  run(): void | Promise<void>;
  /** Where it is included; everywhere by default. */
  at?: readonly HealthEndpoint[];
}

/** /healthz, /livez and /readyz with their checks, in Kubernetes' format. */
export class Health {
  readonly #checks: readonly HealthCheck[];
  readonly #log: Logger;
  readonly #metrics = new HealthMetrics();

  constructor(checks: readonly HealthCheck[], log: Logger) {
    this.#checks = checks;
    this.#log = log;
  }

  /** Results of the checks, for /metrics/slis. */
  get metrics(): MetricsRegistry {
    return this.#metrics.registry;
  }

  *paths(): Generator<string> {
    for (const endpoint of endpoints) {
      yield `/${endpoint}`;
      for (const { name } of this.#at(endpoint)) yield `/${endpoint}/${name}`;
    }
  }

  /** undefined for an unknown check. */
  async answer(path: string, query: URLSearchParams): Promise<Answer | undefined> {
    const [, given = "", ...rest] = path.split("/");
    const endpoint = given as HealthEndpoint;
    const checks = this.#at(endpoint);
    if (rest.length === 0) return this.#all(endpoint, checks, query);
    // Names of checks may contain slashes: poststarthook/rbac/bootstrap-roles.
    const check = checks.find(({ name }) => name === rest.join("/"));
    return check && single(check);
  }

  async #all(
    endpoint: HealthEndpoint,
    checks: readonly HealthCheck[],
    query: URLSearchParams,
  ): Promise<Answer> {
    const excluded = new Set(query.getAll("exclude"));
    const lines: string[] = [];
    const failures: string[] = [];
    for (const { name, run } of checks) {
      if (excluded.delete(name)) {
        lines.push(`[+]${name} excluded: ok`);
        continue;
      }
      try {
        await run();
        lines.push(`[+]${name} ok`);
        this.#metrics.found(name, endpoint, true);
      } catch (error) {
        // The reason is only logged.
        lines.push(`[-]${name} failed: reason withheld`);
        failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
        this.#metrics.found(name, endpoint, false);
      }
    }
    if (excluded.size > 0) {
      const unknown = [...excluded].toSorted().map((name) => JSON.stringify(name));
      lines.push(`warn: some health checks cannot be excluded: no matches for ${unknown.join(",")}`);
    }
    const text = `${lines.join("\n")}\n${endpoint} check`;
    if (failures.length > 0) {
      this.#log.info("health check failed", { endpoint, failures });
      return textAnswer(500, `${text} failed\n`);
    }
    return textAnswer(200, query.has("verbose") ? `${text} passed\n` : "ok");
  }

  #at(endpoint: HealthEndpoint): readonly HealthCheck[] {
    return this.#checks.filter(({ at }) => !at || at.includes(endpoint));
  }
}

/** Users authorized for a single check may see its failure. */
async function single({ run }: HealthCheck): Promise<Answer> {
  try {
    await run();
  } catch (error) {
    return textAnswer(500, `internal server error: ${error instanceof Error ? error.message : error}\n`);
  }
  const answer = textAnswer(200, "ok");
  delete answer.headers["x-content-type-options"];
  return answer;
}
