/** The changes of a cache in one version, in order: converted once for all watches. */
import type { Clock } from "../../machinery/index.ts";
import type { ChangeListener, WatchCache } from "../cache/watch-cache.ts";
import { ConversionQueue, type ConvertedEntries } from "./conversion-queue.ts";

interface Subscriber {
  listener: ChangeListener;
  lost: () => void;
}

/** Limit of waiting changes; beyond it, watches end and clients list again. */
const maxWaiting = 10_000;

/** Nothing is converted without subscribers. */
export class ConvertedChanges {
  readonly #cache: WatchCache;
  readonly #queue: ConversionQueue;
  readonly #subscribers = new Set<Subscriber>();
  #unsubscribe: (() => void) | undefined;

  constructor(cache: WatchCache, entries: ConvertedEntries, clock: Clock) {
    this.#cache = cache;
    this.#queue = new ConversionQueue(entries, clock, (change) => {
      for (const { listener } of this.#subscribers) listener(change);
    });
  }

  /** Earlier changes may still be delivered; compare their revisions. `lost`: too many changes wait, no more are delivered. */
  subscribe(listener: ChangeListener, lost: () => void): () => void {
    const subscriber = { listener, lost };
    this.#subscribers.add(subscriber);
    this.#unsubscribe ??= this.#cache.subscribe((change) => {
      this.#queue.push(change);
      if (this.#queue.length > maxWaiting) this.#giveUp();
    });
    return () => {
      this.#subscribers.delete(subscriber);
      if (this.#subscribers.size === 0) this.#stop();
    };
  }

  /** Calls back when all changes so far are delivered. Never after `lost`. */
  whenTold(then: () => void): void {
    this.#queue.whenTold(then);
  }

  #giveUp(): void {
    const lost = [...this.#subscribers];
    this.#subscribers.clear();
    this.#stop();
    for (const each of lost) each.lost();
  }

  #stop(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    this.#queue.clear();
  }
}
