/** apiserver_*_config_controller_*: reloads of configuration files. */
import type { Family } from "./family.ts";
import { hashOf } from "./encryption.ts";
import type { MetricsRegistry } from "./registry.ts";
import type { Counter, Gauge } from "./values.ts";

/** The kind of file. */
export type ConfigSubject = "authentication" | "authorization" | "encryption";

export class ConfigReloadMetrics {
  readonly #reloads: Family<Counter>;
  readonly #last: Family<Gauge>;
  readonly #info: Family<Gauge>;
  readonly #server: string;
  readonly #now: () => number;

  /** `server`: its identity; `now`: milliseconds since the epoch. */
  constructor(registry: MetricsRegistry, subject: ConfigSubject, server: string, now: () => number) {
    this.#server = hashOf(server);
    this.#now = now;
    const prefix = `apiserver_${subject}_config_controller_`;
    const stability = subject === "encryption" ? "ALPHA" : "BETA";
    const labels = ["status", "apiserver_id_hash"];
    const what = `the ${subject} configuration`;
    this.#reloads = registry.counter({
      name: `${prefix}automatic_reloads_total`,
      help: `How often ${what} was read again, by how that went.`,
      stability,
      labels,
    });
    this.#last = registry.gauge({
      name: `${prefix}automatic_reload_last_timestamp_seconds`,
      help: `When ${what} was last read again, by how that went.`,
      stability,
      labels,
    });
    this.#info = registry.gauge({
      name: `${prefix}last_config_info`,
      help: `Which ${what} counts: a hash of its file.`,
      stability: "ALPHA",
      labels: ["apiserver_id_hash", "hash"],
    });
  }

  /** This configuration is in effect from now on. */
  taken(text: string): void {
    this.#info.clear();
    this.#info.with(this.#server, hashOf(text)).set(1);
  }

  /** After a change of the file, not at start. */
  reloaded(status: "success" | "failure"): void {
    this.#reloads.with(status, this.#server).add();
    this.#last.with(status, this.#server).set(this.#now() / 1000);
  }
}
