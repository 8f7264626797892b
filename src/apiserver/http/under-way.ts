/** Counts requests in flight that are not long-running, for the shutdown to wait for. */
export class UnderWay {
  #open = 0;
  #waiting: (() => void)[] = [];

  /** Adds a request. Call the returned function when it has ended or turned out to be long-running; further calls have no effect. */
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
