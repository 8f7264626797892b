/** The events of a watch: first the initial ones, at the client's pace, then changes. */
import type { Change, WatchCache } from "../cache/watch-cache.ts";
import type { StreamSink } from "../response.ts";
import { feed } from "./feed.ts";

export class CachedSource {
  readonly #listener: (change: Change, live: boolean) => void;
  readonly #unsubscribe: () => void;
  #stopFeeding = (): void => {};
  /** Changes during the initial events; undefined after them. */
  #held: Change[] | undefined = [];

  /**
   * `after`: changes up to this revision are skipped. `lost`: called when more than `maxHeld` bytes of changes arrive during the
   * initial events. `live`: the change is sent to other watches at the same time.
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

  /** Calls `next` until it returns false, then `then`, then delivers the changes since. */
  begin(sink: StreamSink, next: () => boolean, then: () => void): void {
    this.#stopFeeding = feed(sink, next, () => {
      then();
      const held = this.#held ?? [];
      this.#held = undefined;
      for (const change of held) this.#listener(change, false);
    });
  }

  /** Calls back unless the initial events are still being sent. */
  whenTold(then: () => void): void {
    if (!this.#held) then();
  }

  stop(): void {
    this.#unsubscribe();
    this.#stopFeeding();
    this.#held = undefined;
  }
}
