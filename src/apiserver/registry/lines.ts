/**
 * Where writers of one object queue once they have got in one another's way: each then waits for its turn instead of
 * trying again against all the others.
 */
export class Lines {
  readonly #tails = new Map<string, Promise<void>>();

  /** Settles when everybody before has left. The returned function leaves. */
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
