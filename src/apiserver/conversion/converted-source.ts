/** Where a watch of a converted version gets what it sees from: first what it begins with, then what happens. */
import type { Clock } from "../../machinery/index.ts";
import type { Change, ChangeListener } from "../cache/watch-cache.ts";
import { ConversionQueue } from "./conversion-queue.ts";
import type { VersionView } from "./version-view.ts";

export class ConvertedSource {
  readonly #view: VersionView;
  readonly #beginning: ConversionQueue;
  readonly #listener: ChangeListener;
  readonly #unsubscribe: () => void;
  /** What happened while the watch was still at its beginning; undefined behind it. */
  #held: Change[] | undefined = [];

  /** `after`: changes up to this revision are part of the beginning. `lost`: the watch cannot go on. */
  constructor(view: VersionView, clock: Clock, after: number, listener: ChangeListener, lost: () => void) {
    this.#view = view;
    this.#listener = listener;
    this.#beginning = new ConversionQueue(view, clock, listener);
    this.#unsubscribe = view.changes.subscribe((change) => {
      if (change.revision <= after) return;
      if (this.#held) this.#held.push(change);
      else listener(change);
    }, lost);
  }

  /** Tells these changes first, then calls back, then goes on with what has happened meanwhile. */
  begin(changes: readonly Change[], then: () => void): void {
    for (const change of changes) this.#beginning.push(change);
    this.#beginning.whenTold(() => {
      then();
      const held = this.#held ?? [];
      this.#held = undefined;
      for (const change of held) this.#listener(change);
    });
  }

  /** Calls back when everything up to now was told; not while the watch is at its beginning. */
  whenTold(then: () => void): void {
    this.#view.changes.whenTold(() => {
      if (!this.#held) then();
    });
  }

  stop(): void {
    this.#unsubscribe();
    this.#beginning.clear();
    this.#held = undefined;
  }
}
