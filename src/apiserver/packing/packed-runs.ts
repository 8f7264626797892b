import { promisify } from "node:util";
import { constants, crc32, deflateRaw } from "node:zlib";
import type { Entry } from "../cache/entry.ts";
import { shiftOf } from "./crc32.ts";

const deflate = promisify(deflateRaw);

/** Limit of the cache of compressed bytes. A list uses at most half of it, or it would evict itself. */
const budgetBytes = 16 * 1024 * 1024;
/** Limit of one list. */
export const keptBytes = budgetBytes / 2;

/** Average number of objects in a run. */
const meanObjects = 64;
/** Maximum length of a run in bytes. */
const maxBytes = 256 * 1024;

/** Bytes as complete deflate blocks (RFC 1951) without references to earlier ones. */
export interface Packed {
  readonly bytes: Uint8Array;
  /** Checksum of the plain bytes. */
  readonly crc: number;
  /** Shift of a checksum by the plain length. */
  readonly shift: number;
  readonly length: number;
}

export async function pack(plain: Uint8Array): Promise<Packed> {
  const bytes = await deflate(plain, { level: constants.Z_BEST_SPEED, finishFlush: constants.Z_SYNC_FLUSH });
  return { bytes, crc: crc32(plain), shift: shiftOf(plain.length), length: plain.length };
}

interface Run {
  readonly key: string;
  readonly entries: readonly Entry[];
}

interface KeptRun {
  readonly home: Map<string, KeptRun>;
  readonly key: string;
  readonly names: readonly string[];
  readonly revisions: readonly number[];
  packed: Packed | Promise<Packed>;
  /** Compressed size, once known. */
  size: number;
}

/** Most recently used last. */
const recent = new Set<KeptRun>();
let used = 0;

function forget(run: KeptRun): void {
  if (!recent.delete(run)) return;
  used -= run.size;
  if (run.home.get(run.key) === run) run.home.delete(run.key);
}

function touch(run: KeptRun): void {
  recent.delete(run);
  recent.add(run);
}

function grow(run: KeptRun, size: number): void {
  if (!recent.has(run)) return;
  run.size = size;
  used += size;
  for (const oldest of recent) {
    if (used <= budgetBytes) return;
    forget(oldest);
  }
}

/**
 * Compressed runs of adjacent objects for lists of one kind in one encoding. The boundaries depend on the objects alone, so that
 * lists share runs, and a change renews a single run.
 */
export class PackedRuns {
  readonly #kept = new Map<string, KeptRun>();

  /** The cached run, unless one of its objects has changed; else compresses `plain`, and caches it if `stays`. */
  packed(run: Run, plain: () => Uint8Array, stays: boolean): Packed | Promise<Packed> {
    const before = this.#kept.get(run.key);
    if (before && isOf(before, run)) {
      touch(before);
      return before.packed;
    }
    const packed = pack(plain());
    if (stays) this.#keep(run, packed);
    return packed;
  }

  #keep({ key, entries }: Run, packed: Promise<Packed>): void {
    const before = this.#kept.get(key);
    if (before) forget(before);
    const names = entries.map((entry) => entry.key);
    const revisions = entries.map((entry) => entry.revision);
    const run: KeptRun = { home: this.#kept, key, names, revisions, packed, size: 0 };
    this.#kept.set(key, run);
    recent.add(run);
    packed.then(
      (done) => {
        run.packed = done;
        grow(run, done.bytes.length);
      },
      () => forget(run),
    );
  }
}

function isOf({ names, revisions }: KeptRun, { entries }: Run): boolean {
  if (names.length !== entries.length) return false;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i] as Entry;
    if (revisions[i] !== entry.revision || names[i] !== entry.key) return false;
  }
  return true;
}

/**
 * Splits a list into runs. `lengthOf`: length of an object in the list. The first run is separate, since it begins without a
 * comma.
 */
export function* runsOf(entries: readonly Entry[], lengthOf: (entry: Entry) => number): Generator<Run> {
  let begin = 0;
  let bytes = 0;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i] as Entry;
    bytes += lengthOf(entry);
    if (bytes < maxBytes && !endsRun(entry.key) && i < entries.length - 1) continue;
    const first = (entries[begin] as Entry).key;
    yield { key: begin === 0 ? `[${first}` : first, entries: entries.slice(begin, i + 1) };
    begin = i + 1;
    bytes = 0;
  }
}

/** Names often differ in their last characters only and count up, so the hash is mixed thoroughly. */
function endsRun(key: string): boolean {
  let hash = 0;
  for (let i = Math.max(0, key.length - 12); i < key.length; i++) {
    hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  }
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  return (hash >>> 0) % meanObjects === 0;
}
