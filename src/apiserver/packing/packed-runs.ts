import { promisify } from "node:util";
import { constants, crc32, deflateRaw } from "node:zlib";
import type { Entry } from "../cache/entry.ts";
import { shiftOf } from "./crc32.ts";

const deflate = promisify(deflateRaw);

/** Packed bytes that stay for the next list. A list takes half of it at most, or it would push itself out. */
const budgetBytes = 16 * 1024 * 1024;
/** Of a list. */
export const keptBytes = budgetBytes / 2;

/** A run ends behind about every so manieth object. */
const meanObjects = 64;
/** Or when it has come to so many bytes. */
const maxBytes = 256 * 1024;

/** Some bytes as deflate writes them (RFC 1951), whole blocks that refer to nothing before them. */
export interface Packed {
  readonly bytes: Uint8Array;
  /** Of what is packed. */
  readonly crc: number;
  /** What its length does to the sum of what stands before it. */
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
  /** Of its packed bytes, once they are there. */
  size: number;
}

/** What was asked for last comes last. */
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
 * Packed runs of neighbouring objects, as lists of one kind in one encoding have them. Where a run ends depends on the objects
 * alone, so that lists share runs whatever stands before these, and a change makes one run anew.
 */
export class PackedRuns {
  readonly #kept = new Map<string, KeptRun>();

  /** The run as it was packed before, unless one of its objects has changed; else `plain` is packed, and stays if it `stays`. */
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

/** Cuts a list into runs. `lengthOf`: what an object comes to in the list. The first run is its own: no comma stands before it. */
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

/** Names often differ in their last letters alone, and those often count up: the sum is stirred until all depends on all. */
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
