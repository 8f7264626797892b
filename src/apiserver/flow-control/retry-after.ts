/** The Retry-After of rejected requests, which grows with their number. */

const longestSeconds = 32;

interface Second {
  at: number;
  refused: number;
}

/** Of one priority level. */
export class RetryAfter {
  /** Current value, in whole seconds. */
  seconds = 1;
  #raisedAt = 0;
  /** Former seconds with rejections. */
  #former: Second[] = [];
  #current: Second = { at: 0, refused: 0 };

  /** Records a rejection. `nowMs`: since the epoch. */
  refused(nowMs: number): void {
    const at = Math.floor(nowMs / 1000);
    if (at === this.#current.at) {
      this.#current.refused++;
      return;
    }
    const { at: last } = this.#current;
    const kept = Math.min(2 * this.seconds, longestSeconds);
    this.#former = [...this.#former, this.#current].filter((each) => last - each.at <= kept);
    this.#current = { at, refused: 1 };
    this.#adapt(at);
  }

  /** Doubles the value when rejections continue, and lowers it by a second when there are hardly any. */
  #adapt(now: number): void {
    let recent = 0;
    for (const { at, refused } of this.#former) if (now - at <= this.seconds) recent += refused;
    if (now - this.#raisedAt >= this.seconds && recent >= 3 * this.seconds) {
      this.seconds = Math.min(2 * this.seconds, longestSeconds);
      this.#raisedAt = now;
    } else if (recent < this.seconds && this.seconds > 1) this.seconds--;
  }
}
