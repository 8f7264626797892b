import assert from "node:assert/strict";
import { test } from "node:test";
import { Agents } from "./agents.ts";

const bundle = (name: string): string => Buffer.from(name).toString("base64");

test("a bundle keeps its agent until nobody has the bundle any more", (t) => {
  const agents = new Agents();
  t.after(() => agents.close());
  const [a, b] = [agents.of(bundle("a")), agents.of(bundle("b"))];
  assert.notEqual(a, b);
  assert.equal(agents.of(bundle("a")), a);
  agents.keepOnly(new Set([bundle("b")]));
  assert.equal(agents.of(bundle("b")), b);
  assert.notEqual(agents.of(bundle("a")), a);
  assert.equal(a.maxFreeSockets, 0, "what is under way there is not kept");
});

test("there are not many agents at once: the one used least lately goes", (t) => {
  const agents = new Agents();
  t.after(() => agents.close());
  const first = agents.of(bundle("first"));
  const second = agents.of(bundle("second"));
  for (let i = 0; i < 30; i++) agents.of(bundle(String(i)));
  agents.of(bundle("first"));
  agents.of(bundle("one more"));
  assert.equal(agents.size, 32);
  assert.equal(agents.of(bundle("first")), first);
  assert.notEqual(agents.of(bundle("second")), second);
});
