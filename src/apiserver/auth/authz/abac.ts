/** Attribute-based access control (--authorization-mode=ABAC): a file with one Policy per line. */
import { conformToType, type FieldSchema, type TypeSchema } from "../../../api/index.ts";
import type { AuthorizationAttributes, Authorizer, Decision, UserInfo } from "../../auth-contract.ts";
import { checkGroupVersion, checkShape, notRegistered } from "../../codec/type-meta.ts";
import { parseDocument } from "../../webhooks/answers.ts";
import type { RuleResolver, UserRules } from "./user-rules.ts";

/** abac.authorization.kubernetes.io/v1beta1 PolicySpec, with "" for what is absent. */
export interface AbacPolicy {
  user: string;
  group: string;
  readonly: boolean;
  apiGroup: string;
  resource: string;
  namespace: string;
  nonResourcePath: string;
}

const group = "abac.authorization.kubernetes.io";
const everybody = "system:authenticated";
const readingVerbs: readonly string[] = ["get", "list", "watch"];

/** Throws an error that names `path` and the line, in kube-apiserver's words. Ignores empty lines and comments (`#`). */
export function readPolicies(text: string, path: string): AbacPolicy[] {
  return text.split("\n").flatMap((line, i) => {
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#")) return [];
    try {
      return [policyOf(line)];
    } catch (cause) {
      const why = (cause as Error).message;
      throw new Error(`error reading policy file ${path}, line ${i + 1}: ${line}: ${why}`, { cause });
    }
  });
}

function policyOf(line: string): AbacPolicy {
  const value = parsed(line);
  checkGroupVersion(value.apiVersion ?? "");
  const named = Boolean(value.kind);
  const apiVersion = value.apiVersion || `${group}/v0`;
  const kind = value.kind || "Policy";
  const type = types.get(apiVersion);
  if (!type || kind !== "Policy") throw new Error(notRegistered(kind, apiVersion));
  const { problem } = conformToType(type, value);
  if (problem !== undefined) throw new Error(problem);
  if (type === policyV0) return unversioned(specOf(value));
  // Without both, it would be a policy of the format before versions.
  if (!named) throw new Error("converting (v1beta1.Policy) to (v0.Policy): unknown conversion");
  return forEverybody(specOf((value.spec ?? {}) as Given));
}

interface Given extends Record<string, unknown> {
  apiVersion?: string | null;
  kind?: string | null;
}

/** JSON or YAML. A line `null` is an empty object. */
function parsed(line: string): Given {
  const value = parseDocument(line) ?? {};
  try {
    checkShape(value);
  } catch (cause) {
    throw new Error(`couldn't get version/kind; json parse error: ${(cause as Error).message}`, { cause });
  }
  return value as Given;
}

const field = (type: FieldSchema["type"]): FieldSchema => ({ type, required: false });

const common: readonly (readonly [string, FieldSchema])[] = [
  ["user", field("string")],
  ["group", field("string")],
  ["readonly", field("boolean")],
  ["resource", field("string")],
  ["namespace", field("string")],
];

const spec: TypeSchema = {
  name: "io.k8s.api.abac.v1beta1.PolicySpec",
  fields: new Map([...common, ["apiGroup", field("string")], ["nonResourcePath", field("string")]]),
};

const policyV0: TypeSchema = { name: "io.k8s.api.abac.v0.Policy", fields: new Map(common) };

const policyV1beta1: TypeSchema = {
  name: "io.k8s.api.abac.v1beta1.Policy",
  fields: new Map<string, FieldSchema>([["spec", { ...field("ref"), ref: spec.name, target: spec }]]),
};

const types: ReadonlyMap<string, TypeSchema> = new Map([
  [`${group}/v0`, policyV0],
  [`${group}/v1beta1`, policyV1beta1],
]);

/** Checks the types of known fields; null counts as absent. */
function specOf(value: Record<string, unknown>): AbacPolicy {
  const text = (name: string): string => (value[name] as string | null | undefined) ?? "";
  return {
    user: text("user"),
    group: text("group"),
    readonly: value.readonly === true,
    apiGroup: text("apiGroup"),
    resource: text("resource"),
    namespace: text("namespace"),
    nonResourcePath: text("nonResourcePath"),
  };
}

/** `*` as user or group means all authenticated users, whatever the other field says. */
const forEverybody = (policy: AbacPolicy): AbacPolicy =>
  policy.user === "*" || policy.group === "*" ? { ...policy, user: "", group: everybody } : policy;

/** In lines of the format before versions, missing fields match anything, and `*` users are authenticated ones. */
function unversioned(policy: AbacPolicy): AbacPolicy {
  const { user, group: named, namespace, resource } = policy;
  return {
    ...forEverybody(policy),
    ...(user === "" && named === "" ? { group: everybody } : {}),
    namespace: namespace || "*",
    resource: resource || "*",
    apiGroup: "*",
    nonResourcePath: namespace === "" && resource === "" ? "*" : "",
  };
}

export class AbacAuthorizer implements Authorizer, RuleResolver {
  readonly #policies: readonly AbacPolicy[];

  constructor(policies: readonly AbacPolicy[]) {
    this.#policies = policies;
  }

  authorize(request: AuthorizationAttributes): Decision {
    if (this.#policies.some((policy) => allows(policy, request))) return { allowed: true, reason: "" };
    return { allowed: false, reason: "No policy matched." };
  }

  userRules(user: UserInfo, namespace: string): UserRules {
    const concerned = this.#policies.filter(
      (policy) => isAbout(policy, user) && matches(policy.namespace, namespace),
    );
    const rules = concerned.flatMap(({ readonly, apiGroup, resource, nonResourcePath }) => {
      const verbs = readonly ? [...readingVerbs] : ["*"];
      return [
        ...(resource ? [{ verbs, apiGroups: [apiGroup], resources: [resource] }] : []),
        ...(nonResourcePath ? [{ verbs, nonResourceURLs: [nonResourcePath] }] : []),
      ];
    });
    return { rules };
  }
}

const matches = (pattern: string, value: string): boolean => pattern === "*" || pattern === value;

function allows(policy: AbacPolicy, request: AuthorizationAttributes): boolean {
  if (!isAbout(policy, request.user)) return false;
  if (policy.readonly && !readingVerbs.includes(request.verb)) return false;
  if (!request.isResource) return coversPath(policy.nonResourcePath, request.path);
  return (
    matches(policy.namespace, request.namespace) &&
    matches(policy.resource, request.resource) &&
    matches(policy.apiGroup, request.apiGroup)
  );
}

/** A policy with both must match both; one with neither matches nobody. */
function isAbout({ user, group }: AbacPolicy, { name, groups }: UserInfo): boolean {
  if (user === "" && group === "") return false;
  return (user === "" || user === name) && (group === "" || groups.includes(group));
}

/** A path, `*`, or a prefix followed by `*`. */
const coversPath = (pattern: string, path: string): boolean =>
  pattern === path || (pattern.endsWith("*") && path.startsWith(pattern.replace(/\*+$/, "")));
