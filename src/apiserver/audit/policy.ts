/** Audit policy (audit.k8s.io/v1 Policy): the first matching rule decides the level of a request. */
import type { AuthorizationAttributes } from "../auth-contract.ts";

export const levels = ["None", "Metadata", "Request", "RequestResponse"] as const;
export type Level = (typeof levels)[number];

const stages = ["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"] as const;
export type Stage = (typeof stages)[number];

interface Rule {
  level: Level;
  users?: string[];
  userGroups?: string[];
  verbs?: string[];
  resources?: { group?: string; resources?: string[]; resourceNames?: string[] }[];
  namespaces?: string[];
  nonResourceURLs?: string[];
  omitStages?: Stage[];
  omitManagedFields?: boolean;
}

interface PolicyFile {
  apiVersion?: string;
  kind?: string;
  rules?: Rule[];
  omitStages?: Stage[];
  omitManagedFields?: boolean;
}

/** The decision for one request. */
export interface AuditConfig {
  level: Level;
  omitStages: ReadonlySet<Stage>;
  omitManagedFields: boolean;
}

const nothing: AuditConfig = { level: "None", omitStages: new Set(), omitManagedFields: false };

type Attributes = Omit<AuthorizationAttributes, "user"> & {
  readonly user?: AuthorizationAttributes["user"] | undefined;
};

export class AuditPolicy {
  readonly #rules: readonly { rule: Rule; config: AuditConfig }[];

  /** Throws an Error with all mistakes. */
  constructor(value: unknown) {
    const policy = checked(value);
    this.#rules = (policy.rules ?? []).map((rule) => ({
      rule,
      config: {
        level: rule.level,
        omitStages: new Set([...(policy.omitStages ?? []), ...(rule.omitStages ?? [])]),
        omitManagedFields: rule.omitManagedFields ?? policy.omitManagedFields ?? false,
      },
    }));
  }

  evaluate(attributes: Attributes): AuditConfig {
    return this.#rules.find(({ rule }) => matches(rule, attributes))?.config ?? nothing;
  }
}

function checked(value: unknown): PolicyFile {
  const policy = value as PolicyFile;
  if (typeof policy !== "object" || policy === null || policy.kind !== "Policy")
    throw new Error("it holds no audit policy (kind: Policy)");
  if (policy.apiVersion !== "audit.k8s.io/v1")
    throw new Error(`unknown group version field ${policy.apiVersion} in policy`);
  if (!policy.rules?.length) throw new Error("loaded illegal policy with 0 rules");
  const mistakes: string[] = [];
  const known = (path: string, given: readonly string[] | undefined): void => {
    for (const [i, stage] of (given ?? []).entries())
      if (!stages.includes(stage as Stage))
        mistakes.push(
          `${path}[${i}]: Invalid value: ${JSON.stringify(stage)}: allowed stages are ${stages.join(",")}`,
        );
  };
  known("omitStages", policy.omitStages);
  for (const [i, rule] of policy.rules.entries()) {
    const at = `rules[${i}]`;
    if (!levels.includes(rule.level))
      mistakes.push(`${at}.level: Unsupported value: ${JSON.stringify(rule.level ?? "")}`);
    known(`${at}.omitStages`, rule.omitStages);
    const resources = (rule.resources?.length ?? 0) + (rule.namespaces?.length ?? 0);
    if (resources > 0 && rule.nonResourceURLs?.length)
      mistakes.push(
        `${at}.nonResourceURLs: rules cannot apply to both regular resources and non-resource URLs`,
      );
    for (const url of rule.nonResourceURLs ?? []) {
      if (url !== "*" && !url.startsWith("/"))
        mistakes.push(
          `${at}.nonResourceURLs: ${url}: non-resource URL rules must begin with a '/' character`,
        );
      else if (url.slice(0, -1).includes("*"))
        mistakes.push(
          `${at}.nonResourceURLs: ${url}: non-resource URL wildcards '*' must be the final character of the rule`,
        );
    }
  }
  if (mistakes.length > 0) throw new Error(mistakes.join("; "));
  return policy;
}

function matches(rule: Rule, attributes: Attributes): boolean {
  const { user } = attributes;
  if (rule.users?.length && !(user && rule.users.includes(user.name))) return false;
  if (rule.userGroups?.length && !user?.groups.some((group) => rule.userGroups?.includes(group)))
    return false;
  if (rule.verbs?.length && !rule.verbs.includes(attributes.verb)) return false;
  if (rule.namespaces?.length || rule.resources?.length) return matchesResource(rule, attributes);
  if (rule.nonResourceURLs?.length) {
    return (
      !attributes.isResource &&
      rule.nonResourceURLs.some(
        (spec) =>
          spec === "*" ||
          spec === attributes.path ||
          (spec.endsWith("*") && attributes.path.startsWith(spec.slice(0, -1))),
      )
    );
  }
  return true;
}

function matchesResource(rule: Rule, attributes: Attributes): boolean {
  if (!attributes.isResource) return false;
  const { apiGroup, resource, subresource, namespace, name } = attributes;
  if (rule.namespaces?.length && !rule.namespaces.includes(namespace)) return false;
  if (!rule.resources?.length) return true;
  const combined = subresource === "" ? resource : `${resource}/${subresource}`;
  return rule.resources.some(({ group = "", resources = [], resourceNames = [] }) => {
    if (group !== "*" && group !== apiGroup) return false;
    if (resources.length === 0) return true;
    if (resourceNames.length > 0 && !resourceNames.includes(name)) return false;
    return resources.some(
      (wanted) =>
        wanted === "*" ||
        wanted === combined ||
        (subresource !== "" && wanted === `*/${subresource}`) ||
        wanted === `${resource}/*`,
    );
  });
}
