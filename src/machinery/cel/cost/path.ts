/**
 * Where a value is found: names from a variable inwards (`self`, `list`, `@items`, `name`).
 *
 * cel-go keeps them in slices of Go, which share their memory when one grows from another and there is room: the path of
 * `self.list[0].a` may become the one of `self.list[0].b` when that is looked at later. What an expression is thought to
 * cost depends on it (of two loops one in the other, the inner one may be taken for as long as another member), and so
 * on which definitions are refused; so it is kept here.
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
