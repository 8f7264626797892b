import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "../../api/index.ts";
import { encodeStored, isStoredAs, resourceVersionLength, withResourceVersion } from "./stored.ts";

const owned = { manager: "m", operation: "Update", fieldsV1: { "f:data": { ".": {}, 'f:a"b': {} } } };

test("an object is stored whole, whatever it has of metadata, owners and content", () => {
  const metadatas: object[] = [
    {},
    { name: "n", uid: "u" },
    { uid: "u", labels: { a: "ü" }, managedFields: [] },
    { managedFields: [owned] },
    { name: "n", uid: "u", managedFields: [owned, { manager: "without fields" }, { fieldsV1: {} }, {}] },
  ];
  for (const metadata of metadatas)
    for (const rest of [{}, { data: { b: "2", a: "1" }, number: 2n ** 60n }]) {
      const object = { kind: "K", apiVersion: "v1", metadata, ...rest } as KubeObject;
      const stored = encodeStored(object, "K", "v1");
      assert.deepEqual(
        JSON.parse(stored.toString()),
        JSON.parse(JSON.stringify({ ...object, metadata: { ...metadata, ...noOwners(metadata) } })),
      );
      const shown = withResourceVersion(stored, 123);
      assert.equal(
        (JSON.parse(shown.toString()) as KubeObject).metadata?.resourceVersion,
        "123",
        shown.toString(),
      );
      if ("uid" in metadata) assert.equal(shown.length, stored.length + resourceVersionLength(123));
    }
});

/** An empty list of owners counts as absent. */
const noOwners = (metadata: object): object =>
  (metadata as { managedFields?: unknown[] }).managedFields?.length === 0 ? { managedFields: undefined } : {};

test("kind and version come first, then what tells the object from others", () => {
  const object = {
    spec: {},
    metadata: {
      labels: {},
      uid: "u",
      name: "n",
      managedFields: [owned],
      resourceVersion: "7",
      selfLink: "x",
    },
  } as unknown as KubeObject;
  assert.equal(
    encodeStored(object, "K", "g/v1").toString(),
    '{"kind":"K","apiVersion":"g/v1","metadata":{"name":"n","uid":"u","labels":{},"managedFields":[{"manager":"m","operation":"Update","fieldsV1":{"f:data":{".":{},"f:a\\"b":{}}}}]},"spec":{}}',
  );
});

test("stored bytes are known by what is shown of them, and differ by one byte anywhere", () => {
  for (const metadata of [{ name: "abc", uid: "u" }, { name: "abc" }]) {
    const stored = (name: string, b: string): Buffer =>
      encodeStored({ metadata: { ...metadata, name }, data: { b } } as KubeObject, "K", "v1");
    const shown = withResourceVersion(stored("abc", "x"), 42);
    assert.ok(isStoredAs(stored("abc", "x"), 42, shown));
    assert.ok(!isStoredAs(stored("abd", "x"), 42, shown));
    assert.ok(!isStoredAs(stored("abc", "y"), 42, shown));
  }
});
