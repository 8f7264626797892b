import type { AuthorizationAttributes } from "../../auth-contract.ts";

/** rbac.authorization.k8s.io/v1 PolicyRule. */
export interface PolicyRule {
  verbs: string[];
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
}

const verbGroups: Readonly<Record<string, readonly string[]>> = {
  read: ["get", "list", "watch"],
  write: ["create", "delete", "deletecollection", "patch", "update"],
};

/** Parses a rule in the notation of default-roles.ts. */
export function parseRule(text: string): PolicyRule {
  const [verbText = "", second = "", resources, names] = text.split(": ");
  const verbs = verbText
    .split(" ")
    .flatMap((verb) => verbGroups[verb] ?? [verb])
    .sort();
  if (resources === undefined) return { verbs, nonResourceURLs: second.split(" ") };
  return {
    verbs,
    apiGroups: second.split(",").map((group) => (group === "core" ? "" : group)),
    resources: resources.split(" "),
    ...(names === undefined ? {} : { resourceNames: names.split(" ") }),
  };
}

const has = (list: readonly string[] | undefined, value: string): boolean =>
  list !== undefined && (list.includes("*") || list.includes(value));

export function resourceMatches(
  patterns: readonly string[] | undefined,
  resource: string,
  sub: string,
): boolean {
  if (!patterns) return false;
  if (patterns.includes("*")) return true;
  if (sub === "") return patterns.includes(resource);
  return patterns.includes(`${resource}/${sub}`) || patterns.includes(`*/${sub}`);
}

function pathMatches(patterns: readonly string[] | undefined, path: string): boolean {
  return (patterns ?? []).some(
    (pattern) =>
      pattern === "*" || pattern === path || (pattern.endsWith("*") && path.startsWith(pattern.slice(0, -1))),
  );
}

export type RequestShape = Pick<
  AuthorizationAttributes,
  "isResource" | "verb" | "apiGroup" | "resource" | "subresource" | "name" | "path"
>;

/** True when this rule alone allows the request. */
export function ruleAllows(rule: PolicyRule, request: RequestShape): boolean {
  if (!has(rule.verbs, request.verb)) return false;
  if (!request.isResource) return pathMatches(rule.nonResourceURLs, request.path);
  return (
    has(rule.apiGroups, request.apiGroup) &&
    resourceMatches(rule.resources, request.resource, request.subresource) &&
    (!rule.resourceNames?.length || rule.resourceNames.includes(request.name))
  );
}
