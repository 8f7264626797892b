import assert from "node:assert/strict";
import { test } from "node:test";
import { parseExact } from "../exact-json.ts";
import { applyJsonPatch, type JsonPatchOperation, PatchError } from "./json-patch.ts";

const apply = (document: unknown, ...operations: object[]): unknown =>
  applyJsonPatch(document, operations as JsonPatchOperation[]);

const problem = (document: unknown, ...operations: object[]): string => {
  try {
    apply(document, ...operations);
  } catch (error) {
    if (error instanceof PatchError) return error.message;
    throw error;
  }
  return "";
};

test("a member that is not there can be replaced, and copied as null", () => {
  assert.deepEqual(apply({}, { op: "replace", path: "/a", value: 1 }), { a: 1 });
  assert.deepEqual(apply({}, { op: "copy", from: "/a", path: "/b" }), { b: null });
  assert.deepEqual(apply({}, { op: "add", path: "/a" }), { a: null });
  assert.deepEqual(apply({ a: 1 }, { op: "test", path: "/b" }, { op: "test", path: "/b", value: null }), {
    a: 1,
  });
});

test("what stands before the first slash does not matter", () => {
  assert.deepEqual(apply({}, { op: "add", path: "x/a", value: 1 }), { a: 1 });
});

test("indices count from the end when they are negative; a dash is the place behind the last", () => {
  const list = () => ({ l: [1, 2, 3] });
  assert.deepEqual(apply(list(), { op: "remove", path: "/l/-1" }), { l: [1, 2] });
  assert.deepEqual(apply(list(), { op: "replace", path: "/l/-3", value: 0 }), { l: [0, 2, 3] });
  assert.deepEqual(apply(list(), { op: "add", path: "/l/-1", value: 4 }), { l: [1, 2, 3, 4] });
  assert.deepEqual(apply(list(), { op: "add", path: "/l/-", value: 4 }), { l: [1, 2, 3, 4] });
  assert.deepEqual(apply(list(), { op: "move", from: "/l/0", path: "/l/-" }), { l: [2, 3, 1] });
});

test("what does not fit, in the words of the original", () => {
  const of = { a: { b: 1 }, l: [1], text: "t" };
  const cases: [object, string][] = [
    [{ op: "frob" }, "Unexpected kind: frob"],
    [{ path: "/a" }, "Unexpected kind: unknown"],
    [{ op: 1 }, "Unexpected kind: unknown"],
    [{ op: "add" }, "add operation failed to decode path: missing value"],
    [
      { op: "replace" },
      "replace operation failed to decode path: operation missing path field: missing value",
    ],
    [
      { op: "test", path: 5 },
      "test operation failed to decode path: json: cannot unmarshal number into Go value of type string",
    ],
    [{ op: "move" }, "move operation failed to decode from: operation, missing from field: missing value"],
    [{ op: "add", path: "" }, 'add operation does not apply: doc is missing path: "": missing value'],
    [{ op: "add", path: "/x/y" }, 'add operation does not apply: doc is missing path: "/x/y": missing value'],
    [
      { op: "add", path: "/text/y" },
      'add operation does not apply: doc is missing path: "/text/y": missing value',
    ],
    [
      { op: "add", path: "/l/x" },
      `error in add for path: '/l/x': value was not a proper array index: 'x': strconv.Atoi: parsing "x": invalid syntax`,
    ],
    [
      { op: "add", path: "/l/2" },
      "error in add for path: '/l/2': Unable to access invalid index: 2: invalid index referenced",
    ],
    [
      { op: "remove", path: "/x" },
      "error in remove for path: '/x': Unable to remove nonexistent key: x: missing value",
    ],
    [
      { op: "remove", path: "/l/-2" },
      "error in remove for path: '/l/-2': Unable to access invalid index: -2: invalid index referenced",
    ],
    [{ op: "replace", path: "", value: 1 }, "replace operation value must be object or array"],
    [
      { op: "replace", path: "/x/y" },
      "replace operation does not apply: doc is missing path: /x/y: missing value",
    ],
    [
      { op: "replace", path: "/l/1" },
      "replace operation does not apply: doc is missing key: /l/1: missing value",
    ],
    [
      { op: "move", from: "/x", path: "/y" },
      "error in move for path: 'x': Unable to remove nonexistent key: x: missing value",
    ],
    [
      { op: "move", from: "/a", path: "/a/c" },
      "move operation does not apply: doc is missing destination path: /a/c: missing value",
    ],
    [
      { op: "copy", from: "/x/y", path: "/z" },
      "copy operation does not apply: doc is missing from path: /x/y: missing value",
    ],
    [{ op: "test", path: "/a/b", value: 2 }, "testing value /a/b failed: test failed"],
    [{ op: "test", path: "/x", value: 2 }, "testing value /x failed: test failed"],
    [
      { op: "test", path: "/x/y", value: 2 },
      "test operation does not apply: is missing path: /x/y: missing value",
    ],
  ];
  for (const [operation, text] of cases) assert.equal(problem(of, operation), text);
  assert.deepEqual(of, { a: { b: 1 }, l: [1], text: "t" });
});

test("a JSON patch can sort what it goes through", () => {
  const operation = { op: "add", path: "/b/c", value: { z: 1, y: 1 } };
  const patched = applyJsonPatch({ d: { f: 1, e: 1 }, b: { d: 1 } }, [operation], true);
  assert.equal(JSON.stringify(patched), '{"b":{"c":{"z":1,"y":1},"d":1},"d":{"f":1,"e":1}}');
});

test("a test finds numbers equal that are written the same", () => {
  const holds = (document: string, value: string): boolean => {
    const [operation] = parseExact(`[{"op":"test","path":"/a","value":${value}}]`) as JsonPatchOperation[];
    try {
      applyJsonPatch(parseExact(document), [operation as JsonPatchOperation]);
      return true;
    } catch {
      return false;
    }
  };
  assert.ok(holds('{"a":1}', "1"));
  assert.ok(!holds('{"a":1}', "1.0"));
  assert.ok(holds('{"a":1.0}', "1.0"));
  assert.ok(!holds('{"a":0}', "-0"));
  assert.ok(holds('{"a":[{"b":1,"c":null}]}', '[{"c":null,"b":1}]'));
  assert.ok(!holds('{"a":[{"b":1}]}', '[{"b":1e0}]'));
  assert.ok(!holds('{"a":[1]}', "[1,2]"));
  assert.ok(holds('{"b":1}', "null"));
});
