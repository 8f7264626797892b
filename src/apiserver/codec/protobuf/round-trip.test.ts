/** Properties of every kind, with random objects: three encodings have the same meaning. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { conform, type KubeObject, kinds } from "../../../api/index.ts";
import { formatYaml, parseExact, parseYamlDocuments, stringifyExact } from "../../../machinery/index.ts";
import { dice, generateObject } from "../../testing/generate.ts";
import { decodeObject } from "./decode.ts";
import { encodeObject } from "./envelope.ts";
import { loadMessages } from "./messages.ts";

const messages = await loadMessages();
const rounds = 3;

/** `whole` has everything in `part`; its other values are empty, as in Go's structs. */
function assertHolds(whole: unknown, part: unknown, path: string): void {
  if (typeof part !== "object" || part === null) {
    assert.deepEqual(whole, part, path);
    return;
  }
  assert.equal(typeof whole, "object", path);
  const left = whole as Record<string, unknown>;
  const right = part as Record<string, unknown>;
  for (const name of Object.keys(right)) assertHolds(left[name], right[name], `${path}.${name}`);
  for (const name of Object.keys(left)) if (!(name in right)) assertEmpty(left[name], `${path}.${name}`);
}

function assertEmpty(value: unknown, path: string): void {
  if (typeof value !== "object" || value === null) {
    assert.ok(["", 0, false, "0", null, undefined].includes(value as never), `${path}: ${value}`);
  } else for (const [name, each] of Object.entries(value)) assertEmpty(each, `${path}.${name}`);
}

for (const def of kinds) {
  test(`${def.group || "core"}/${def.version} ${def.kind} is the same in JSON, YAML and protobuf`, () => {
    for (let seed = 1; seed <= rounds; seed++) {
      const object = generateObject(def, dice(seed * 7919));
      const json = stringifyExact(object);
      assert.deepEqual(parseExact(json), object, `JSON, seed ${seed}`);
      assert.deepEqual(
        parseYamlDocuments(formatYaml(object), "test")[0]?.value,
        object,
        `YAML, seed ${seed}`,
      );

      const bytes = encodeObject(messages, object);
      const decoded = decodeObject(messages, bytes);
      assertHolds(decoded, object, `protobuf, seed ${seed}`);
      assert.equal(encodeObject(messages, decoded).compare(bytes), 0, `bytes, seed ${seed}`);

      const conforming = parseExact(json) as KubeObject;
      assert.deepEqual(conform(def.schema, conforming), { unknown: [] }, `type, seed ${seed}`);
      assert.deepEqual(conforming as unknown, object, `conforming, seed ${seed}`);
    }
  });
}

test("every message that a kind leads to is there", () => {
  const seen = new Set<string>();
  const visit = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    const message = messages.get(name);
    for (const field of message.byNumber.values()) if (field.form === "message") visit(field.type);
  };
  for (const def of kinds) visit(def.schema as string);
  assert.ok(seen.size > 300, `${seen.size}`);
});

test("random bytes are refused or read, and never anything else", () => {
  const roll = dice(5);
  const good = encodeObject(messages, generateObject(kinds.find((def) => def.kind === "Pod") as never, roll));
  for (let i = 0; i < 3000; i++) {
    const bytes = Buffer.from(good);
    for (let flips = 1 + roll(4); flips > 0; flips--) bytes[roll(bytes.length)] = roll(256);
    try {
      decodeObject(messages, bytes.subarray(0, 1 + roll(bytes.length)));
    } catch (error) {
      assert.match((error as Error).name, /^(WireError|MessageError)$/);
    }
  }
});
