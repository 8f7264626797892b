/** SubjectAccessReview as an answer: the types that JSON has to have there, by version of authorization.k8s.io. */
import type { FieldSchema, TypeSchema } from "../../../api/index.ts";
import { isBuiltIn, type ReviewKind } from "../../webhooks/review-object.ts";

const field = (type: FieldSchema["type"]): FieldSchema => ({ type, required: false });
const to = (target: TypeSchema): FieldSchema => ({ ...field("ref"), ref: target.name, target });
const texts: FieldSchema = { ...field("list"), element: field("string") };

const apiVersions = ["authorization.k8s.io/v1", "authorization.k8s.io/v1beta1"];
const kind = "SubjectAccessReview";

const knows = (apiVersion: string, named: string): boolean =>
  (named === kind && apiVersions.includes(apiVersion)) || isBuiltIn(apiVersion, named);

function reviewKind(version: "v1" | "v1beta1"): ReviewKind {
  const name = (kind: string): string => `io.k8s.api.authorization.${version}.${kind}`;
  const spec: TypeSchema = {
    name: name("SubjectAccessReviewSpec"),
    fields: new Map<string, FieldSchema>([
      ["user", field("string")],
      ["uid", field("string")],
      [version === "v1" ? "groups" : "group", texts],
      ["extra", { ...field("map"), element: texts }],
      ["resourceAttributes", field("object")],
      ["nonResourceAttributes", field("object")],
    ]),
  };
  const status: TypeSchema = {
    name: name("SubjectAccessReviewStatus"),
    fields: new Map<string, FieldSchema>([
      ["allowed", field("boolean")],
      ["denied", field("boolean")],
      ["reason", field("string")],
      ["evaluationError", field("string")],
    ]),
  };
  const schema: TypeSchema = {
    name: name("SubjectAccessReview"),
    fields: new Map<string, FieldSchema>([
      ["kind", field("string")],
      ["apiVersion", field("string")],
      ["metadata", { ...field("ref"), ref: "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta" }],
      ["spec", to(spec)],
      ["status", to(status)],
    ]),
  };
  return { apiVersion: `authorization.k8s.io/${version}`, kind, schema, knows };
}

export const reviewKinds = { v1: reviewKind("v1"), v1beta1: reviewKind("v1beta1") } as const;
