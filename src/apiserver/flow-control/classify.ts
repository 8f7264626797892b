/** Finds the FlowSchema of a request. Schemas are compiled once, and filtered once per user. */
import type { FlowSchema } from "../../api/index.ts";
import type { UserInfo } from "../auth-contract.ts";
import type { RequestInfo } from "../contract.ts";

type Rule = NonNullable<NonNullable<FlowSchema["spec"]>["rules"]>[number];
type Subject = Rule["subjects"][number];
type ResourceRule = NonNullable<Rule["resourceRules"]>[number];
type NonResourceRule = NonNullable<Rule["nonResourceRules"]>[number];

type Request = Pick<
  RequestInfo,
  "isResource" | "verb" | "apiGroup" | "resource" | "subresource" | "namespace" | "path"
>;
type Matches = (request: Request) => boolean;

/** A schema with the rules that apply to one user. */
interface Candidate<T> {
  schema: T;
  resource: readonly Matches[];
  nonResource: readonly Matches[];
}

interface Prepared<T> {
  schema: T;
  rules: readonly {
    subjects: readonly Subject[];
    resource: readonly Matches[];
    nonResource: readonly Matches[];
  }[];
}

const maxUsers = 10_000;
/** Users with longer keys (many groups) are not cached. */
const maxKeyLength = 4096;
const everything: Matches = () => true;

export class Classifier<T extends { readonly object: FlowSchema }> {
  readonly #schemas: readonly Prepared<T>[];
  /** By user object: authenticators keep one per user. */
  #byObject = new WeakMap<UserInfo, readonly Candidate<T>[]>();
  readonly #byUser = new Map<string, readonly Candidate<T>[]>();

  /** `schemas` in the order of their precedence. */
  constructor(schemas: readonly T[]) {
    this.#schemas = schemas.map((schema) => ({
      schema,
      rules: (schema.object.spec?.rules ?? []).map((rule) => ({
        subjects: rule.subjects,
        resource: (rule.resourceRules ?? []).map(resourceMatch),
        nonResource: (rule.nonResourceRules ?? []).map(nonResourceMatch),
      })),
    }));
  }

  /** The first schema that matches. */
  find(user: UserInfo, request: Request): T | undefined {
    for (const { schema, resource, nonResource } of this.#candidates(user)) {
      for (const matches of request.isResource ? resource : nonResource) if (matches(request)) return schema;
    }
    return undefined;
  }

  #candidates(user: UserInfo): readonly Candidate<T>[] {
    let found = this.#byObject.get(user);
    if (found) return found;
    const key = `${user.name}\0${user.groups.join("\0")}`;
    found = this.#byUser.get(key);
    if (!found) {
      found = this.#concerning(user);
      if (key.length <= maxKeyLength) {
        if (this.#byUser.size >= maxUsers) this.#byUser.clear();
        this.#byUser.set(key, found);
      }
    }
    this.#byObject.set(user, found);
    return found;
  }

  #concerning(user: UserInfo): Candidate<T>[] {
    const found: Candidate<T>[] = [];
    for (const { schema, rules } of this.#schemas) {
      const own = rules.filter(({ subjects }) => subjects.some((subject) => isMeant(subject, user)));
      if (own.length === 0) continue;
      const resource = own.flatMap((rule) => rule.resource);
      const nonResource = own.flatMap((rule) => rule.nonResource);
      found.push({ schema, resource, nonResource });
      // Nothing after a rule that matches everything can match.
      if (resource.includes(everything) && nonResource.includes(everything)) break;
    }
    return found;
  }
}

const accountPrefix = "system:serviceaccount:";

function isMeant({ kind, user, group, serviceAccount }: Subject, { name, groups }: UserInfo): boolean {
  switch (kind) {
    case "User":
      return user !== undefined && (user.name === "*" || user.name === name);
    case "Group":
      return group !== undefined && (group.name === "*" || groups.includes(group.name));
    case "ServiceAccount": {
      if (!serviceAccount) return false;
      const account = serviceAccount.name === "*" ? "" : serviceAccount.name;
      const whole = `${accountPrefix}${serviceAccount.namespace}:${account}`;
      return account === "" ? name.startsWith(whole) : name === whole;
    }
    default:
      return false;
  }
}

/** Undefined for the wildcard alone, which matches everything. */
const listed = (list: readonly string[] | undefined): ReadonlySet<string> | undefined =>
  list?.length === 1 && list[0] === "*" ? undefined : new Set(list);

function resourceMatch(rule: ResourceRule): Matches {
  const verbs = listed(rule.verbs);
  const groups = listed(rule.apiGroups);
  const resources = listed(rule.resources);
  const namespaces = listed(rule.namespaces);
  const clusterScope = rule.clusterScope ?? false;
  if (!verbs && !groups && !resources && !namespaces && clusterScope) return everything;
  return ({ verb, apiGroup, resource, subresource, namespace }) =>
    (!verbs || verbs.has(verb)) &&
    (!resources || resources.has(subresource === "" ? resource : `${resource}/${subresource}`)) &&
    (!groups || groups.has(apiGroup)) &&
    (namespace === "" ? clusterScope : !namespaces || namespaces.has(namespace));
}

function nonResourceMatch(rule: NonResourceRule): Matches {
  const verbs = listed(rule.verbs);
  const anyPath = rule.nonResourceURLs.includes("*");
  if (!verbs && anyPath) return everything;
  const paths = new Set(rule.nonResourceURLs);
  const prefixes = rule.nonResourceURLs.map((path) => {
    const start = path.endsWith("*") ? path.slice(0, -1) : path;
    return start.endsWith("/") ? start : `${start}/`;
  });
  return ({ verb, path }) =>
    (!verbs || verbs.has(verb)) &&
    (anyPath || paths.has(path) || prefixes.some((prefix) => path.startsWith(prefix)));
}
