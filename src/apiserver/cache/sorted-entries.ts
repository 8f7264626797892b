import type { Entry } from "./entry.ts";

/** Larger parts are split, which bounds the cost of an insertion. */
const maxPart = 128;

/** Entries in key order. The cost of an insertion does not depend on their number. */
export class SortedEntries {
  /** Parts in order; none is empty. */
  readonly #parts: Entry[][] = [];
  /** All entries, until the next change. Read only. */
  #all: readonly Entry[] | undefined;

  /** Inserts or replaces an entry. */
  put(entry: Entry): void {
    this.#all = undefined;
    const parts = this.#parts;
    const at = this.#partOf(entry.key);
    const part = parts[at];
    if (!part) {
      parts.push([entry]);
      return;
    }
    const i = lowerBound(part, entry.key);
    if (part[i]?.key === entry.key) part[i] = entry;
    else if (i === part.length && at === parts.length - 1 && part.length >= maxPart) parts.push([entry]);
    else {
      part.splice(i, 0, entry);
      if (part.length > maxPart) parts.splice(at + 1, 0, part.splice(maxPart / 2));
    }
  }

  remove(key: string): void {
    const at = this.#partOf(key);
    const part = this.#parts[at];
    const i = part ? lowerBound(part, key) : 0;
    if (!part || part[i]?.key !== key) return;
    this.#all = undefined;
    part.splice(i, 1);
    if (part.length === 0) this.#parts.splice(at, 1);
  }

  /** An immutable list. */
  all(): readonly Entry[] {
    this.#all ??= ([] as Entry[]).concat(...this.#parts);
    return this.#all;
  }

  /** Those with `from` <= key < `to`. */
  range(from: string, to: string): Entry[] {
    const found: Entry[] = [];
    for (let at = this.#partOf(from); at < this.#parts.length; at++) {
      const part = this.#parts[at] as Entry[];
      const begin = (part[0] as Entry).key < from ? lowerBound(part, from) : 0;
      const last = part[part.length - 1] as Entry;
      const end = last.key < to ? part.length : lowerBound(part, to);
      for (let i = begin; i < end; i++) found.push(part[i] as Entry);
      if (end < part.length) break;
    }
    return found;
  }

  /** The last part that begins at or before the key; 0 when there is none. */
  #partOf(key: string): number {
    let low = 0;
    let high = this.#parts.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (((this.#parts[middle] as Entry[])[0] as Entry).key <= key) low = middle;
      else high = middle;
    }
    return low;
  }
}

/** Index of the first entry whose key is not below `key`. */
function lowerBound(entries: readonly Entry[], key: string): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle] as Entry).key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
