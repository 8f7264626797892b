import type { KubeObject, SubjectAccessReview } from "../../../api/index.ts";
import { aggregateText, StatusError } from "../../../machinery/index.ts";
import type { Authorizer, UserInfo } from "../../auth-contract.ts";
import type { SpecialContext, SpecialHandler } from "../../contract.ts";
import type { RuleResolver } from "../authz/user-rules.ts";
import { attributesOf } from "./review-attributes.ts";
import { reviewProblems } from "./review-rules.ts";

const group = "authorization.k8s.io";

function accessReview(
  kind: string,
  authorizer: Authorizer,
  userOf: (context: SpecialContext, review: SubjectAccessReview) => UserInfo,
): SpecialHandler {
  return {
    group,
    version: "v1",
    kind,
    namespaced: kind.startsWith("Local"),
    verbs: ["create"],
    check(object) {
      const problems = reviewProblems(kind, object as SubjectAccessReview);
      if (problems.length > 0) throw invalidReview(problems);
    },
    async handle(context) {
      const review = context.object() as SubjectAccessReview;
      const { attributes, evaluationError } = attributesOf(review.spec, userOf(context, review));
      const { allowed, denied, reason, error } = await authorizer.authorize(attributes);
      const problems = [error ?? "", evaluationError].filter((each) => each !== "");
      const status = {
        allowed,
        ...(denied ? { denied } : {}),
        ...(reason === "" ? {} : { reason }),
        ...(problems.length > 0 ? { evaluationError: problems.join("; ") } : {}),
      };
      return { ...review, status } as KubeObject;
    },
  };
}

/** Kubernetes names only the group here, without a kind. */
function invalidReview(problems: ReturnType<typeof reviewProblems>): StatusError {
  const lines = [...new Set(problems.map((each) => `${each.field}: ${each.message}`))];
  const text = lines.length === 1 ? lines[0] : `[${lines.join(", ")}]`;
  const causes = problems.map(({ reason, message, field }) => ({ reason, message, field }));
  return new StatusError("Invalid", `.${group} "" is invalid: ${text}`, { details: { group, causes } });
}

/** The subject of a (Local)SubjectAccessReview. */
function subject({ spec }: SubjectAccessReview): UserInfo {
  const { user, groups, uid, extra } = spec;
  return {
    name: user ?? "",
    groups: groups ?? [],
    ...(uid === undefined ? {} : { uid }),
    ...(extra === undefined ? {} : { extra }),
  };
}

/** The reviews of authorization.k8s.io, by resource. */
export function accessReviewHandlers(authorizer: Authorizer & RuleResolver): Map<string, SpecialHandler> {
  const rules: SpecialHandler = {
    group,
    version: "v1",
    kind: "SelfSubjectRulesReview",
    namespaced: false,
    verbs: ["create"],
    async handle(context) {
      const { spec } = context.object() as { spec?: { namespace?: string } };
      const namespace = spec?.namespace ?? "";
      if (namespace === "") throw new StatusError("BadRequest", "no namespace on request");
      const { rules: all, incomplete = false, problems = [] } = authorizer.userRules(context.user, namespace);
      return {
        apiVersion: `${group}/v1`,
        kind: "SelfSubjectRulesReview",
        metadata: {},
        // The answer omits the spec, as in Kubernetes.
        spec: {},
        status: {
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
          incomplete,
          ...(problems.length > 0 ? { evaluationError: aggregateText(problems) } : {}),
        },
      } as KubeObject;
    },
  };
  const about = (kind: string) => accessReview(kind, authorizer, (_context, review) => subject(review));
  return new Map([
    [
      `selfsubjectaccessreviews.${group}`,
      accessReview("SelfSubjectAccessReview", authorizer, ({ user }) => user),
    ],
    [`subjectaccessreviews.${group}`, about("SubjectAccessReview")],
    [`localsubjectaccessreviews.${group}`, about("LocalSubjectAccessReview")],
    [`selfsubjectrulesreviews.${group}`, rules],
  ]);
}
