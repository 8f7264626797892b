import assert from "node:assert/strict";
import { test } from "node:test";
import { matchesNodeSelector } from "./node-selector.ts";
import { tolerates } from "./toleration.ts";

const node = { name: "n1", labels: { zone: "a", cores: "8", odd: "x" } };

function matches(key: string, operator: string, ...values: string[]): boolean {
  const matchExpressions = [{ key, operator, values }];
  return matchesNodeSelector({ nodeSelectorTerms: [{ matchExpressions }] }, node);
}

test("each operator of a node selector says what core/v1 says of it", () => {
  assert.ok(matches("zone", "In", "b", "a"));
  assert.ok(!matches("none", "In", "a"));
  assert.ok(matches("none", "NotIn", "a"));
  assert.ok(!matches("zone", "NotIn", "a"));
  assert.ok(matches("zone", "Exists"));
  assert.ok(matches("none", "DoesNotExist"));
  assert.ok(matches("cores", "Gt", "7"));
  assert.ok(!matches("cores", "Gt", "8"));
  assert.ok(matches("cores", "Lt", "9007199254740993"));
  assert.ok(!matches("odd", "Lt", "9"), "what is no integer is neither more nor less");
  assert.ok(!matches("none", "Lt", "9"));
  assert.ok(!matches("zone", "Near", "a"));
});

test("terms are alternatives, what stands in one must hold together, and nothing matches nothing", () => {
  const here = { matchFields: [{ key: "metadata.name", operator: "In", values: ["n1"] }] };
  const zoneB = { matchExpressions: [{ key: "zone", operator: "In", values: ["b"] }] };
  assert.ok(matchesNodeSelector({ nodeSelectorTerms: [zoneB, here] }, node));
  assert.ok(!matchesNodeSelector({ nodeSelectorTerms: [{ ...zoneB, ...here }] }, node));
  assert.ok(!matchesNodeSelector({ nodeSelectorTerms: [{}] }, node));
  assert.ok(!matchesNodeSelector({ nodeSelectorTerms: [] }, node));
});

test("a toleration without key, effect or value reaches as far as core/v1 says", () => {
  const taint = { key: "k", value: "v", effect: "NoSchedule" };
  assert.ok(tolerates({ operator: "Exists" }, taint));
  assert.ok(tolerates({ key: "k", value: "v" }, taint), "Equal is the default");
  assert.ok(!tolerates({ key: "k" }, taint), "an absent value is an empty one");
  assert.ok(!tolerates({ value: "v" }, taint), "Equal needs a key");
  assert.ok(!tolerates({ key: "k", operator: "Exists", effect: "NoExecute" }, taint));
  assert.ok(!tolerates({ key: "other", operator: "Exists" }, taint));
});
