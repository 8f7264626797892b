import type { Assembly } from "./response.ts";

/** Parts as long as this are handed on as they are: copying them costs more than a write of their own. */
const longPart = 64 * 1024;

/** Parts one behind the other. Nobody writes to them, and they are asked for as they are taken. */
export class Joined implements Assembly {
  readonly #parts: Iterator<Uint8Array>;
  /** The part that did not fit any more. */
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
