/** TokenReview as an answer, by version of authentication.k8s.io. */
import { isBuiltIn, type ReviewKind } from "../../webhooks/review-object.ts";
import { extraTexts, field, reviewSchema, texts, to, typed } from "../../webhooks/review-schema.ts";

const apiVersions = ["authentication.k8s.io/v1", "authentication.k8s.io/v1beta1"];
const kind = "TokenReview";

const knows = (apiVersion: string, named: string): boolean =>
  (named === kind && apiVersions.includes(apiVersion)) || isBuiltIn(apiVersion, named);

function reviewKind(version: "v1" | "v1beta1"): ReviewKind {
  const prefix = `io.k8s.api.authentication.${version}`;
  const user = typed(`${prefix}.UserInfo`, {
    username: field("string"),
    uid: field("string"),
    groups: texts,
    extra: extraTexts(version),
  });
  const schema = reviewSchema(
    `${prefix}.${kind}`,
    { token: field("string"), audiences: texts },
    { authenticated: field("boolean"), user: to(user), audiences: texts, error: field("string") },
  );
  return { apiVersion: `authentication.k8s.io/${version}`, kind, schema, knows };
}

export const tokenReviewKinds = { v1: reviewKind("v1"), v1beta1: reviewKind("v1beta1") } as const;
