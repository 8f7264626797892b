import type { Clock } from "../../machinery/index.ts";

interface Expected {
  creations: number;
  /** UIDs. */
  deletions: Set<string>;
  since: number;
}

/** Expectations expire after this time: the event was lost with a watch. */
const patienceMs = 300_000;

/**
 * Writes of a controller that its cache does not show yet. While a key has expectations, the cache's count of its objects is
 * stale and must not be acted on.
 */
export class Expectations {
  readonly #clock: Clock;
  readonly #byKey = new Map<string, Expected>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Called before the creations; each failed one is reverted with `created`. */
  creations(key: string, count: number): void {
    const expected = this.#of(key);
    expected.creations += count;
  }

  /** Called before the deletions; each failed one is reverted with `deleted`. */
  deletions(key: string, uids: Iterable<string>): void {
    const expected = this.#of(key);
    for (const uid of uids) expected.deletions.add(uid);
  }

  created(key: string): void {
    const expected = this.#byKey.get(key);
    if (expected) expected.creations = Math.max(0, expected.creations - 1);
  }

  deleted(key: string, uid: string): void {
    this.#byKey.get(key)?.deletions.delete(uid);
  }

  met(key: string): boolean {
    const expected = this.#byKey.get(key);
    if (!expected) return true;
    const open = expected.creations > 0 || expected.deletions.size > 0;
    if (!open || this.#clock.monotonic() - expected.since > patienceMs) {
      this.#byKey.delete(key);
      return true;
    }
    return false;
  }

  /** Time until the expectations expire. */
  patience(key: string): number {
    const expected = this.#byKey.get(key);
    return expected ? Math.max(1, expected.since + patienceMs + 1 - this.#clock.monotonic()) : 1;
  }

  forget(key: string): void {
    this.#byKey.delete(key);
  }

  #of(key: string): Expected {
    const known = this.#byKey.get(key);
    if (known) {
      known.since = this.#clock.monotonic();
      return known;
    }
    const made: Expected = { creations: 0, deletions: new Set(), since: this.#clock.monotonic() };
    this.#byKey.set(key, made);
    return made;
  }
}
