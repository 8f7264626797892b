/** Which requests the rules of webhooks and policies speak of (admissionregistration.k8s.io, RuleWithOperations). */
import type { KubeObject } from "../../../api/index.ts";
import { selectorFromObject, type LabelSelectorObject } from "../../../machinery/index.ts";
import type { ObjectReader } from "../../auth-contract.ts";
import type { Registry } from "../../registry/registry.ts";
import type { ServedResource } from "../../registry/resource.ts";
import type { AdmissionRequest } from "../chain.ts";

export interface Rule {
  operations?: readonly string[];
  apiGroups?: readonly string[];
  apiVersions?: readonly string[];
  resources?: readonly string[];
  /** Cluster, Namespaced or *. */
  scope?: string;
}

/** What a request is about, as rules name it. */
export interface Subject {
  operation: string;
  group: string;
  version: string;
  plural: string;
  subresource: string;
  namespaced: boolean;
}

const names = (list: readonly string[] | undefined, value: string): boolean =>
  list !== undefined && (list.includes("*") || list.includes(value));

function ruleMatches(rule: Rule, subject: Subject): boolean {
  const { scope = "*" } = rule;
  if (scope === "Namespaced" && !subject.namespaced) return false;
  if (scope === "Cluster" && subject.namespaced) return false;
  return (
    names(rule.operations, subject.operation) &&
    names(rule.apiGroups, subject.group) &&
    names(rule.apiVersions, subject.version) &&
    (rule.resources ?? []).some((pattern) => resourceMatches(pattern, subject.plural, subject.subresource))
  );
}

/** `pods`, `pods/status`, `pods/*`, `*`, `*` with `/scale` or `/*` behind it. */
function resourceMatches(pattern: string, plural: string, subresource: string): boolean {
  const [resource, part = ""] = pattern.split("/", 2);
  if (resource !== "*" && resource !== plural) return false;
  if (pattern === "*/*") return true;
  return part === "*" ? resource === plural || resource === "*" : part === subresource;
}

function subjectOf(request: AdmissionRequest): Subject {
  const { def } = request.resource;
  return {
    operation: request.operation,
    group: def.group,
    version: def.version,
    plural: def.plural,
    subresource: request.subresource,
    // A Namespace is no object of a namespace, though requests for it name one.
    namespaced: def.namespaced,
  };
}

/**
 * The version in which the rules take the request: its own, or with matchPolicy Equivalent another in which the same objects
 * are served. Undefined when no rule speaks of it.
 */
export function matchedVersion(
  rules: readonly Rule[],
  matchPolicy: string | undefined,
  request: AdmissionRequest,
  registry: Registry,
): ServedResource | undefined {
  const own = subjectOf(request);
  if (rules.some((rule) => ruleMatches(rule, own))) return request.resource;
  if (matchPolicy === "Exact") return undefined;
  const equivalents = registry.equivalentsOf(request.resource);
  for (const rule of rules) {
    for (const other of equivalents) {
      const { group, version, plural } = other.def;
      if (ruleMatches(rule, { ...own, group, version, plural })) return other;
    }
  }
  return undefined;
}

/** Kinds that steer admission themselves: nothing could mend a configuration that refused its own change. */
export const isExempt = ({ def }: ServedResource): boolean => def.group === "admissionregistration.k8s.io";

type Selector = LabelSelectorObject | undefined;

const selectsAll = (selector: Selector): boolean =>
  !selector ||
  (!selector.matchLabels && !selector.matchExpressions?.length) ||
  Object.keys(selector).length === 0;

/** Objects outside of namespaces are always selected, Namespaces by their own labels. */
export function namespaceSelected(
  selector: Selector,
  request: AdmissionRequest,
  objects: ObjectReader,
): boolean {
  if (selectsAll(selector)) return true;
  const { def } = request.resource;
  let namespace: KubeObject | undefined;
  if (def.group === "" && def.plural === "namespaces") {
    namespace = request.object ?? request.oldObject;
  } else if (!def.namespaced) return true;
  else namespace = objects.get("", "namespaces", undefined, request.namespace);
  return selectorFromObject(selector).matches(namespace?.metadata?.labels ?? {});
}

/** By the new object's labels or by the old one's. */
export function objectSelected(selector: Selector, request: AdmissionRequest): boolean {
  if (selectsAll(selector)) return true;
  const matcher = selectorFromObject(selector);
  return [request.object, request.oldObject].some(
    (object) => object !== undefined && matcher.matches(object.metadata?.labels ?? {}),
  );
}
