import assert from "node:assert/strict";
import { test } from "node:test";
import { stamp } from "./stamp.ts";

test("what is known of an object shows nowhere and follows into no copy", () => {
  const texts = stamp<object, string>();
  const part = { name: "web" };
  texts.set(part, "known");
  assert.equal(texts.get(part), "known");
  assert.deepEqual(Reflect.ownKeys(part), ["name"]);
  assert.equal(texts.get({ ...part }), undefined);
  assert.equal(texts.get(structuredClone(part)), undefined);
});

test("it can be said anew and be forgotten, of frozen objects and lists as well", () => {
  const texts = stamp<object, string>();
  for (const object of [{}, [], new Uint8Array(1), Object.freeze({})]) {
    assert.equal(texts.get(object), undefined);
    texts.clear(object);
    texts.set(object, "first");
    texts.set(object, "second");
    assert.equal(texts.get(object), "second");
    texts.clear(object);
    assert.equal(texts.get(object), undefined);
    texts.set(object, "third");
    assert.equal(texts.get(object), "third");
  }
});

test("kinds of knowledge do not mix", () => {
  const texts = stamp<object, string>();
  const sizes = stamp<object, number>();
  const part = {};
  texts.set(part, "known");
  assert.equal(sizes.get(part), undefined);
  sizes.set(part, 5);
  assert.equal(texts.get(part), "known");
});
