import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "../../api/index.ts";
import { Entry } from "./entry.ts";

const written = (name: string, labels?: Record<string, string>): Entry => {
  const object = { metadata: { name, ...(labels ? { labels } : {}) } } as KubeObject;
  return new Entry(`ns/${name}`, 1, Buffer.from(JSON.stringify(object)), object);
};

test("an object is there right after it was written, and can be read for ever", () => {
  const first = written("first");
  const object = first.object;
  assert.equal(first.object, object);
  for (let i = 0; i < 200; i++) written(`other-${i}`);
  assert.notEqual(first.object, object, "it was forgotten");
  assert.deepEqual(first.object, object);
  assert.equal(first.object, first.object, "and is kept for a while where it was read");
});

test("entries with the same labels share them", () => {
  const a = written("a", { app: "x", tier: "y" });
  const b = written("b", { app: "x", tier: "y" });
  const c = written("c", { app: "x" });
  assert.equal(a.labels, b.labels);
  assert.deepEqual(a.labels, { app: "x", tier: "y" });
  assert.deepEqual(c.labels, { app: "x" });
  assert.equal(written("d").labels, undefined);
  assert.deepEqual([a.namespace, a.name], ["ns", "a"]);
});
