/** EventRateLimit: limits the rate of events of the server, a namespace, a user, or a source and object. */
import type { CoreV1Event } from "../../../api/index.ts";
import {
  aggregateText,
  type Clock,
  type FieldError,
  invalid,
  notSupported,
  StatusError,
  TokenBucket,
} from "../../../machinery/index.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../chain.ts";
import { objectsOf, readConfiguration } from "../config/plugin-configuration.ts";
import type { PluginContext } from "../context.ts";

/** The key that a limit counts by, by limit type. */
const keys: Readonly<Record<string, (request: AdmissionRequest) => string>> = {
  Server: () => "",
  Namespace: ({ namespace }) => namespace,
  User: ({ user }) => user.name,
  SourceAndObject: ({ object }) => {
    const { source, involvedObject: about } = (object ?? {}) as Partial<CoreV1Event>;
    const parts = [source?.component, source?.host, about?.kind, about?.namespace, about?.name, about?.uid];
    return [...parts, about?.apiVersion].join("");
  },
};

interface Limit {
  type: string;
  qps: number;
  burst: number;
  /** Number of keys remembered. */
  cacheSize: number;
}

const defaultCacheSize = 4096;

export function eventRateLimit({ clock, configuration }: PluginContext): AdmissionPlugin {
  const limiters = limitsOf(configuration?.get("EventRateLimit")).map((limit) => new Limiter(limit, clock));
  return {
    name: "EventRateLimit",
    validate(request) {
      const { kind, operation, dryRun } = request;
      if (kind.group !== "" || kind.kind !== "Event" || dryRun) return;
      if (operation !== "CREATE" && operation !== "UPDATE") return;
      // Every limiter counts the event, even when another refuses it.
      const reached = limiters.map((each) => each.take(request)).filter((text) => text !== undefined);
      if (reached.length > 0)
        throw new StatusError("TooManyRequests", `Too many requests: ${aggregateText(reached)}`);
    },
  };
}

/** Throws an Error with all mistakes. */
function limitsOf(value: unknown): readonly Limit[] {
  const document = readConfiguration(value, "eventratelimit.admission.k8s.io/v1alpha1") ?? {};
  const given = objectsOf(document, "limits");
  const mistakes: FieldError[] =
    given.length === 0 ? [invalid("limits", undefined, "must not be empty")] : [];
  const limits = given.map((each, i) => {
    const whole = (name: string): number => Number(each[name] ?? 0);
    const limit = {
      type: String(each["type"] ?? ""),
      qps: whole("qps"),
      burst: whole("burst"),
      cacheSize: whole("cacheSize"),
    };
    const at = `limits[${i}]`;
    if (!Object.hasOwn(keys, limit.type))
      mistakes.push(notSupported(`${at}.type`, limit.type, Object.keys(keys).sort()));
    for (const name of ["burst", "qps"] as const)
      if (!(limit[name] > 0)) mistakes.push(invalid(`${at}.${name}`, limit[name], "must be positive"));
    if (limit.type !== "Server" && !(limit.cacheSize >= 0))
      mistakes.push(invalid(`${at}.cacheSize`, limit.cacheSize, "must not be negative"));
    return limit;
  });
  if (mistakes.length > 0)
    throw new Error(aggregateText(mistakes.map(({ field, message }) => `${field}: ${message}`)));
  return limits;
}

class Limiter {
  readonly #limit: Limit;
  readonly #clock: Clock;
  /** Least recently used first. */
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(limit: Limit, clock: Clock) {
    this.#limit = limit;
    this.#clock = clock;
  }

  /** The message of a refusal, when the limit is reached. */
  take(request: AdmissionRequest): string | undefined {
    const { type } = this.#limit;
    const key = keys[type]?.(request) ?? "";
    if (this.#bucket(key).allow()) return undefined;
    return `limit reached on type ${type} for key ${key}`;
  }

  #bucket(key: string): TokenBucket {
    const { qps, burst, cacheSize } = this.#limit;
    const bucket = this.#buckets.get(key) ?? new TokenBucket({ qps, burst }, this.#clock);
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > (cacheSize || defaultCacheSize)) {
      const [oldest = key] = this.#buckets.keys();
      this.#buckets.delete(oldest);
    }
    return bucket;
  }
}
