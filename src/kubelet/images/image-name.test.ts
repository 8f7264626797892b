import assert from "node:assert/strict";
import { test } from "node:test";
import { parseImageReference, pullPolicy } from "./image-name.ts";

test("references and the policy that follows from them", () => {
  const digest = `@sha256:${"a".repeat(64)}`;
  const cases: [string, string | undefined, string?][] = [
    ["nginx", "nginx:latest", "Always"],
    ["nginx:1.27", "nginx:1.27", "IfNotPresent"],
    [`nginx${digest}`, `nginx${digest}`, "IfNotPresent"],
    ["localhost:5000/a/b_c:v1", "localhost:5000/a/b_c:v1", "IfNotPresent"],
    ["registry.example.org/x/y", "registry.example.org/x/y:latest", "Always"],
    ["Nginx", undefined],
    ["a//b", undefined],
    ["", undefined],
    ["in valid", undefined],
  ];
  for (const [image, reference, policy] of cases) {
    assert.equal(parseImageReference(image), reference, image);
    if (reference) assert.equal(pullPolicy(undefined, reference), policy, image);
  }
  assert.equal(pullPolicy("Never", "a:latest"), "Never");
});
