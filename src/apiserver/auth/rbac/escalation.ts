import type { KubeObject } from "../../../api/index.ts";
import { aggregateText, deepEqual, goQuote, StatusError } from "../../../machinery/index.ts";
import type { WriteAttempt, WriteGuard } from "../../contract.ts";
import type { Authorizer } from "../../auth-contract.ts";
import { uncovered } from "./coverage.ts";
import type { PolicyRule } from "./rule.ts";
import { type RbacAuthorizer, roleNotFound } from "./rbac-authorizer.ts";
import { forbidden } from "../../errors.ts";
import { type BindingObject, type RoleObject, rbacGroup } from "./rule-index.ts";

/** A list of strings as Go prints it. */
const list = (values: readonly string[]): string => `[${values.map(goQuote).join(" ")}]`;

function describe(rule: PolicyRule): string {
  const parts = [];
  if (rule.apiGroups) parts.push(`APIGroups:${list(rule.apiGroups)}`);
  if (rule.resources) parts.push(`Resources:${list(rule.resources)}`);
  if (rule.nonResourceURLs) parts.push(`NonResourceURLs:${list(rule.nonResourceURLs)}`);
  if (rule.resourceNames) parts.push(`ResourceNames:${list(rule.resourceNames)}`);
  parts.push(`Verbs:${list(rule.verbs)}`);
  return `{${parts.join(", ")}}`;
}

/** One line per resource: merges the verbs of rules that are otherwise equal. */
function compact(rules: readonly PolicyRule[]): string[] {
  const merged = new Map<string, PolicyRule>();
  for (const rule of rules) {
    const key = JSON.stringify([
      rule.nonResourceURLs ? rule : [],
      rule.apiGroups,
      rule.resources,
      rule.resourceNames,
    ]);
    const known = merged.get(key);
    if (known) known.verbs.push(...rule.verbs);
    else merged.set(key, { ...rule, verbs: [...rule.verbs] });
  }
  return [...new Set([...merged.values()].map(describe))].sort();
}

function refuse({ info, object }: WriteAttempt, why: string): never {
  const resource = { group: info.apiGroup, kind: "", plural: info.resource };
  throw forbidden(resource, object?.metadata?.name ?? "", why);
}

/** Aggregation may come to grant anything. */
const everything: readonly PolicyRule[] = [
  { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
  { verbs: ["*"], nonResourceURLs: ["*"] },
];

const aggregates = (role: RoleObject | undefined): boolean =>
  (role?.aggregationRule?.clusterRoleSelectors?.length ?? 0) > 0;

/** Whether only metadata changes that the garbage collector sets. */
function onlyForCollection(next: KubeObject, old: KubeObject | undefined): boolean {
  if (!old) return false;
  const rest = ({ metadata, ...members }: KubeObject) => {
    const {
      ownerReferences: _owners,
      finalizers: _holds,
      managedFields: _fields,
      ...others
    } = metadata ?? {};
    return { ...members, metadata: others };
  };
  return deepEqual(rest(next), rest(old));
}

/**
 * Keeps users from granting more than they hold (unless they have the verb `escalate` on the role or `bind` on the referenced
 * role). Keys are resources of rbac.authorization.k8s.io.
 */
export function escalationGuards(rbac: RbacAuthorizer, authorizer: Authorizer): Map<string, WriteGuard> {
  const may = async (attempt: WriteAttempt, verb: string, apiGroup: string, resource: string, name: string) =>
    (
      await authorizer.authorize({
        user: attempt.user,
        verb,
        apiGroup,
        apiVersion: "*",
        resource,
        subresource: "",
        namespace: attempt.info.namespace,
        name,
        path: "",
        isResource: true,
      })
    ).allowed;
  const missing = ({ user, info }: WriteAttempt, rules: readonly PolicyRule[]): PolicyRule[] =>
    uncovered(rbac.rulesFor(user, info.namespace), rules);
  const confirm = (attempt: WriteAttempt, rules: readonly PolicyRule[]): void => {
    const lacking = missing(attempt, rules);
    if (lacking.length === 0) return;
    const { user, info } = attempt;
    // Kubernetes names the request's resource in errors about missing roles.
    const unresolved = rbac.missingFor(user, info.namespace, info.resource);
    refuse(
      attempt,
      `user ${goQuote(user.name)} (groups=${list(user.groups)}) is attempting to grant RBAC permissions not currently ` +
        `held:\n${compact(lacking).join("\n")}` +
        (unresolved.length === 0 ? "" : `; resolution errors: [${aggregateText(unresolved)}]`),
    );
  };
  const privileged = ({ user }: WriteAttempt): boolean => user.groups.includes("system:masters");
  const role = (resource: string): WriteGuard => ({
    async check(attempt) {
      const next = attempt.object as RoleObject | undefined;
      const old = attempt.old as RoleObject | undefined;
      if (!next || privileged(attempt)) return;
      if (await may(attempt, "escalate", rbacGroup, resource, attempt.info.name)) return;
      if (onlyForCollection(next, old)) return;
      confirm(attempt, next.rules ?? []);
      if ((aggregates(next) || aggregates(old)) && missing(attempt, everything).length > 0)
        refuse(attempt, "must have cluster-admin privileges to use the aggregationRule");
    },
  });
  const binding: WriteGuard = {
    async check(attempt) {
      const next = attempt.object as BindingObject | undefined;
      if (!next || privileged(attempt)) return;
      if (onlyForCollection(next, attempt.old)) return;
      const { apiGroup, kind, name } = next.roleRef ?? { apiGroup: "", kind: "", name: "" };
      // The object is not validated yet.
      if (kind !== "ClusterRole" && kind !== "Role")
        throw new StatusError("", `unsupported role reference kind: ${goQuote(kind ?? "")}`);
      if (await may(attempt, "bind", apiGroup, `${kind.toLowerCase()}s`, name)) return;
      const rules = rbac.index.rulesOf(kind, attempt.info.namespace, name);
      if (!rules) throw roleNotFound({ kind, name }, attempt.info.resource);
      confirm(attempt, rules);
    },
  };
  return new Map([
    [`clusterroles.${rbacGroup}`, role("clusterroles")],
    [`roles.${rbacGroup}`, role("roles")],
    [`clusterrolebindings.${rbacGroup}`, binding],
    [`rolebindings.${rbacGroup}`, binding],
  ]);
}
