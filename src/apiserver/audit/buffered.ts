import { type Clock, type Timer, TokenBucket } from "../../machinery/index.ts";
import type { AuditBackend, Entry, Loss } from "./event.ts";
import type { BatchOptions } from "./options.ts";

/** Sends events in batches, asynchronously: a slow backend loses events but never delays requests. */
export class Buffered implements AuditBackend {
  readonly #backend: AuditBackend;
  readonly #options: BatchOptions;
  readonly #clock: Clock;
  readonly #lost: Loss;
  readonly #bucket: TokenBucket | undefined;
  /** The batch being filled. */
  #batch: Entry[] = [];
  /** Events that arrive while sending is blocked. */
  #waiting: Entry[] = [];
  /** Resolves when the blocked batch has been sent. */
  #held: Promise<void> | undefined;
  readonly #underWay = new Set<Promise<unknown>>();
  #timer: Timer | undefined;
  readonly #closing = new AbortController();

  constructor(backend: AuditBackend, options: BatchOptions, { clock, lost }: { clock: Clock; lost: Loss }) {
    this.#backend = backend;
    this.#options = options;
    this.#clock = clock;
    this.#lost = lost;
    this.#bucket = options.throttle && new TokenBucket(options.throttle, clock);
  }

  process(entries: readonly Entry[]): boolean {
    let lost = 0;
    let why = "audit buffer queue blocked";
    for (const entry of entries) {
      if (this.#closing.signal.aborted) {
        why = "audit backend shut down";
        lost++;
      } else if (!this.#held) this.#collect(entry);
      else if (this.#waiting.length < this.#options.bufferSize) this.#waiting.push(frozen(entry));
      else lost++;
    }
    if (lost > 0) this.#lost("buffered", lost, new Error(why));
    return true;
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error("audit backend shut down"));
    // Waiting events may block again.
    while (this.#held || this.#batch.length > 0) {
      if (this.#held) await this.#held;
      else this.#send();
    }
    await Promise.all(this.#underWay);
    await this.#backend.close();
  }

  #collect(entry: Entry): void {
    const { maxSize, maxWaitMs } = this.#options;
    this.#batch.push(frozen(entry));
    if (this.#batch.length >= maxSize) this.#send();
    else this.#timer ??= this.#clock.timer(maxWaitMs, () => this.#send());
  }

  #send(): void {
    this.#timer?.stop();
    this.#timer = undefined;
    const batch = this.#batch;
    this.#batch = [];
    const waitMs = this.#bucket?.reserve() ?? 0;
    const go = (): void | Promise<unknown> => {
      const outcome = this.#backend.process(batch);
      if (typeof outcome === "boolean") return;
      if (!this.#options.together) return outcome;
      const underWay = outcome.finally(() => this.#underWay.delete(underWay));
      this.#underWay.add(underWay);
    };
    const held = waitMs > 0 ? this.#pause(waitMs).then(go) : go();
    if (!held) return;
    this.#held = Promise.resolve(held).then(() => {
      this.#held = undefined;
      const { maxSize } = this.#options;
      while (this.#waiting.length > 0 && !this.#held) {
        for (const entry of this.#waiting.splice(0, maxSize - this.#batch.length)) this.#collect(entry);
      }
    });
  }

  /** Does not wait while closing. */
  #pause(ms: number): Promise<void> {
    return this.#clock.sleep(ms, this.#closing.signal).catch(() => {});
  }
}

/** A copy, since an event changes as its request proceeds. */
function frozen(entry: Entry): Entry {
  void entry.json;
  return entry;
}
