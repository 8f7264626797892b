/** Attribute-based access control (--authorization-mode=ABAC): a file with one Policy a line, read once. */
import { isObject, jsonProblem } from "../../../machinery/index.ts";
import type { AuthorizationAttributes, Authorizer, Decision, UserInfo } from "../../auth-contract.ts";
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

const version = "abac.authorization.kubernetes.io/v1beta1";
const readingVerbs: readonly string[] = ["get", "list", "watch"];

/** Throws an error that names `path` and the line, in kube-apiserver's words. Empty lines and those that begin with `#` say nothing. */
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
  const { apiVersion = "", kind = "", spec } = value;
  if (apiVersion === version && kind === "Policy")
    return specOf(isObject(spec) ? spec : {}, "PolicySpec.spec");
  if (apiVersion !== "" && kind !== "")
    throw new Error(
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`,
    );
  return unversioned(specOf(value, "Policy"));
}

function parsed(line: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new Error(`couldn't get version/kind; json parse error: ${jsonProblem(line)}`);
  }
  if (isObject(value)) return value;
  throw new Error("couldn't get version/kind; json parse error: the line is no object");
}

function specOf(value: Record<string, unknown>, where: string): AbacPolicy {
  const text = (name: string): string => {
    const found = value[name] ?? "";
    if (typeof found === "string") return found;
    throw new Error(wrongType(found, `${where}.${name}`, "string"));
  };
  const { readonly = false } = value;
  if (typeof readonly !== "boolean") throw new Error(wrongType(readonly, `${where}.readonly`, "bool"));
  return {
    user: text("user"),
    group: text("group"),
    readonly,
    apiGroup: text("apiGroup"),
    resource: text("resource"),
    namespace: text("namespace"),
    nonResourcePath: text("nonResourcePath"),
  };
}

const wrongType = (value: unknown, field: string, type: string): string =>
  `json: cannot unmarshal ${Array.isArray(value) ? "array" : typeof value} into Go struct field ${field} of type ${type}`;

/** Lines from before there were versions: what they leave open is anything, and whoever is anybody is authenticated. */
function unversioned(policy: AbacPolicy): AbacPolicy {
  const { user, group, namespace, resource } = policy;
  const anybody = (user === "" && group === "") || user === "*" || group === "*";
  return {
    ...policy,
    ...(anybody ? { user: "", group: "system:authenticated" } : {}),
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

/** A policy that names both wants both, one that names neither is about nobody. */
function isAbout({ user, group }: AbacPolicy, { name, groups }: UserInfo): boolean {
  if (user === "" && group === "") return false;
  return (user === "" || matches(user, name)) && (group === "" || group === "*" || groups.includes(group));
}

/** A path, `*`, or a beginning with `*` behind it. */
const coversPath = (pattern: string, path: string): boolean =>
  pattern === path || (pattern.endsWith("*") && path.startsWith(pattern.replace(/\*+$/, "")));
