/**
 * apiserver_storage_transformation_*, apiserver_storage_data_key_*, apiserver_envelope_encryption_*: encryption of stored values,
 * and KMS plugins. Series per value are looked up once per transformer.
 */
import { createHash } from "node:crypto";
import type { Family } from "./family.ts";
import type { MetricsRegistry } from "./registry.ts";
import { type Counter, exponentialBounds, type Gauge, type Histogram } from "./values.ts";

export type Direction = "from_storage" | "to_storage";

/** Key IDs and server identities are confidential, so they appear as hashes. */
export const hashOf = (text: string): string =>
  text === "" ? "" : `sha256:${createHash("sha256").update(text).digest("hex")}`;

/** Limit of key IDs; the least recently used one is dropped. */
const maxKeys = 100;

/** Values of one resource, transformer and direction. */
export interface TransformationMeter {
  /** `status`: `OK`, a name of a gRPC status, or `unknown-non-grpc`. */
  done(status: string, ms: number): void;
}

/** The gRPC status of an error, if any. */
export const statusOf = (error: unknown): string => {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { grpcStatus } = at as { grpcStatus?: unknown };
    if (typeof grpcStatus === "string") return grpcStatus;
  }
  return "unknown-non-grpc";
};

export class EncryptionMetrics {
  readonly dataKeys: Histogram;
  readonly dataKeyFailures: Counter;
  /** Calls of the plugin for a key that was not cached. */
  readonly cacheMisses: Counter;
  readonly #operations: Family<Counter>;
  readonly #durations: Family<Histogram>;
  readonly #calls: Family<Histogram>;
  readonly #cacheSize: Family<Gauge>;
  readonly #invalid: Family<Counter>;
  readonly #used: Family<Counter>;
  readonly #lastUsed: Family<Gauge>;
  readonly #lastStatus: Family<Gauge>;
  readonly #server: string;
  readonly #now: () => number;
  readonly #keys = new Map<string, readonly string[]>();
  readonly #told = new Map<string, readonly string[]>();

  /** `server`: its identity; `now`: milliseconds since the epoch. */
  constructor(registry: MetricsRegistry, server: string, now: () => number) {
    this.#server = hashOf(server);
    this.#now = now;
    const stability = "ALPHA" as const;
    const storage = (name: string, help: string, labels: readonly string[] = []) => ({
      name: `apiserver_storage_${name}`,
      help,
      stability,
      labels,
    });
    const envelope = (name: string, help: string, labels: readonly string[]) => ({
      ...storage("", help, labels),
      name: `apiserver_envelope_encryption_${name}`,
    });
    const way = ["transformation_type", "transformer_prefix"];
    this.#operations = registry.counter(
      storage("transformation_operations_total", "Values that were encrypted or decrypted.", [
        "resource",
        ...way,
        "status",
      ]),
    );
    this.#durations = registry.histogram({
      ...storage("transformation_duration_seconds", "Time to encrypt or decrypt a value.", way),
      bounds: exponentialBounds(5e-6, 2, 25),
    });
    this.cacheMisses = registry
      .counter(storage("envelope_transformation_cache_misses_total", "Keys that a plugin had to decrypt."))
      .with();
    this.dataKeys = registry
      .histogram({
        ...storage("data_key_generation_duration_seconds", "Time to make a key for data."),
        bounds: exponentialBounds(5e-6, 2, 14),
      })
      .with();
    this.dataKeyFailures = registry
      .counter(storage("data_key_generation_failures_total", "Keys for data that could not be made."))
      .with();
    this.#calls = registry.histogram({
      ...envelope("kms_operations_latency_seconds", "Time that plugins took, by how they answered.", [
        "provider_name",
        "method_name",
        "grpc_status_code",
      ]),
      bounds: exponentialBounds(0.0001, 2, 20),
    });
    this.#cacheSize = registry.gauge(
      envelope("dek_source_cache_size", "Decrypted keys that are remembered.", ["provider_name"]),
    );
    this.#invalid = registry.counter(
      envelope("invalid_key_id_from_status_total", "Names of keys from plugins that are none.", [
        "provider_name",
        "error",
      ]),
    );
    const server_ = ["key_id_hash", "apiserver_id_hash"];
    const use = ["transformation_type", "provider_name", ...server_];
    this.#used = registry.counter(envelope("key_id_hash_total", "Uses of a plugin's key.", use));
    this.#lastUsed = registry.gauge(
      envelope("key_id_hash_last_timestamp_seconds", "When a plugin's key was last used.", use),
    );
    this.#lastStatus = registry.gauge(
      envelope("key_id_hash_status_last_timestamp_seconds", "When a plugin last named a key.", [
        "provider_name",
        ...server_,
      ]),
    );
  }

  /** `prefix`: of the values; `identity` and "" for plain ones, `unknown` when no transformer matches. */
  transformations(resource: string, direction: Direction, prefix: string): TransformationMeter {
    const good = this.#operations.with(resource, direction, prefix, "OK");
    const seconds = this.#durations.with(direction, prefix);
    return {
      done: (status, ms) => {
        if (status === "OK") {
          good.add();
          seconds.observe(ms / 1000);
        } else this.#operations.with(resource, direction, prefix, status).add();
      },
    };
  }

  /** A call of a plugin. `method`: its gRPC path. */
  called(provider: string, method: string, status: string, ms: number): void {
    this.#calls.with(provider, method, status).observe(ms / 1000);
  }

  remembers(provider: string, keys: number): void {
    this.#cacheSize.with(provider).set(keys);
  }

  invalidKeyId(provider: string, error: "empty" | "too_long"): void {
    this.#invalid.with(provider, error).add();
  }

  /** `hash`: of the key ID, by `hashOf`. */
  keyUsed(direction: Direction, provider: string, hash: string): void {
    const labels = [direction, provider, hash, this.#server];
    remember(this.#keys, labels, (old) => {
      this.#used.remove(...old);
      this.#lastUsed.remove(...old);
    });
    this.#used.with(...labels).add();
    this.#lastUsed.with(...labels).set(this.#now() / 1000);
  }

  keyTold(provider: string, hash: string): void {
    const labels = [provider, hash, this.#server];
    remember(this.#told, labels, (old) => this.#lastStatus.remove(...old));
    this.#lastStatus.with(...labels).set(this.#now() / 1000);
  }
}

function remember(
  known: Map<string, readonly string[]>,
  labels: readonly string[],
  forget: (labels: readonly string[]) => void,
): void {
  const key = labels.join("\0");
  known.delete(key);
  known.set(key, labels);
  if (known.size <= maxKeys) return;
  const [oldest, theirs] = known.entries().next().value as [string, readonly string[]];
  known.delete(oldest);
  forget(theirs);
}
