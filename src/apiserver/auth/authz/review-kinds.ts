/** SubjectAccessReview as an answer, by version of authorization.k8s.io. */
import { isBuiltIn, type ReviewKind } from "../../webhooks/review-object.ts";
import { extraTexts, field, reviewSchema, texts } from "../../webhooks/review-schema.ts";

const apiVersions = ["authorization.k8s.io/v1", "authorization.k8s.io/v1beta1"];
const kind = "SubjectAccessReview";

const knows = (apiVersion: string, named: string): boolean =>
  (named === kind && apiVersions.includes(apiVersion)) || isBuiltIn(apiVersion, named);

function reviewKind(version: "v1" | "v1beta1"): ReviewKind {
  const schema = reviewSchema(
    `io.k8s.api.authorization.${version}.${kind}`,
    {
      user: field("string"),
      uid: field("string"),
      [version === "v1" ? "groups" : "group"]: texts,
      extra: extraTexts(version),
      resourceAttributes: field("object"),
      nonResourceAttributes: field("object"),
    },
    {
      allowed: field("boolean"),
      denied: field("boolean"),
      reason: field("string"),
      evaluationError: field("string"),
    },
  );
  return { apiVersion: `authorization.k8s.io/${version}`, kind, schema, knows };
}

export const reviewKinds = { v1: reviewKind("v1"), v1beta1: reviewKind("v1beta1") } as const;
