import assert from "node:assert/strict";
import { test } from "node:test";
import { restorable } from "./restore.ts";

const pod = "io.k8s.api.core.v1.Pod";
const problem = (spec: unknown): string | undefined => restorable(pod, { spec }).problem;

test("what does not fit is told by Go's kinds, field by field in the order of the struct", () => {
  assert.equal(problem([]), "cannot restore struct from: slice");
  assert.equal(problem({ containers: {} }), "cannot restore slice from map");
  assert.equal(problem({ nodeSelector: "x" }), "cannot restore map from string");
  assert.equal(problem({ activeDeadlineSeconds: "x" }), "unrecognized type: int64");
  assert.equal(problem({ activeDeadlineSeconds: 1.5 }), "cannot convert float64 to int64");
  assert.equal(problem({ nodeName: 1 }), "cannot convert int64 to string");
  assert.equal(problem({ restartPolicy: 1 }), "cannot convert int64 to v1.RestartPolicy");
  assert.equal(problem({ hostNetwork: "true" }), "unrecognized type: bool");
  assert.match(problem({ overhead: { cpu: "x" } }) ?? "", /quantities must match/);
  assert.equal(problem({ containers: [{ name: "a", command: [{}] }] }), "unrecognized type: string");
  assert.equal(problem({ containers: [null, { name: "a" }] }), undefined);
});

test("unknown fields are named in alphabetical order, without the names in maps", () => {
  const { unknown } = restorable(pod, { zz: 1, spec: { b: 1, containers: [{ a: 1 }] }, metadata: { c: 1 } });
  assert.deepEqual(unknown, ["metadata.c", "spec.b", "spec.containers[0].a", "zz"]);
});
