import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { kinds } from "../kinds.ts";
import type { Json } from "./model.ts";
import { openApiV3 } from "./version3.ts";

/** `api/openapi-spec` of the module k8s.io/kubernetes. */
const directory = process.env.WHERRY_OPENAPI_SPEC;

/**
 * The published documents were made with CBOR and without enums and what is said about their values; servers have it the other way
 * round.
 */
const left = (name: string, value: unknown): boolean =>
  name.includes("cbor") || (name === "enum" && Array.isArray(value));
const aboutValues = /\n\nPossible enum values:\n[^]*/;

function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value === "string") return value.replace(aboutValues, "").trimEnd();
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, each]) => !left(name, each))
      .map(([name, each]) => [name, comparable(each)]),
  );
}

test("documents are what the published ones are, path by path and schema by schema", {
  skip: directory === undefined,
}, async () => {
  for (const each of new Set(kinds.map((kind) => `${kind.group}/${kind.version}`))) {
    const [group = "", version = ""] = each.split("/");
    const name = group === "" ? `api__${version}` : `apis__${group}__${version}`;
    const file = join(directory as string, "v3", `${name}_openapi.json`);
    const published = JSON.parse(readFileSync(file, "utf8")) as {
      paths: Json;
      components: { schemas: Json };
    };
    const made = (await openApiV3(group, version, kinds)) as typeof published;
    assert.deepEqual(Object.keys(made.paths), Object.keys(published.paths), each);
    for (const [path, item] of Object.entries(published.paths))
      assert.deepEqual(comparable(made.paths[path]), comparable(item), path);
    const { schemas } = published.components;
    assert.deepEqual(Object.keys(made.components.schemas), Object.keys(schemas), each);
    for (const [definition, schema] of Object.entries(schemas))
      assert.deepEqual(comparable(made.components.schemas[definition]), comparable(schema), definition);
  }
});
