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
 * While the webhook does not answer, changes wait, and it is called again with exponential back-off. No change is lost or
 * delivered twice.
 */
export class ConversionQueue {
  readonly #entries: ConvertedEntries;
  readonly #clock: Clock;
  readonly #tell: (change: Change) => void;
  /** Changes, and calls for when everything before them was told. Another list after `clear`. */
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

  /** Calls back when every change up to now was told, at once if it was. Never when the queue is cleared before. */
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
      // Cleared, meanwhile or by what was just told.
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

  /** How many of the first are converted. Never rejects. */
  async #ready(batch: readonly Waiting[]): Promise<number> {
    const convert = (some: readonly Waiting[]): Promise<Entry[]> =>
      this.#entries.all(some.flatMap((each) => (typeof each === "function" ? [] : entriesOf(each))));
    try {
      await convert(batch);
      return batch.length;
    } catch {
      // One object that cannot be converted holds up what is behind it, not what is before it.
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
    // Whoever looks at it the same way has had it.
    change.frames = undefined;
  }
}

/** What must be converted to tell of a change: of something deleted its last state. */
const entriesOf = ({ type, entry, previous }: Change): Entry[] =>
  type === "deleted" ? [previous ?? entry] : previous ? [entry, previous] : [entry];
