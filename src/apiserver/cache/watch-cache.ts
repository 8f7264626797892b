import type { Entry } from "./entry.ts";
import { SortedEntries } from "./sorted-entries.ts";

export type ChangeType = "added" | "modified" | "deleted";

/** One change of one object. `entry` is the new state; for a deletion the last state, with the deletion's revision. */
export interface Change {
  readonly type: ChangeType;
  readonly revision: number;
  readonly entry: Entry;
  readonly previous: Entry | undefined;
  /** Encoded watch events by their form, shared by all watchers of that form. */
  frames: Map<string, Uint8Array> | undefined;
}

export type ChangeListener = (change: Change) => void;

/** Number of changes that are kept for watches that begin in the past. */
export const maxChanges = 10_000;
const maxHistoryBytes = 32 * 1024 * 1024;

/** All objects of one stored resource in key order, and their recent changes. */
export class WatchCache {
  readonly #entries = new Map<string, Entry>();
  /** The same entries in order. */
  readonly #sorted = new SortedEntries();
  #changes: Change[] = [];
  #historyBytes = 0;
  /** Changes with a greater revision are all in `#changes`. */
  #floor: number;
  readonly #listeners = new Set<ChangeListener>();
  #bytes = 0;
  /** Changes since the start, and objects that existed then. */
  changes = 0;
  initial = 0;

  constructor(floor: number) {
    this.#floor = floor;
  }

  /** Watches can begin at this revision and later. */
  get floor(): number {
    return this.#floor;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Bytes of all objects as JSON. */
  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  /** All entries, or those of a namespace, in key order: a list that does not change. */
  list(namespace: string): readonly Entry[] {
    return namespace === "" ? this.#sorted.all() : this.#sorted.range(`${namespace}/`, `${namespace}0`);
  }

  /** Objects as they were at an earlier revision; undefined when the history does not reach so far back. */
  listAt(namespace: string, revision: number): readonly Entry[] | undefined {
    if (revision < this.#floor) return undefined;
    const undo = new Map<string, Entry | undefined>();
    for (let i = this.#changes.length - 1; i >= 0; i--) {
      const change = this.#changes[i] as Change;
      if (change.revision <= revision) break;
      undo.set(change.entry.key, change.previous);
    }
    if (undo.size === 0) return this.list(namespace);
    const entries: Entry[] = [];
    for (const entry of this.list(namespace)) if (!undo.has(entry.key)) entries.push(entry);
    for (const entry of undo.values()) {
      if (entry && (namespace === "" || entry.namespace === namespace)) entries.push(entry);
    }
    return entries.sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** Changes after this revision; undefined when some were dropped. */
  since(revision: number): readonly Change[] | undefined {
    if (revision < this.#floor) return undefined;
    let low = 0;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#changes[middle] as Change).revision <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#changes.slice(low);
  }

  /** Calls back after each change until the returned function is called. */
  subscribe(listener: ChangeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Adds an entry without a change (initial fill). */
  fill(entry: Entry): void {
    this.#entries.set(entry.key, entry);
    this.#bytes += entry.json.length;
    this.initial++;
    this.#sorted.put(entry);
  }

  put(entry: Entry): Change {
    const previous = this.#entries.get(entry.key);
    this.#entries.set(entry.key, entry);
    this.#bytes += entry.json.length - (previous?.json.length ?? 0);
    this.#sorted.put(entry);
    return this.#record(previous ? "modified" : "added", entry, previous);
  }

  /** `last`: the removed object's last state at the revision of its deletion. */
  remove(key: string, last: (previous: Entry) => Entry): Change | undefined {
    const previous = this.#entries.get(key);
    if (!previous) return undefined;
    this.#entries.delete(key);
    this.#bytes -= previous.json.length;
    this.#sorted.remove(key);
    return this.#record("deleted", last(previous), previous);
  }

  /** Drops changes up to this revision, which was compacted. */
  forget(revision: number): void {
    const keep = this.#changes.findIndex((change) => change.revision > revision);
    this.#drop(keep < 0 ? this.#changes.length : keep, revision);
  }

  #record(type: ChangeType, entry: Entry, previous: Entry | undefined): Change {
    const change: Change = { type, revision: entry.revision, entry, previous, frames: undefined };
    this.#changes.push(change);
    this.changes++;
    this.#historyBytes += entry.json.length;
    if (this.#changes.length > maxChanges || this.#historyBytes > maxHistoryBytes) {
      const drop = Math.ceil(this.#changes.length / 4);
      this.#drop(drop, this.#changes[drop - 1]?.revision ?? this.#floor);
    }
    for (const listener of this.#listeners) listener(change);
    // All present watchers have it. A later watch from the past encodes it again.
    change.frames = undefined;
    previous?.forget();
    return change;
  }

  #drop(count: number, floor: number): void {
    for (const change of this.#changes.splice(0, count)) this.#historyBytes -= change.entry.json.length;
    this.#floor = Math.max(this.#floor, floor);
  }
}
