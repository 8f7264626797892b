import assert from "node:assert/strict";
import { test } from "node:test";
import { compareKubeVersions } from "./kube-version.ts";

test("API versions are ordered as the documentation of APIService says", () => {
  const ordered = [
    "v10",
    "v2",
    "v1",
    "v11beta2",
    "v10beta3",
    "v3beta1",
    "v12alpha1",
    "v11alpha2",
    "foo1",
    "foo10",
  ];
  assert.deepEqual([...ordered].reverse().sort(compareKubeVersions), ordered);
  assert.equal(compareKubeVersions("v1", "v1"), 0);
});
