import assert from "node:assert/strict";
import { test } from "node:test";
import { newUid } from "./uid.ts";

test("a UID is a random UUID of version 4, and none comes twice", () => {
  const seen = new Set<string>();
  const digitsAt = Array.from({ length: 36 }, () => new Set<string>());
  for (let i = 0; i < 2000; i++) {
    const uid = newUid();
    assert.match(uid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    seen.add(uid);
    [...uid].forEach((digit, at) => digitsAt[at]?.add(digit));
  }
  assert.equal(seen.size, 2000);
  const fixed = new Map([8, 13, 18, 23, 14].map((at) => [at, 1])).set(19, 4);
  digitsAt.forEach((digits, at) => assert.equal(digits.size, fixed.get(at) ?? 16, `position ${at}`));
});
