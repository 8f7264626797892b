import type { Assembly } from "./response.ts";

/** Longer parts are not copied: a write of their own costs less. */
const longPart = 64 * 1024;

/** A concatenation of parts, which are produced as they are read and must not be written to. */
export class Joined implements Assembly {
  readonly #parts: Iterator<Uint8Array>;
  /** The part that did not fit into the last piece. */
  #left: Uint8Array | undefined;

  constructor(parts: Iterable<Uint8Array>) {
    this.#parts = parts[Symbol.iterator]();
  }

  next(scratch: Uint8Array): Uint8Array | undefined {
    let used = 0;
    for (;;) {
      const part = this.#left ?? this.#next();
      this.#left = undefined;
      if (!part) return used > 0 ? scratch.subarray(0, used) : undefined;
      const long = part.length >= longPart || part.length > scratch.length;
      if (long && used === 0) return part;
      if (long || used + part.length > scratch.length) {
        this.#left = part;
        return scratch.subarray(0, used);
      }
      scratch.set(part, used);
      used += part.length;
    }
  }

  #next(): Uint8Array | undefined {
    const step = this.#parts.next();
    return step.done ? undefined : step.value;
  }
}
