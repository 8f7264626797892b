/** Whatever bytes a body has, in whatever encoding, it is read or refused in Kubernetes' words, and what is read can be written. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeBody } from "../../src/apiserver/codec/decode.ts";
import { encodeObject } from "../../src/apiserver/codec/protobuf/envelope.ts";
import { decodeObject } from "../../src/apiserver/codec/protobuf/decode.ts";
import { loadMessages } from "../../src/apiserver/codec/protobuf/messages.ts";
import { parseExact, StatusError, stringifyExact } from "../../src/machinery/index.ts";
import { fuzz } from "../../src/testing/index.ts";

const messages = await loadMessages();

/** Undefined where the body is refused, as the client's mistake. */
function read(body: Uint8Array, type: string): unknown {
  try {
    return decodeBody(body, type)?.value;
  } catch (error) {
    assert.ok(error instanceof StatusError, String(error));
    assert.equal(error.code, 400, error.message);
    assert.ok(error.message.length < 4096 + 2 * body.length, "a mistake is told in few words");
    return undefined;
  }
}

test("JSON bodies", async () => {
  await fuzz({
    seeds: [
      '{"metadata":{"name":"a","labels":{"x":"y"}},"n":[1,-2.5e3,true,null]}',
      '{"a":12345678901234567890,"b":"\\ud83d\\ude00\\u0000","a":2}',
      '{"__proto__":{"x":1},"constructor":{"prototype":{}}}',
      "[[[[[[]]]]]]",
    ],
    dictionary: ["\\u", "\\ud800", "\xff", "\xef\xbb\xbf", "1e999", "-0", '"":', "[[", "]]", '{"a":', "}}"],
    run(input) {
      const value = read(input, "application/json");
      if (value === undefined) return;
      const text = stringifyExact(value);
      assert.equal(stringifyExact(parseExact(text)), text);
      assert.equal(({} as { x?: unknown }).x, undefined, "prototypes stay as they are");
    },
  });
});

test("YAML bodies", async () => {
  await fuzz({
    runs: 600,
    seeds: [
      "metadata:\n  name: a\n  labels: {x: y}\nn: [1, -2.5e3, yes, ~]\n",
      "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
      "a: !!binary YQ==\n<<: {b: 1}\n? [x]\n: y\n",
      "%YAML 1.1\n---\na: 0o17\nb: 1_000\nc: 2001-12-14\n...\n",
    ],
    dictionary: ["&a", "*a", "<<: *a", "!!", "---\n", "...\n", "? ", ": ", "|\n", "\t", "__proto__: ", "\0"],
    run(input) {
      const value = read(input, "application/yaml");
      if (value !== undefined) stringifyExact(value);
    },
  });
});

test("protobuf bodies: what is read is written and read as the same", async () => {
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "a", labels: { x: "y" }, creationTimestamp: "2024-01-01T00:00:00Z" },
    spec: {
      containers: [
        { name: "c", image: "i", resources: { limits: { cpu: "1" } }, ports: [{ containerPort: 80 }] },
      ],
    },
  };
  const crd = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "a.b" },
    spec: {
      versions: [
        { name: "v1", schema: { openAPIV3Schema: { type: "object", default: { a: [1] }, items: {} } } },
      ],
    },
  };
  await fuzz({
    seeds: [pod, crd].map((object) => encodeObject(messages, object)),
    dictionary: [
      "k8s\0",
      "\x0a",
      "\x12",
      "\x1a",
      "\xff\xff\xff\xff\x0f",
      "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
    ],
    run(input) {
      const value = read(input, "application/vnd.kubernetes.protobuf") as { kind?: string } | undefined;
      if (value === undefined) return;
      const bytes = encodeObject(messages, value);
      const again = decodeObject(messages, bytes);
      assert.equal(encodeObject(messages, again).compare(bytes), 0, JSON.stringify([value, again]));
    },
  });
});
