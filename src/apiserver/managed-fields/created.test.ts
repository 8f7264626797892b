/** The optimized ownership of new objects equals the general one, for every kind. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { kinds, shapeOfType, typeOfKind } from "../../api/index.ts";
import {
  afterCreate,
  afterUpdate,
  deducedShape,
  UnkeyedItem,
  type View,
  type Writer,
} from "../../machinery/index.ts";
import { dice, generateObject } from "../testing/generate.ts";
import { resetFields } from "./reset-fields.ts";

const writer: Writer = { manager: "m", operation: "Update", apiVersion: "v1", subresource: "" };
const now = "2026-11-28T05:36:34Z";

function found(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    assert.ok(error instanceof UnkeyedItem, String(error));
    return error.message;
  }
}

for (const def of kinds) {
  test(`${def.group || "core"}/${def.version} ${def.kind}`, () => {
    const type = typeOfKind(def);
    assert.ok(type);
    const views = [
      { shape: shapeOfType(type), typed: true },
      { shape: shapeOfType(type), typed: false },
      { shape: deducedShape, typed: false },
    ].map(
      (each): View => ({
        ...each,
        apiVersion: "v1",
        reset: resetFields(def, ""),
        other: () => undefined,
      }),
    );
    for (let seed = 1; seed <= 20; seed++) {
      const object = generateObject(def, dice(seed * 7919 + 1));
      for (const view of views) {
        const short = found(() => [...afterCreate(view, object, writer, now)]);
        const long = found(() => [...afterUpdate(view, {}, object, new Map(), writer, now)]);
        assert.equal(JSON.stringify(short), JSON.stringify(long), `seed ${seed}`);
      }
    }
  });
}

test("names in any order and script, many of them, zeros and nothing", () => {
  const view: View = {
    shape: deducedShape,
    typed: false,
    apiVersion: "v1",
    reset: undefined,
    other: () => undefined,
  };
  const data: Record<string, unknown> = { "😀": 1, "\ufffd": 1, 'a"b': 1, "a\\b": null, z: {}, a: [], "": 1 };
  for (let i = 0; i < 200; i++) data[`key-${(i * 7919) % 1009}`] = i;
  const object = {
    apiVersion: "v1",
    kind: "X",
    metadata: { name: "n", labels: { a: "b" } },
    data,
    empty: {},
  };
  const texts = [
    afterCreate(view, object, writer, now),
    afterUpdate(view, {}, object, new Map(), writer, now),
  ].map((managers) => JSON.stringify([...managers]));
  assert.equal(texts[0], texts[1]);
  assert.equal(afterCreate(view, { metadata: { name: "n" } }, writer, now).size, 0);
});
