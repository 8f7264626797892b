/**
 * Kubernetes' published encodings of every kind (k8s.io/api/testdata): runs if WHERRY_API_TESTDATA names the folder of a release.
 * For round trips of every kind see round-trip.test.ts.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { conform, findKindByName } from "../../../api/index.ts";
import { formatYaml, parseYamlDocuments } from "../../../machinery/index.ts";
import { decodeObject } from "./decode.ts";
import { encodeObject } from "./envelope.ts";
import { loadMessages } from "./messages.ts";

const folder = process.env.WHERRY_API_TESTDATA;

test("every published encoding is read, and made again byte for byte", { skip: !folder }, async (t) => {
  const messages = await loadMessages();
  const names = readdirSync(folder as string)
    .filter((name) => name.endsWith(".json"))
    .map((name) => name.slice(0, -5));
  let met = 0;
  for (const name of names) {
    const file = (ending: string): Buffer => readFileSync(join(folder as string, `${name}.${ending}`));
    const object = JSON.parse(file("json").toString()) as { apiVersion: string; kind: string };
    // A watch event has no kind.
    if (!object.kind || !messages.nameOf(object.apiVersion, object.kind)) continue;
    met++;
    await t.test(name, () => {
      const bytes = file("pb");
      assert.deepEqual(withoutNulls(decodeObject(messages, bytes)), withoutNulls(object));
      const encoded = encodeObject(messages, object);
      assert.equal(encoded.toString("hex"), bytes.toString("hex"));
      const yaml = file("yaml").toString();
      assert.deepEqual(parseYamlDocuments(yaml, name)[0]?.value, object);
      assert.equal(formatYaml(object), yaml);
      const [version = "", group = ""] = object.apiVersion.split("/").reverse();
      const def = findKindByName(group, version, object.kind);
      if (!def) return;
      const copy = structuredClone(object);
      assert.deepEqual(conform(def.schema, copy), { unknown: [] });
      assert.deepEqual(withoutNulls(copy), withoutNulls(object));
    });
  }
  assert.ok(met > 80, `${met} kinds`);
});

/** Absent and null are the same in Go's types. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, each]) => each !== null)
      .map(([name, each]) => [name, withoutNulls(each)]),
  );
}
