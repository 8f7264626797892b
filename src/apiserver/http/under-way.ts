/** Counts requests under way that have an end of their own; who shuts down waits for them. */
export class UnderWay {
  #open = 0;
  #waiting: (() => void)[] = [];

  /** One more. What is returned says that it is over, or that it lasts and is not waited for; again has no effect. */
  begin(): () => void {
    this.#open++;
    let counts = true;
    return () => {
      if (!counts) return;
      counts = false;
      this.#open--;
      if (this.#open > 0) return;
      for (const each of this.#waiting) each();
      this.#waiting = [];
    };
  }

  /** Settles when there is none, or after `graceMs`. */
  none(graceMs: number): Promise<void> {
    if (this.#open === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, graceMs);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
