/** Limits the bytes of cached items, which can be recreated: drops the oldest ones. */
export class Budget<T> {
  readonly #bytes: number;
  readonly #sizeOf: (item: T) => number;
  readonly #forget: (item: T) => void;
  #items: T[] = [];
  #first = 0;
  #used = 0;

  constructor(bytes: number, sizeOf: (item: T) => number, forget: (item: T) => void) {
    this.#bytes = bytes;
    this.#sizeOf = sizeOf;
    this.#forget = forget;
  }

  /** The size of an item must not change. */
  add(item: T): void {
    this.#items.push(item);
    this.#used += this.#sizeOf(item);
    while (this.#used > this.#bytes && this.#items.length - this.#first > 1) {
      const oldest = this.#items[this.#first++] as T;
      this.#used -= this.#sizeOf(oldest);
      this.#forget(oldest);
    }
    if (this.#first > 1024 && this.#first * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
  }
}
