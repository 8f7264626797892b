/** Where a watch gets what it sees from: first what it begins with, as fast as it is taken, then what happens. */
import type { Change, WatchCache } from "../cache/watch-cache.ts";
import type { StreamSink } from "../response.ts";
import { feed } from "./feed.ts";

export class CachedSource {
  readonly #listener: (change: Change, live: boolean) => void;
  readonly #unsubscribe: () => void;
  #stopFeeding = (): void => {};
  /** What happened while the watch was still at its beginning; undefined behind it. */
  #held: Change[] | undefined = [];

  /**
   * `after`: changes up to this revision are not told. `lost`: more than `maxHeld` bytes happened while the watch was still
   * at its beginning. `live`: others hear of the change at the same time.
   */
  constructor(
    cache: WatchCache,
    after: number,
    maxHeld: number,
    listener: (change: Change, live: boolean) => void,
    lost: () => void,
  ) {
    this.#listener = listener;
    let heldBytes = 0;
    this.#unsubscribe = cache.subscribe((change) => {
      if (change.revision <= after) return;
      if (!this.#held) {
        listener(change, true);
        return;
      }
      this.#held.push(change);
      heldBytes += change.entry.json.length;
      if (heldBytes > maxHeld) lost();
    });
  }

  /** Calls `next` until it returns false, then `then`, then goes on with what has happened meanwhile. */
  begin(sink: StreamSink, next: () => boolean, then: () => void): void {
    this.#stopFeeding = feed(sink, next, () => {
      then();
      const held = this.#held ?? [];
      this.#held = undefined;
      for (const change of held) this.#listener(change, false);
    });
  }

  /** Calls back unless the watch is at its beginning. */
  whenTold(then: () => void): void {
    if (!this.#held) then();
  }

  stop(): void {
    this.#unsubscribe();
    this.#stopFeeding();
    this.#held = undefined;
  }
}
