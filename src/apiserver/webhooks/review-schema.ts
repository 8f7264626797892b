/** Schemas of reviews as answers: the types that JSON has to have there. */
import type { FieldSchema, TypeSchema } from "../../api/index.ts";

export const field = (type: FieldSchema["type"]): FieldSchema => ({ type, required: false });

export const texts: FieldSchema = { ...field("list"), element: field("string") };

/** `extra` of users. */
export const extraTexts = (version: string): FieldSchema => ({
  ...field("map"),
  element: { ...texts, goName: `${version}.ExtraValue` },
});

export const typed = (name: string, fields: Record<string, FieldSchema>): TypeSchema => ({
  name,
  fields: new Map(Object.entries(fields)),
});

export const to = (target: TypeSchema): FieldSchema => ({ ...field("ref"), ref: target.name, target });

/** `name`: e.g. `io.k8s.api.authorization.v1.SubjectAccessReview`; its spec and status are named after it. */
export const reviewSchema = (
  name: string,
  spec: Record<string, FieldSchema>,
  status: Record<string, FieldSchema>,
): TypeSchema =>
  typed(name, {
    kind: field("string"),
    apiVersion: field("string"),
    metadata: { ...field("ref"), ref: "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta" },
    spec: to(typed(`${name}Spec`, spec)),
    status: to(typed(`${name}Status`, status)),
  });
