import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject, SubjectAccessReview } from "../../../api/index.ts";
import type { SpecialContext } from "../../contract.ts";
import { accessReviewHandlers } from "./access-reviews.ts";
import { attributesOf } from "./review-attributes.ts";
import { reviewProblems } from "./review-rules.ts";

const user = { name: "u", groups: [] };
const problems = (kind: string, spec: object, metadata: object = {}): string[] =>
  reviewProblems(kind, { spec, metadata } as SubjectAccessReview).map(
    (each) => `${each.field}: ${each.message}`,
  );

test("an access review says exactly what is asked, and about whom", () => {
  const resource = { resourceAttributes: { verb: "get", resource: "pods", namespace: "n" } };
  const path = { nonResourceAttributes: { path: "/", verb: "get" } };
  assert.deepEqual(problems("SelfSubjectAccessReview", resource), []);
  assert.deepEqual(problems("SubjectAccessReview", {}), [
    "spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified",
    'spec.user: Invalid value: "": at least one of user or group must be specified',
  ]);
  assert.deepEqual(problems("SelfSubjectAccessReview", { ...resource, ...path }), [
    'spec.nonResourceAttributes: Invalid value: {"Path":"/","Verb":"get"}: cannot be specified in combination with resourceAttributes',
  ]);
  assert.deepEqual(problems("LocalSubjectAccessReview", { user: "u", ...resource }, { namespace: "m" }), [
    'spec.resourceAttributes.namespace: Invalid value: "n": must match metadata.namespace',
  ]);
  assert.deepEqual(problems("SelfSubjectAccessReview", resource, { name: "x" }), [
    'metadata: Invalid value: {"name":"x"}: must be empty',
  ]);
});

test("selectors are held to their rules, and what is not understood only widens the question", () => {
  const ask = (selectors: object) => ({
    user: "u",
    resourceAttributes: { verb: "list", resource: "pods", ...selectors },
  });
  const both = { rawSelector: "a=b", requirements: [{ key: "a", operator: "Exists" }] };
  assert.match(
    problems("SubjectAccessReview", ask({ fieldSelector: both }))[0] ?? "",
    /rawSelector: .*may not specified at the same time/,
  );
  assert.match(
    problems("SubjectAccessReview", ask({ labelSelector: {} }))[0] ?? "",
    /requirements or rawSelector is required$/,
  );
  assert.match(
    problems(
      "SubjectAccessReview",
      ask({ labelSelector: { requirements: [{ key: "a", operator: "In" }] } }),
    )[0] ?? "",
    /values: Required value/,
  );
  const read = (selectors: object) => attributesOf(ask(selectors), user);
  const exact = read({
    fieldSelector: { requirements: [{ key: "spec.nodeName", operator: "In", values: ["n"] }] },
  });
  assert.deepEqual([exact.attributes.fieldSelector, exact.evaluationError], ["spec.nodeName=n", ""]);
  const partly = read({
    labelSelector: {
      requirements: [
        { key: "a", operator: "Exists" },
        { key: "b", operator: "Later" },
      ],
    },
    fieldSelector: { requirements: [{ key: "c", operator: "Exists" }] },
  });
  assert.equal(partly.attributes.labelSelector, "a");
  assert.equal(
    partly.evaluationError,
    "spec.resourceAttributes.fieldSelector ignored due to parse error; spec.resourceAttributes.labelSelector partially ignored due to parse error",
  );
});

test("a review tells of denials, and of authorizers that failed", async () => {
  const authorizer = {
    authorize: () => ({ allowed: false, denied: true, reason: "no", error: "down" }) as const,
    userRules: () => ({ rules: [] }),
  };
  const handler = accessReviewHandlers(authorizer).get("subjectaccessreviews.authorization.k8s.io");
  const fieldSelector = { rawSelector: "broken" };
  const spec = { user: "u", resourceAttributes: { verb: "list", resource: "pods", fieldSelector } };
  const context = { user, object: () => ({ spec }) as KubeObject } as unknown as SpecialContext;
  const answer = (await handler?.handle(context)) as unknown as { status: object } | undefined;
  assert.deepEqual(answer?.status, {
    allowed: false,
    denied: true,
    reason: "no",
    evaluationError: "down; spec.resourceAttributes.fieldSelector ignored due to parse error",
  });
});
