/** The rules that apply to a user in a namespace, as far as authorizers can list them: the answer to SelfSubjectRulesReviews. */
import type { UserInfo } from "../../auth-contract.ts";
import type { PolicyRule } from "../rbac/rule.ts";

export interface UserRules {
  rules: readonly PolicyRule[];
  /** The user may have further permissions. */
  incomplete?: boolean;
  /** Errors, in kube-apiserver's words. */
  problems?: readonly string[];
}

/** An authorizer that can list its rules. */
export interface RuleResolver {
  userRules(user: UserInfo, namespace: string): UserRules;
}

/** Joins the rules of several authorizers, in order. */
export function joinedRules(parts: readonly UserRules[]): Required<UserRules> {
  return {
    rules: parts.flatMap(({ rules }) => rules),
    incomplete: parts.some(({ incomplete }) => incomplete === true),
    problems: parts.flatMap(({ problems }) => problems ?? []),
  };
}
