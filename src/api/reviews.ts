/** Kinds that are asked, not stored: reviews and token requests. The server answers them itself. */
import type { KindDefinition } from "./definition.ts";
import { kindsOf } from "./define.ts";

const verbs = ["create"];
const authentication = kindsOf("authentication.k8s.io", "v1", "io.k8s.api.authentication.v1");
const authorization = kindsOf("authorization.k8s.io", "v1", "io.k8s.api.authorization.v1");

export const reviewKinds: readonly KindDefinition[] = [
  authentication({ kind: "TokenReview", plural: "tokenreviews", namespaced: false, verbs }),
  authentication({ kind: "SelfSubjectReview", plural: "selfsubjectreviews", namespaced: false, verbs }),
  authorization({ kind: "LocalSubjectAccessReview", plural: "localsubjectaccessreviews", verbs }),
  authorization({
    kind: "SelfSubjectAccessReview",
    plural: "selfsubjectaccessreviews",
    namespaced: false,
    verbs,
  }),
  authorization({
    kind: "SelfSubjectRulesReview",
    plural: "selfsubjectrulesreviews",
    namespaced: false,
    verbs,
  }),
  authorization({ kind: "SubjectAccessReview", plural: "subjectaccessreviews", namespaced: false, verbs }),
];
