import assert from "node:assert/strict";
import { test } from "node:test";
import type { AdmissionRequest } from "./chain.ts";
import { refuse } from "./refuse.ts";

const about = (name: string, metadata?: object): string | undefined =>
  refuse(
    {
      name,
      object: metadata && { metadata },
      resource: { def: { group: "", kind: "ConfigMap", plural: "configmaps" } },
    } as unknown as AdmissionRequest,
    "why",
  ).details?.name;

test("what is refused is named as far as it has a name", () => {
  assert.equal(about("a", { name: "b" }), "a");
  assert.equal(about("", { name: "b", generateName: "c-" }), "b");
  assert.equal(about("", { generateName: "c-" }), "c-");
  assert.equal(about("", {}), "Unknown");
  // An object of a deleted collection.
  assert.equal(about(""), "Unknown");
});
