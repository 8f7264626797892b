import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "../meta.ts";
import { columnsOf } from "./columns.ts";

const now = Date.parse("2026-01-01T00:00:00Z");

function cell(type: string, x: unknown, jsonPath = ".x"): unknown {
  const version = {
    ...{ name: "v1", served: true, storage: true },
    additionalPrinterColumns: [{ name: "X", type, jsonPath }],
  };
  return columnsOf(version)[1]?.cell({ kind: "A", apiVersion: "b/v1", x } as KubeObject, now);
}

test("cells of custom resources show values as Go prints them", () => {
  for (const [type, value, shown] of [
    ["string", { b: ["<", null], a: 1 }, '{"a":1,"b":["\\u003c",null]}'],
    ["string", null, "<no value>"],
    ["string", undefined, null],
    ["string", true, "true"],
    ["string", 1.5, "1.5"],
    ["string", 1e21, "1e+21"],
    ["integer", -1.5, -1],
    ["integer", 1e21, -(2n ** 63n)],
    ["integer", "1", null],
    ["number", 2, 2],
    ["boolean", "true", null],
    ["date", "2025-12-31T23:59:30Z", "30s"],
    ["date", "7", "<invalid>"],
    ["date", "2025-12-31", "<invalid>"],
    ["date", "", "<unknown>"],
    ["date", 5, null],
  ] as const)
    assert.deepEqual(cell(type, value), shown, `${type} ${String(value)}`);
  assert.equal(cell("string", [null, "a"], ".x[*]"), "<no value>");
});
