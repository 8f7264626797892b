import assert from "node:assert/strict";
import { test } from "node:test";
import { WebhookCallError } from "../../webhooks/answers.ts";
import { type Asked, denial, readVerdict } from "./verdict.ts";

const asked: Asked = { version: "v1", uid: "u", mutating: true };
const review = (response: unknown, more: object = {}) => ({
  kind: "AdmissionReview",
  apiVersion: "admission.k8s.io/v1",
  response,
  ...more,
});

const problem = (value: unknown, by: Partial<Asked> = {}): string => {
  try {
    readVerdict(value, { ...asked, ...by });
  } catch (error) {
    if (error instanceof WebhookCallError) return error.message;
    throw error;
  }
  return "";
};

const patch = Buffer.from("[]").toString("base64");

test("what an answer has to be", () => {
  const good = { uid: "u", allowed: true };
  assert.equal(problem(review(good)), "");
  const wrong = "received invalid webhook response: ";
  for (const nothing of [null, {}, review(undefined), review(null)])
    assert.equal(problem(nothing), `${wrong}webhook response was absent`);
  assert.equal(problem(review({ allowed: true })), `${wrong}expected response.uid="u", got ""`);
  assert.equal(problem(review({ uid: "v" })), `${wrong}expected response.uid="u", got "v"`);
  const expected = `${wrong}expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got`;
  const unversioned = { kind: "AdmissionReview", response: good };
  for (const none of [unversioned, { ...unversioned, apiVersion: null }, { ...unversioned, apiVersion: "" }])
    assert.equal(problem(none), `${expected} /, Kind=AdmissionReview`);
  assert.equal(problem(review(good, { kind: "" })), `${expected} admission.k8s.io/v1, Kind=`);
});

test("an answer of another kind or version", () => {
  const scheme = 'in scheme "pkg/runtime/scheme.go:111"';
  const failed = "failed to call webhook: ";
  assert.equal(
    problem(review({}, { kind: "Other" })),
    `${failed}no kind "Other" is registered for version "admission.k8s.io/v1" ${scheme}`,
  );
  assert.equal(
    problem(review({}, { apiVersion: "admission.k8s.io/v1beta1" })),
    `${failed}converting (v1beta1.AdmissionReview) to (v1.AdmissionReview): unknown conversion`,
  );
  assert.equal(
    problem({ kind: "Status", apiVersion: "v1" }),
    `${failed}converting (v1.Status) to (v1.AdmissionReview): unknown conversion`,
  );
  assert.match(
    problem([]),
    /couldn't get version\/kind; json parse error: json: cannot unmarshal array into/,
  );
});

test("members of the wrong type, in Go's words", () => {
  const failed = "failed to call webhook: json: cannot unmarshal string into Go struct field ";
  assert.equal(
    problem(review({ uid: "u", allowed: "true" })),
    `${failed}AdmissionResponse.response.allowed of type bool`,
  );
  assert.equal(
    problem(review({ uid: "u", status: { code: "403" } })),
    `${failed}Status.response.status.code of type int32`,
  );
});

test("patches belong to mutating webhooks, with their type", () => {
  const wrong = "received invalid webhook response: ";
  const of = (response: object, mutating = true) => problem(review({ uid: "u", ...response }), { mutating });
  assert.equal(of({ patch }), `${wrong}webhook returned response.patch but not response.patchType`);
  assert.equal(
    of({ patchType: "JSONPatch" }),
    `${wrong}webhook returned response.patchType but not response.patch`,
  );
  assert.equal(of({ patch, patchType: "" }), `${wrong}webhook returned invalid response.patchType of ""`);
  assert.equal(of({ patch }, false), `${wrong}validating webhook may not return response.patch`);
  assert.equal(of({ patchType: "" }, false), `${wrong}validating webhook may not return response.patchType`);
  assert.equal(readVerdict(review({ uid: "u", patch, patchType: "JSONPatch" }), asked).patch, "[]");
});

test("v1beta1 is less strict", () => {
  const old = { version: "v1beta1" } as const;
  assert.equal(problem({ response: { uid: "other", patch } }, old), "");
  assert.equal(
    readVerdict({ response: { patch } }, { ...asked, ...old, mutating: false }).patch,
    undefined,
    "what a validating webhook wants to change does not matter",
  );
});

test("a denial says who, and has a code of failure", () => {
  const of = (status?: object) => denial("a.b.c", status).toStatus();
  assert.deepEqual(of(), {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: 'admission webhook "a.b.c" denied the request without explanation',
    code: 400,
  });
  assert.equal(of({ reason: "Because" }).message, 'admission webhook "a.b.c" denied the request: Because');
  assert.equal(of({ message: "m", reason: "R" }).message, 'admission webhook "a.b.c" denied the request: m');
  for (const [given, code] of [
    [200, 400],
    [302, 400],
    [404, 404],
    [429, 429],
    [503, 503],
    [599, 599],
  ])
    assert.equal(of({ code: given }).code, code);
  assert.equal(of({ status: "Success" }).status, "Failure");
  const all = { code: 422, reason: "Invalid", details: { name: "n", retryAfterSeconds: 3 } };
  const { reason, details } = of(all);
  assert.deepEqual({ reason, details }, { reason: "Invalid", details: all.details });
});
