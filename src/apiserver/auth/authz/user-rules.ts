/** What a user may do in a namespace, as far as authorizers can list it: what SelfSubjectRulesReviews are answered with. */
import type { UserInfo } from "../../auth-contract.ts";
import type { PolicyRule } from "../rbac/rule.ts";

export interface UserRules {
  rules: readonly PolicyRule[];
  /** There may be more that the user may do. */
  incomplete?: boolean;
  /** What stood in the way, in kube-apiserver's words. */
  problems?: readonly string[];
}

/** An authorizer that can list what it allows. */
export interface RuleResolver {
  userRules(user: UserInfo, namespace: string): UserRules;
}

/** What several authorizers list, in their order. */
export function joinedRules(parts: readonly UserRules[]): Required<UserRules> {
  return {
    rules: parts.flatMap(({ rules }) => rules),
    incomplete: parts.some(({ incomplete }) => incomplete === true),
    problems: parts.flatMap(({ problems }) => problems ?? []),
  };
}
