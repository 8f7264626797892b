import type { KubeObject } from "../../../api/index.ts";
import { StatusError } from "../../../machinery/index.ts";
import type { AuthorizationAttributes, Authorizer, UserInfo } from "../../auth-contract.ts";
import type { SpecialContext, SpecialHandler } from "../../contract.ts";
import type { RbacAuthorizer } from "../rbac/rbac-authorizer.ts";

interface Selector {
  rawSelector?: string;
  requirements?: { key: string; operator: string; values?: string[] }[];
}

interface ReviewSpec {
  resourceAttributes?: {
    namespace?: string;
    verb?: string;
    group?: string;
    version?: string;
    resource?: string;
    subresource?: string;
    name?: string;
    fieldSelector?: Selector;
    labelSelector?: Selector;
  };
  nonResourceAttributes?: { path?: string; verb?: string };
  user?: string;
  groups?: string[];
  uid?: string;
  extra?: Record<string, string[]>;
  namespace?: string;
}

interface Review extends KubeObject {
  spec?: ReviewSpec;
}

const group = "authorization.k8s.io";

function invalid(kind: string, field: string, message: string): StatusError {
  return new StatusError("Invalid", `${kind}.${group} "" is invalid: ${field}: ${message}`, {
    details: { group, kind, causes: [{ reason: "FieldValueInvalid", message, field }] },
  });
}

const selectorText = (selector: Selector | undefined): string | undefined =>
  selector?.rawSelector ??
  selector?.requirements?.map((r) => `${r.key}=${(r.values ?? []).join(",")}`).join(",");

function attributes(kind: string, spec: ReviewSpec, user: UserInfo): AuthorizationAttributes {
  const resource = spec.resourceAttributes;
  const path = spec.nonResourceAttributes;
  if ((resource && path) || (!resource && !path)) {
    const value =
      resource && path
        ? "cannot be specified in combination with resourceAttributes"
        : "exactly one of nonResourceAttributes or resourceAttributes must be specified";
    throw invalid(kind, "spec.resourceAttributes", `Invalid value: null: ${value}`);
  }
  const fieldSelector = selectorText(resource?.fieldSelector);
  const labelSelector = selectorText(resource?.labelSelector);
  return {
    user,
    verb: resource?.verb ?? path?.verb ?? "",
    apiGroup: resource?.group ?? "",
    apiVersion: resource?.version ?? "",
    resource: resource?.resource ?? "",
    subresource: resource?.subresource ?? "",
    namespace: resource?.namespace ?? "",
    name: resource?.name ?? "",
    path: path?.path ?? "",
    isResource: resource !== undefined,
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
    ...(labelSelector === undefined ? {} : { labelSelector }),
  };
}

function reviewed(review: Review, kind: string, status: unknown): KubeObject {
  return {
    ...review,
    apiVersion: `${group}/v1`,
    kind,
    metadata: review.metadata ?? {},
    status,
  } as KubeObject;
}

/** Who a (Local)SubjectAccessReview asks about. */
function subject(kind: string, spec: ReviewSpec): UserInfo {
  if (!spec.user && !spec.groups?.length)
    throw invalid(kind, "spec.user", "Required value: at least one of user or group must be specified");
  return {
    name: spec.user ?? "",
    groups: spec.groups ?? [],
    ...(spec.uid === undefined ? {} : { uid: spec.uid }),
    ...(spec.extra === undefined ? {} : { extra: spec.extra }),
  };
}

function accessReview(
  kind: string,
  namespaced: boolean,
  authorizer: Authorizer,
  userOf: (context: SpecialContext, spec: ReviewSpec) => UserInfo,
): SpecialHandler {
  return {
    group,
    version: "v1",
    kind,
    namespaced,
    verbs: ["create"],
    async handle(context) {
      const review = (context.body() ?? {}) as Review;
      const spec = review.spec ?? {};
      const asked = attributes(kind, spec, userOf(context, spec));
      if (namespaced && asked.namespace !== context.info.namespace)
        throw invalid(
          kind,
          "spec.resourceAttributes.namespace",
          `Invalid value: ${JSON.stringify(asked.namespace)}: must match metadata.namespace`,
        );
      const decision = await authorizer.authorize(asked);
      return reviewed(review, kind, {
        allowed: decision.allowed,
        ...(decision.reason === "" ? {} : { reason: decision.reason }),
      });
    },
  };
}

/** The reviews of authorization.k8s.io, by resource. */
export function accessReviewHandlers(
  authorizer: Authorizer,
  rbac: RbacAuthorizer,
): Map<string, SpecialHandler> {
  const rules: SpecialHandler = {
    group,
    version: "v1",
    kind: "SelfSubjectRulesReview",
    namespaced: false,
    verbs: ["create"],
    async handle(context) {
      const review = (context.body() ?? {}) as Review;
      const namespace = review.spec?.namespace ?? "";
      if (namespace === "") throw new StatusError("BadRequest", "no namespace on request");
      const all = rbac.rulesFor(context.user, namespace);
      return reviewed(review, "SelfSubjectRulesReview", {
        resourceRules: all
          .filter((rule) => rule.resources?.length)
          .map(({ verbs, apiGroups, resources, resourceNames }) => ({
            verbs,
            apiGroups,
            resources,
            ...(resourceNames ? { resourceNames } : {}),
          })),
        nonResourceRules: all
          .filter((rule) => rule.nonResourceURLs?.length)
          .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
        incomplete: false,
      });
    },
  };
  return new Map([
    [
      `selfsubjectaccessreviews.${group}`,
      accessReview("SelfSubjectAccessReview", false, authorizer, (context) => context.user),
    ],
    [
      `subjectaccessreviews.${group}`,
      accessReview("SubjectAccessReview", false, authorizer, (_, spec) =>
        subject("SubjectAccessReview", spec),
      ),
    ],
    [
      `localsubjectaccessreviews.${group}`,
      accessReview("LocalSubjectAccessReview", true, authorizer, (_, spec) =>
        subject("LocalSubjectAccessReview", spec),
      ),
    ],
    [`selfsubjectrulesreviews.${group}`, rules],
  ]);
}
