import assert from "node:assert/strict";
import { test } from "node:test";
import { Joined } from "./joined.ts";

function read(parts: Uint8Array[], size: number): { bytes: Buffer; pieces: number[] } {
  const joined = new Joined(parts);
  const scratch = Buffer.alloc(size);
  const taken: Buffer[] = [];
  for (let piece = joined.next(scratch); piece; piece = joined.next(scratch)) taken.push(Buffer.from(piece));
  return { bytes: Buffer.concat(taken), pieces: taken.map(({ length }) => length) };
}

test("parts come in their order, however they fit", () => {
  const text = (length: number, letter: string): Buffer => Buffer.alloc(length, letter);
  for (const lengths of [[], [1], [10, 10], [9, 2, 9], [11, 1, 25], [0, 3, 0], [70_000, 5, 70_000, 70_000]]) {
    const parts = lengths.map((length, i) => text(length, String(i)));
    assert.deepEqual(read(parts, 10).bytes, Buffer.concat(parts), String(lengths));
  }
  assert.deepEqual(read([text(4, "a"), text(4, "b"), text(4, "c")], 10).pieces, [8, 4]);
});

test("a long part is not copied", () => {
  const long = Buffer.alloc(100_000, "x");
  const joined = new Joined([Buffer.from("a"), long, Buffer.from("b")]);
  const scratch = Buffer.alloc(1_000_000);
  assert.equal(joined.next(scratch)?.length, 1);
  assert.equal(joined.next(scratch), long);
  assert.equal(joined.next(scratch)?.length, 1);
  assert.equal(joined.next(scratch), undefined);
});
