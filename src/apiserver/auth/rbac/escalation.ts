import { StatusError } from "../../../machinery/index.ts";
import type { WriteAttempt, WriteGuard } from "../../contract.ts";
import type { Authorizer, UserInfo } from "../../auth-contract.ts";
import { type PolicyRule, resourceMatches } from "./rule.ts";
import type { RbacAuthorizer } from "./rbac-authorizer.ts";
import { type BindingObject, type RoleObject, rbacGroup } from "./rule-index.ts";

/** A rule split until each list holds one value, so that it is covered whole by one rule or not at all. */
function atoms(rule: PolicyRule): PolicyRule[] {
  const verbs = rule.verbs ?? [];
  const urls = (rule.nonResourceURLs ?? []).flatMap((url) =>
    verbs.map((verb) => ({ verbs: [verb], nonResourceURLs: [url] })),
  );
  const resources = (rule.apiGroups ?? []).flatMap((group) =>
    (rule.resources ?? []).flatMap((resource) =>
      verbs.flatMap((verb) => {
        const atom = { verbs: [verb], apiGroups: [group], resources: [resource] };
        const names = rule.resourceNames ?? [];
        return names.length === 0 ? [atom] : names.map((name) => ({ ...atom, resourceNames: [name] }));
      }),
    ),
  );
  return [...urls, ...resources];
}

const covers = (owned: readonly string[] | undefined, value: string): boolean =>
  owned !== undefined && (owned.includes("*") || owned.includes(value));

function atomCovered(owned: PolicyRule, atom: PolicyRule): boolean {
  if (!covers(owned.verbs, atom.verbs[0] ?? "")) return false;
  const url = atom.nonResourceURLs?.[0];
  if (url !== undefined) {
    return (owned.nonResourceURLs ?? []).some(
      (pattern) =>
        pattern === "*" || pattern === url || (pattern.endsWith("*") && url.startsWith(pattern.slice(0, -1))),
    );
  }
  const [resource = "", sub = ""] = (atom.resources?.[0] ?? "").split("/");
  const name = atom.resourceNames?.[0];
  const names = owned.resourceNames ?? [];
  return (
    covers(owned.apiGroups, atom.apiGroups?.[0] ?? "") &&
    resourceMatches(owned.resources, resource, sub) &&
    (names.length === 0 || (name !== undefined && names.includes(name)))
  );
}

/** What of `wanted` the owned rules do not cover, in small rules of one value each. */
export function uncovered(owned: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  return wanted.flatMap(atoms).filter((atom) => !owned.some((rule) => atomCovered(rule, atom)));
}

const list = (values: readonly string[]): string => `[${values.map((v) => JSON.stringify(v)).join(" ")}]`;
const goList = (values: readonly string[]): string => `[${values.map((v) => JSON.stringify(v)).join(", ")}]`;

function describe(rule: PolicyRule): string {
  const parts = [];
  if (rule.nonResourceURLs) parts.push(`NonResourceURLs:${goList(rule.nonResourceURLs)}`);
  if (rule.apiGroups) parts.push(`APIGroups:${goList(rule.apiGroups)}`);
  if (rule.resources) parts.push(`Resources:${goList(rule.resources)}`);
  if (rule.resourceNames) parts.push(`ResourceNames:${goList(rule.resourceNames)}`);
  parts.push(`Verbs:${goList(rule.verbs)}`);
  return `{${parts.join(", ")}}`;
}

/** One line per resource: verbs of rules that are otherwise alike are put together. */
function compact(rules: readonly PolicyRule[]): string[] {
  const merged = new Map<string, PolicyRule>();
  for (const rule of rules) {
    const key = JSON.stringify([rule.nonResourceURLs, rule.apiGroups, rule.resources, rule.resourceNames]);
    const known = merged.get(key);
    if (known) known.verbs.push(...rule.verbs);
    else merged.set(key, { ...rule, verbs: [...rule.verbs] });
  }
  return [...merged.values()].map(describe).sort();
}

function refuse(attempt: WriteAttempt, missing: readonly PolicyRule[]): never {
  const { info, user } = attempt;
  const name = attempt.object?.metadata?.name ?? info.name;
  throw new StatusError(
    "Forbidden",
    `${info.resource}.${info.apiGroup} "${name}" is forbidden: user "${user.name}" (groups=${list(user.groups)}) ` +
      `is attempting to grant RBAC permissions not currently held:\n${compact(missing).join("\n")}`,
    { details: { name, group: info.apiGroup, kind: info.resource } },
  );
}

/**
 * Keeps a user from giving away more than they hold (unless the verb `escalate` on the role or `bind` on the
 * referenced role allows it). Keys are resources of rbac.authorization.k8s.io.
 */
export function escalationGuards(rbac: RbacAuthorizer, authorizer: Authorizer): Map<string, WriteGuard> {
  const may = async (user: UserInfo, verb: string, resource: string, namespace: string, name: string) =>
    (
      await authorizer.authorize({
        user,
        verb,
        apiGroup: rbacGroup,
        apiVersion: "v1",
        resource,
        subresource: "",
        namespace,
        name,
        path: "",
        isResource: true,
      })
    ).allowed;
  const check = async (
    attempt: WriteAttempt,
    verb: string,
    resource: string,
    rules: readonly PolicyRule[],
  ) => {
    const { user, info } = attempt;
    if (user.groups.includes("system:masters")) return;
    const missing = uncovered(rbac.rulesFor(user, info.namespace), rules);
    if (missing.length === 0) return;
    const name =
      verb === "bind"
        ? ((attempt.object as BindingObject | undefined)?.roleRef.name ?? "")
        : (attempt.object?.metadata?.name ?? info.name);
    if (await may(user, verb, resource, info.namespace, name)) return;
    refuse(attempt, missing);
  };
  const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
  const role = (resource: string): WriteGuard => ({
    async check(attempt) {
      const next = attempt.object as RoleObject | undefined;
      const old = attempt.old as RoleObject | undefined;
      if (!next || (old && same(old.rules, next.rules) && same(old.aggregationRule, next.aggregationRule)))
        return;
      // Whoever names what is aggregated can come to hold anything.
      const all = [
        { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
        { verbs: ["*"], nonResourceURLs: ["*"] },
      ];
      await check(attempt, "escalate", resource, next.aggregationRule ? all : (next.rules ?? []));
    },
  });
  const binding: WriteGuard = {
    async check(attempt) {
      const next = attempt.object as BindingObject | undefined;
      const old = attempt.old as BindingObject | undefined;
      if (!next || (old && same(old.subjects, next.subjects) && same(old.roleRef, next.roleRef))) return;
      const { kind, name } = next.roleRef;
      const rules = rbac.index.rulesOf(kind, attempt.info.namespace, name);
      const resource = kind === "ClusterRole" ? "clusterroles" : "roles";
      // Of a role that is not there nobody knows what it will hold: only `bind` lets one bind it.
      await check(attempt, "bind", resource, rules ?? [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }]);
    },
  };
  return new Map([
    [`clusterroles.${rbacGroup}`, role("clusterroles")],
    [`roles.${rbacGroup}`, role("roles")],
    [`clusterrolebindings.${rbacGroup}`, binding],
    [`rolebindings.${rbacGroup}`, binding],
  ]);
}
