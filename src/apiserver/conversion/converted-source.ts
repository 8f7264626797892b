/** The events of a watch in a converted version: first the initial ones, then changes. */
import type { Clock } from "../../machinery/index.ts";
import type { Change, ChangeListener } from "../cache/watch-cache.ts";
import { ConversionQueue } from "./conversion-queue.ts";
import type { VersionView } from "./version-view.ts";

export class ConvertedSource {
  readonly #view: VersionView;
  readonly #beginning: ConversionQueue;
  readonly #listener: ChangeListener;
  readonly #unsubscribe: () => void;
  /** Changes during the initial events; undefined after them. */
  #held: Change[] | undefined = [];

  /** `after`: changes up to this revision are part of the initial state. `lost`: the watch cannot continue. */
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

  /** Delivers these changes, then calls back, then delivers the changes since. */
  begin(changes: readonly Change[], then: () => void): void {
    for (const change of changes) this.#beginning.push(change);
    this.#beginning.whenTold(() => {
      then();
      const held = this.#held ?? [];
      this.#held = undefined;
      for (const change of held) this.#listener(change);
    });
  }

  /** Calls back when all changes so far are delivered; not during the initial events. */
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
