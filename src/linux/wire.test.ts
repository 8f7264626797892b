import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodeFields, encodeFields, encodeFrame, encodePlan, frameReader } from "./wire.ts";

describe("the wire to the native helper", () => {
  it("carries text, numbers, flags and bytes", () => {
    const fields = decodeFields(encodeFields(["é", 7, 2n ** 40n, true, false, Buffer.from([0, 255])]));
    assert.deepEqual(fields.map(String).slice(0, 5), ["é", "7", "1099511627776", "1", ""]);
    assert.deepEqual([...(fields[5] ?? [])], [0, 255]);
    assert.throws(() => encodeFields(["a\0b"]), RangeError);
    assert.throws(() => decodeFields(Buffer.from([9, 0, 0, 0, 1, 0])), RangeError);
    assert.equal(encodePlan([["pivot"], ["link", "/a", "b"]]).readUInt32LE(0), 1);
  });

  it("finds frames whatever way the bytes arrive", () => {
    const bytes = Buffer.concat([
      encodeFrame(1, Buffer.from("one")),
      encodeFrame(2, Buffer.alloc(0)),
      encodeFrame(3, Buffer.alloc(70_000, 1)),
    ]);
    for (const size of [1, 7, 4096, bytes.length]) {
      const seen: [number, number][] = [];
      const read = frameReader((type, payload) => seen.push([type, payload.length]));
      for (let at = 0; at < bytes.length; at += size) read(bytes.subarray(at, at + size));
      assert.deepEqual(seen, [
        [1, 3],
        [2, 0],
        [3, 70_000],
      ]);
    }
  });
});
