/** Types of an AdmissionReview in an answer. Built-in kinds do not include it. */
import type { FieldSchema, TypeSchema } from "../../../api/index.ts";

const field = (type: FieldSchema["type"]): FieldSchema => ({ type, required: false });
const list = (type: FieldSchema["type"]): FieldSchema => ({ ...field("list"), element: field(type) });

const responseType = (version: string): TypeSchema => ({
  name: `io.k8s.api.admission.${version}.AdmissionResponse`,
  fields: new Map<string, FieldSchema>([
    ["uid", field("string")],
    ["allowed", field("boolean")],
    ["status", { ...field("ref"), ref: "io.k8s.apimachinery.pkg.apis.meta.v1.Status" }],
    ["patch", field("bytes")],
    ["patchType", field("string")],
    ["auditAnnotations", { ...field("map"), element: field("string") }],
    ["warnings", list("string")],
  ]),
});

const reviewType = (version: string): TypeSchema => {
  const response = responseType(version);
  return {
    name: `io.k8s.api.admission.${version}.AdmissionReview`,
    fields: new Map<string, FieldSchema>([
      ["kind", field("string")],
      ["apiVersion", field("string")],
      ["request", field("object")],
      ["response", { ...field("ref"), ref: response.name, target: response }],
    ]),
  };
};

/** By version of admission.k8s.io. */
export const reviewTypes = { v1: reviewType("v1"), v1beta1: reviewType("v1beta1") } as const;
