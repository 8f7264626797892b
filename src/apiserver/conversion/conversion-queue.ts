/** Delivers changes in another version, in order: each waits for the conversion of those before it. */
import type { Clock, Timer } from "../../machinery/index.ts";
import type { Entry } from "../cache/entry.ts";
import type { Change } from "../cache/watch-cache.ts";

/** What converts entries (`version-view.ts`). */
export interface ConvertedEntries {
  all(entries: readonly Entry[]): Promise<Entry[]>;
  known(entry: Entry): Entry | undefined;
  at(entry: Entry, revision: number): Entry;
}

type Waiting = Change | (() => void);

/** Changes that are converted together. */
const batchSize = 64;
const firstPauseMs = 250;
const longestPauseMs = 5000;

/**
 * While the webhook is unavailable, changes wait, and it is called again with exponential backoff. No change is lost or delivered
 * twice.
 */
export class ConversionQueue {
  readonly #entries: ConvertedEntries;
  readonly #clock: Clock;
  readonly #tell: (change: Change) => void;
  /** Changes, and callbacks for when everything before them was delivered. Replaced by `clear`. */
  #waiting: Waiting[] = [];
  #running = false;
  #pause: Timer | undefined;
  #pauseMs = firstPauseMs;

  constructor(entries: ConvertedEntries, clock: Clock, tell: (change: Change) => void) {
    this.#entries = entries;
    this.#clock = clock;
    this.#tell = tell;
  }

  get length(): number {
    return this.#waiting.length;
  }

  push(change: Change): void {
    this.#waiting.push(change);
    this.#run();
  }

  /** Calls back when all changes so far are delivered, or at once. Never if the queue is cleared before. */
  whenTold(then: () => void): void {
    if (this.#waiting.length === 0) then();
    else this.#waiting.push(then);
  }

  /** Drops the waiting changes. */
  clear(): void {
    this.#waiting = [];
    this.#pause?.stop();
    this.#pause = undefined;
    this.#pauseMs = firstPauseMs;
  }

  #run(): void {
    if (this.#running || this.#pause || this.#waiting.length === 0) return;
    this.#running = true;
    void this.#next().finally(() => {
      this.#running = false;
      this.#run();
    });
  }

  /** Delivers one batch, or as much of it as could be converted. */
  async #next(): Promise<void> {
    const waiting = this.#waiting;
    const batch = waiting.slice(0, batchSize);
    const ready = await this.#ready(batch);
    for (const each of batch.slice(0, ready)) {
      // Cleared, meanwhile or by the last delivery.
      if (waiting !== this.#waiting) return;
      waiting.shift();
      if (typeof each === "function") each();
      else this.#tellOf(each);
    }
    if (waiting !== this.#waiting) return;
    if (ready === batch.length) {
      this.#pauseMs = firstPauseMs;
      return;
    }
    this.#pause = this.#clock.timer(this.#pauseMs, () => {
      this.#pause = undefined;
      this.#run();
    });
    this.#pauseMs = Math.min(2 * this.#pauseMs, longestPauseMs);
  }

  /** The number of converted changes at the front. Never rejects. */
  async #ready(batch: readonly Waiting[]): Promise<number> {
    const convert = (some: readonly Waiting[]): Promise<Entry[]> =>
      this.#entries.all(some.flatMap((each) => (typeof each === "function" ? [] : entriesOf(each))));
    try {
      await convert(batch);
      return batch.length;
    } catch {
      // An object that cannot be converted blocks later changes only.
    }
    for (let count = 0; count < batch.length; count++) {
      try {
        await convert(batch.slice(count, count + 1));
      } catch {
        return count;
      }
    }
    return batch.length;
  }

  #tellOf({ type, revision, entry, previous }: Change): void {
    const before = previous && this.#entries.known(previous);
    const now = this.#entries.known(entry) ?? this.#entries.at(before as Entry, revision);
    const change: Change = { type, revision, entry: now, previous: before, frames: undefined };
    this.#tell(change);
    // The same view has sent it already.
    change.frames = undefined;
  }
}

/** The entries to convert for a change: for a deletion the last state. */
const entriesOf = ({ type, entry, previous }: Change): Entry[] =>
  type === "deleted" ? [previous ?? entry] : previous ? [entry, previous] : [entry];
