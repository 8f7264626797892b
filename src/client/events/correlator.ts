import type { CoreV1Event } from "../../api/index.ts";
import { type Clock, TokenBucket } from "../../machinery/index.ts";

/** Events about one object by one source. */
const limits = { qps: 1 / 300, burst: 25 };
/** This many different messages with one reason within the window are combined into one event. */
const similarLimit = 10;
const similarWindowMs = 600_000;
const keptKeys = 4096;

/**
 * Limits the number of stored events, with client-go's figures: repeated events increase a count; many that differ only in
 * their messages are combined; each object has a token bucket.
 */
export class EventCorrelator {
  readonly #clock: Clock;
  readonly #written = new Map<string, { name: string; count: number }>();
  readonly #buckets = new Map<string, TokenBucket>();
  readonly #similar = new Map<string, { messages: Set<string>; at: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The event to send; undefined when the object's bucket is empty. */
  accept(event: CoreV1Event): CoreV1Event | undefined {
    const source = this.#sourceKey(event);
    if (!this.#takeToken(source)) return undefined;
    const group = `${source}|${event.type}|${event.reason}`;
    const now = this.#clock.monotonic();
    let similar = this.#similar.get(group);
    if (!similar || now - similar.at > similarWindowMs) similar = { messages: new Set(), at: now };
    similar.messages.add(event.message ?? "");
    similar.at = now;
    remember(this.#similar, group, similar);
    if (similar.messages.size < similarLimit) return event;
    return { ...event, message: `(combined from similar events): ${event.message}` };
  }

  key(event: CoreV1Event): string {
    const combined = event.message?.startsWith("(combined from similar events): ");
    return `${this.#sourceKey(event)}|${event.type}|${event.reason}|${combined ? "*" : event.message}`;
  }

  known(event: CoreV1Event): { name: string; count: number } | undefined {
    return this.#written.get(this.key(event));
  }

  written(event: CoreV1Event, stored: CoreV1Event): void {
    remember(this.#written, this.key(event), {
      name: stored.metadata.name ?? "",
      count: stored.count ?? 1,
    });
  }

  #sourceKey({ source, involvedObject: about }: CoreV1Event): string {
    return [
      source?.component,
      source?.host,
      about.kind,
      about.namespace,
      about.name,
      about.uid,
      about.fieldPath,
    ].join("|");
  }

  #takeToken(source: string): boolean {
    const bucket = this.#buckets.get(source) ?? new TokenBucket(limits, this.#clock);
    remember(this.#buckets, source, bucket);
    return bucket.allow();
  }
}

/** Appends the entry; drops the least recently used one beyond the limit. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= keptKeys) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    break;
  }
}
