import assert from "node:assert/strict";
import { test } from "node:test";
import { externalAddress } from "./external-address.ts";

test("an external name keeps its port, or has the one that is listened on", () => {
  for (const [given, expected] of [
    ["api.example", "api.example:6443"],
    ["api.example:443", "api.example:443"],
    ["10.0.0.1", "10.0.0.1:6443"],
    ["fd00::1", "[fd00::1]:6443"],
    ["[fd00::1]:443", "[fd00::1]:443"],
  ] as const)
    assert.equal(externalAddress(given, 6443), expected);
});
