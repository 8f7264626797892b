import type { Clock } from "../machinery/index.ts";

/** However long it may take, so many end in a second at least, as in kube-apiserver. */
const leastPerSecond = 200;
const stepMs = 50;

/** Watches under way, and how they end when the server does. */
export class WatchEnds {
  /** In the order in which they began. */
  readonly #open = new Set<() => void>();
  #over = false;

  /** Nothing new is to begin. */
  get over(): boolean {
    return this.#over;
  }

  /** What is returned says that it has ended by itself. */
  add(end: () => void): () => void {
    this.#open.add(end);
    return () => void this.#open.delete(end);
  }

  /**
   * Ends all at once, or spread over so much time that their clients do not come to other servers all together
   * (--shutdown-watch-termination-grace-period).
   */
  async end(graceMs: number, clock: Clock): Promise<void> {
    this.#over = true;
    const perSecond = Math.max((this.#open.size * 1000) / graceMs, leastPerSecond);
    const perStep = graceMs > 0 ? Math.ceil((perSecond * stepMs) / 1000) : Infinity;
    while (this.#open.size > 0) {
      let left = perStep;
      for (const end of this.#open) {
        if (left-- <= 0) break;
        this.#open.delete(end);
        end();
      }
      if (this.#open.size > 0) await clock.sleep(stepMs);
    }
  }
}
