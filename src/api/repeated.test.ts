import assert from "node:assert/strict";
import { test } from "node:test";
import { readRepeated } from "./repeated.ts";
import { schemaOf, type TypeSchema } from "./schema.ts";

const core = (kind: string): TypeSchema => schemaOf(`io.k8s.api.core.v1.${kind}`) as TypeSchema;
const read = (kind: string, text: string): unknown => readRepeated(core(kind), text).value;

test("structs and maps that come again go on where they were left", () => {
  assert.deepEqual(
    read(
      "ConfigMap",
      '{"metadata":{"name":"a"},"data":{"a":"1","b":"2"},"metadata":{"uid":"u"},"data":{"b":"3"}}',
    ),
    { metadata: { name: "a", uid: "u" }, data: { a: "1", b: "3" } },
  );
  assert.deepEqual(read("ConfigMap", '{"data":{"a":"1"},"data":null,"data":{"b":"2"}}'), {
    data: { b: "2" },
  });
});

test("lists begin again, and their elements are the former ones", () => {
  const list = (text: string): unknown => (read("PodSpec", text) as { containers: unknown }).containers;
  const two = '"containers":[{"name":"x","args":["1","2"]},{"name":"y"}]';
  assert.deepEqual(list(`{${two},"containers":[{"image":"i","args":["3"]}]}`), [
    { name: "x", image: "i", args: ["3"] },
  ]);
  const back = '"containers":[{"image":"i"}],"containers":[{},{"tty":true}]';
  assert.deepEqual(list(`{${two},${back}}`)?.[1 as keyof object], { name: "y", tty: true });
  assert.deepEqual(list(`{${two},"containers":[],"containers":[{},{"tty":true}]}`), [{}, { tty: true }]);
  assert.deepEqual(list(`{${two},"containers":[null]}`), [{ name: "x", args: ["1", "2"] }]);
});

test("null empties pointers, lists and maps, and says nothing of the rest", () => {
  assert.deepEqual(
    read("ConfigMap", '{"immutable":true,"immutable":null,"metadata":{"name":"a","name":null}}'),
    {
      immutable: null,
      metadata: { name: "a" },
    },
  );
  assert.deepEqual(read("ServicePort", '{"port":1,"port":null,"targetPort":"a","targetPort":null}'), {
    port: 1,
    targetPort: 0,
  });
});

test("what has the wrong type stays, so that it is told of", () => {
  assert.deepEqual(read("ConfigMap", '{"immutable":"x","immutable":true,"data":5,"data":{}}'), {
    immutable: "x",
    data: 5,
  });
});

test("strict texts are in the order of the text, each once, and none is of what nobody knows", () => {
  const text =
    '{"metadata":{"name":"a","foo":1},"bar":{"a":1,"a":2},"data":{"a":"1","a":"2"},"metadata":{"foo":2},"data":{"a":"3"}}';
  assert.deepEqual(readRepeated(core("ConfigMap"), text).strict, [
    'unknown field "metadata.foo"',
    'unknown field "bar"',
    'duplicate field "data.a"',
    'duplicate field "metadata"',
    'duplicate field "data"',
  ]);
  const many = Array.from({ length: 150 }, (_, i) => `"x${i}":0`).join(",");
  assert.equal(readRepeated(core("ConfigMap"), `{${many}}`).strict.length, 100);
});

test("numbers keep how they were written", () => {
  const { value } = readRepeated(core("ServicePort"), '{"port":9007199254740993,"name":"a","name":"b"}');
  assert.deepEqual(value, { port: 9007199254740993n, name: "b" });
});

test("lists that come again and again take time by their text, however long they were", () => {
  const long = `"finalizers":[${Array.from({ length: 60_000 }, () => '"a"').join(",")}]`;
  const again = Array.from({ length: 30_000 }, () => '"finalizers":["b"]').join(",");
  assert.deepEqual(read("ConfigMap", `{"metadata":{${long},${again}}}`), { metadata: { finalizers: ["b"] } });
  const later = '"finalizers":["b"],"finalizers":[null,null]';
  assert.deepEqual(read("ConfigMap", `{"metadata":{"finalizers":["x","y","z"],${later}}}`), {
    metadata: { finalizers: ["b", "y"] },
  });
});
