import type { Clock } from "../../../../machinery/index.ts";
import type { ImageReviewStatus } from "./review.ts";

const most = 1024;

/** Answers of the webhook by request, until they expire. */
export class Verdicts {
  readonly #clock: Clock;
  readonly #life: { allowMs: number; denyMs: number };
  /** Least recently used first. */
  readonly #known = new Map<string, { status: ImageReviewStatus; until: number }>();

  constructor(clock: Clock, life: { allowMs: number; denyMs: number }) {
    this.#clock = clock;
    this.#life = life;
  }

  get(key: string): ImageReviewStatus | undefined {
    const found = this.#known.get(key);
    if (!found) return undefined;
    this.#known.delete(key);
    if (this.#clock.monotonic() >= found.until) return undefined;
    this.#known.set(key, found);
    return found.status;
  }

  add(key: string, status: ImageReviewStatus): void {
    const { allowMs, denyMs } = this.#life;
    const until = this.#clock.monotonic() + (status.allowed ? allowMs : denyMs);
    this.#known.set(key, { status, until });
    if (this.#known.size <= most) return;
    const [oldest = key] = this.#known.keys();
    this.#known.delete(oldest);
  }
}
