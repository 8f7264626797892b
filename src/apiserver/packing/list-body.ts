import { crc32 } from "node:zlib";
import type { Entry } from "../cache/entry.ts";
import { Joined } from "../joined.ts";
import { type Assembly, pieceBytes } from "../response.ts";
import { appended } from "./crc32.ts";
import { keptBytes, pack, type Packed, type PackedRuns, runsOf } from "./packed-runs.ts";

/** A long list: the bytes of its objects, with a head, separators and a tail. */
export interface ListParts {
  head: Uint8Array;
  entries: readonly Entry[];
  /** An object's bytes in the list; `first`: without a separator. */
  item(entry: Entry, first: boolean): readonly Uint8Array[];
  /** Their approximate length. */
  itemLength(entry: Entry): number;
  tail: Uint8Array;
}

/** A gzip header: deflate, no name, no time, fastest, unknown system (RFC 1952, section 2.3). */
const gzipHead = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 0xff]);
/** An empty final deflate block (RFC 1951, section 3.2.3). */
const lastBlock = Buffer.from([3, 0]);

function* plain({ head, entries, item, tail }: ListParts): Generator<Uint8Array> {
  yield head;
  let first = true;
  for (const entry of entries) {
    yield* item(entry, first);
    first = false;
  }
  yield tail;
}

/** A short list in one piece. */
export const joinedParts = (parts: ListParts): Buffer => Buffer.concat([...plain(parts)]);

/** Assembled while it is read, so that it is never in memory as a whole. */
export class ListBody implements Assembly {
  readonly #parts: ListParts;
  readonly #runs: PackedRuns | undefined;
  #joined: Joined | undefined;

  /** `runs`: the cache of compressed runs. Without it the body is compressed like any other. */
  constructor(parts: ListParts, runs: PackedRuns | undefined) {
    this.#parts = parts;
    this.#runs = runs;
  }

  next(scratch: Uint8Array): Uint8Array | undefined {
    this.#joined ??= new Joined(plain(this.#parts));
    return this.#joined.next(scratch);
  }

  /** The body in gzip's format (RFC 1952), from runs that all lists share. */
  get packed(): (() => AsyncIterable<Uint8Array>) | undefined {
    const runs = this.#runs;
    return runs && (() => this.#packed(runs));
  }

  async *#packed(runs: PackedRuns): AsyncGenerator<Uint8Array> {
    const { head, tail } = this.#parts;
    let crc = crc32("");
    let length = 0;
    let waiting: Uint8Array[] = [gzipHead];
    let bytes = 0;
    const take = (packed: Packed): void => {
      crc = appended(crc, packed.crc, packed.shift);
      length += packed.length;
      waiting.push(packed.bytes);
      bytes += packed.bytes.length;
    };
    take(await pack(head));
    for await (const packed of this.#packedRuns(runs)) {
      take(packed);
      if (bytes < pieceBytes) continue;
      yield Buffer.concat(waiting);
      waiting = [];
      bytes = 0;
    }
    take(await pack(tail));
    const end = Buffer.alloc(8);
    end.writeUInt32LE(crc, 0);
    end.writeUInt32LE(length % 2 ** 32, 4);
    yield Buffer.concat([...waiting, lastBlock, end]);
  }

  async *#packedRuns(runs: PackedRuns): AsyncGenerator<Packed> {
    const { entries, item, itemLength } = this.#parts;
    let room = keptBytes;
    let first = true;
    for (const run of runsOf(entries, itemLength)) {
      const isFirst = first;
      const plain = (): Uint8Array =>
        Buffer.concat(run.entries.flatMap((entry, i) => item(entry, isFirst && i === 0)));
      const packed = await runs.packed(run, plain, room > 0);
      room -= packed.bytes.length;
      first = false;
      yield packed;
    }
  }
}
