import assert from "node:assert/strict";
import { test } from "node:test";
import { parseExact } from "../machinery/index.ts";
import { convert, restorable } from "./restore.ts";

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

test("numbers are fitted into narrower types as Go converts them", () => {
  const object = parseExact(
    '{"spec":{"activeDeadlineSeconds":1e30,"priority":4294967297,"terminationGracePeriodSeconds":3.0}}',
  ) as { spec: object };
  const { problem, conversions } = restorable(pod, object);
  assert.equal(problem, undefined);
  convert(object, conversions);
  assert.deepEqual(object.spec, {
    activeDeadlineSeconds: -(2n ** 63n),
    priority: 1,
    terminationGracePeriodSeconds: 3,
  });
});

test("a whole number that was written as a float is one, and bytes are told by what is in them", () => {
  const said = (text: string): string | undefined => restorable(pod, parseExact(text) as object).problem;
  assert.equal(said('{"spec":{"nodeName":2.0}}'), "unrecognized type: string");
  assert.equal(said('{"spec":{"nodeName":2}}'), "cannot convert int64 to string");
  const secret = "io.k8s.api.core.v1.Secret";
  assert.equal(
    restorable(secret, { data: { a: "x" } }).problem,
    "error decoding from json: illegal base64 data at input byte 0",
  );
  assert.equal(restorable(secret, { data: { a: [1.5] } }).problem, "cannot convert float64 to uint8");
  assert.deepEqual(restorable(secret, { data: { a: [258, 1] } }).conversions, [
    { path: ["data", "a"], value: "AgE=" },
  ]);
});

test("times are read as everywhere", () => {
  const said = (renewTime: string): string | undefined =>
    restorable("io.k8s.api.coordination.v1.Lease", { spec: { renewTime } }).problem;
  assert.equal(said("2026-01-01T00:00:00.000000Z"), undefined);
  const late = "2026-01-01T00:00:00.000000Z2";
  assert.equal(said(late), `parsing time "${late}": extra text: "2"`);
  const layout = '"2006-01-02T15:04:05.000000Z07:00"';
  assert.equal(said("x"), `parsing time "x" as ${layout}: cannot parse "x" as "2006"`);
});
