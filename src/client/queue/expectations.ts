import type { Clock } from "../../machinery/index.ts";

interface Expected {
  creations: number;
  /** UIDs. */
  deletions: Set<string>;
  since: number;
}

/** After so long without its event, what was expected is given up: the event was lost with a watch. */
const patienceMs = 300_000;

/**
 * What a controller did and its cache has not shown yet. As long as anything is expected for a key, the cache's count
 * of its objects is known to be stale and must not be acted on.
 */
export class Expectations {
  readonly #clock: Clock;
  readonly #byKey = new Map<string, Expected>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Before the calls; every call that fails gives its own back with `created`. */
  creations(key: string, count: number): void {
    const expected = this.#of(key);
    expected.creations += count;
  }

  /** Before the calls; one that fails gives its own back with `deleted`. */
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

  /** How long until `met` gives up waiting. */
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
