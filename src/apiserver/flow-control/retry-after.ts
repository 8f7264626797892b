/** When somebody who was refused may come again: the later, the more are refused. */

const longestSeconds = 32;

interface Second {
  at: number;
  refused: number;
}

/** Of one priority level. */
export class RetryAfter {
  /** Seconds to wait, a whole number. */
  seconds = 1;
  #raisedAt = 0;
  /** Former seconds in which somebody was refused. */
  #former: Second[] = [];
  #current: Second = { at: 0, refused: 0 };

  /** Somebody is refused. `nowMs`: since the epoch. */
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

  /** Twice as long when the present wait has not helped, a second less when hardly anybody was refused. */
  #adapt(now: number): void {
    let recent = 0;
    for (const { at, refused } of this.#former) if (now - at <= this.seconds) recent += refused;
    if (now - this.#raisedAt >= this.seconds && recent >= 3 * this.seconds) {
      this.seconds = Math.min(2 * this.seconds, longestSeconds);
      this.#raisedAt = now;
    } else if (recent < this.seconds && this.seconds > 1) this.seconds--;
  }
}
