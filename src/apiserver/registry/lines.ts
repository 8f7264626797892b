/** Queues of writers of the same object after a conflict: each waits for its turn instead of retrying against all others. */
export class Lines {
  readonly #tails = new Map<string, Promise<void>>();

  /** Resolves when all earlier writers have left. Call the returned function to leave. */
  async enter(key: string): Promise<() => void> {
    const before = this.#tails.get(key);
    let leave = (): void => {};
    const mine = new Promise<void>((resolve) => (leave = resolve));
    const tail = before ? before.then(() => mine) : mine;
    this.#tails.set(key, tail);
    await before;
    return () => {
      leave();
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    };
  }
}
