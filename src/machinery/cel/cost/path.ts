/**
 * Path of a value from a variable inwards (`self`, `list`, `@items`, `name`).
 *
 * cel-go keeps paths in Go slices, which share memory when one grows from another within capacity: the path of `self.list[0].a`
 * may become that of `self.list[0].b` later. The estimated cost depends on this (in nested loops the inner one may be estimated
 * by another field), and with it which definitions are refused; so it is reproduced here.
 */
export class Path {
  readonly #memory: string[];
  readonly #room: number;
  readonly length: number;

  private constructor(memory: string[], room: number, length: number) {
    this.#memory = memory;
    this.#room = room;
    this.length = length;
  }

  static readonly none = new Path([], 0, 0);

  get names(): readonly string[] {
    return this.#memory.slice(0, this.length);
  }

  /** A step inwards. */
  to(name: string): Path {
    const full = this.length === this.#room;
    const memory = full ? [...this.names] : this.#memory;
    memory[this.length] = name;
    return new Path(memory, full ? Math.max(1, 2 * this.#room) : this.#room, this.length + 1);
  }
}
