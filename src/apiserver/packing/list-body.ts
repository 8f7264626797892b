import { crc32 } from "node:zlib";
import type { Entry } from "../cache/entry.ts";
import { Joined } from "../joined.ts";
import { type Assembly, pieceBytes } from "../response.ts";
import { appended } from "./crc32.ts";
import { keptBytes, pack, type Packed, type PackedRuns, runsOf } from "./packed-runs.ts";

/** A long list: the bytes of its objects, with something before, between and behind. */
export interface ListParts {
  head: Uint8Array;
  entries: readonly Entry[];
  /** An object's bytes in the list; `first`: nothing stands before it. */
  item(entry: Entry, first: boolean): readonly Uint8Array[];
  /** How long they are, about. */
  itemLength(entry: Entry): number;
  tail: Uint8Array;
}

/** Deflate, no name, no time, packed fast, by nobody in particular (RFC 1952, section 2.3). */
const gzipHead = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 0xff]);
/** A last block of deflate with nothing in it (RFC 1951, section 3.2.3). */
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

/** A short list at once. */
export const joinedParts = (parts: ListParts): Buffer => Buffer.concat([...plain(parts)]);

/** It is put together as it is taken, so that it never stands in memory a second time. */
export class ListBody implements Assembly {
  readonly #parts: ListParts;
  readonly #runs: PackedRuns | undefined;
  #joined: Joined | undefined;

  /** `runs`: where packed runs are kept. Without them it is packed as it goes, like any other body. */
  constructor(parts: ListParts, runs: PackedRuns | undefined) {
    this.#parts = parts;
    this.#runs = runs;
  }

  next(scratch: Uint8Array): Uint8Array | undefined {
    this.#joined ??= new Joined(plain(this.#parts));
    return this.#joined.next(scratch);
  }

  /** The whole as gzip's format has it (RFC 1952), out of runs that are packed once for all lists. */
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
