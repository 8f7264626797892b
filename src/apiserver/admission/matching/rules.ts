/** Matches requests against the rules of webhooks and policies (RuleWithOperations of admissionregistration.k8s.io). */
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

/** The request's attributes that rules match. */
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
    // Namespaces are cluster-scoped, although their requests have a namespace.
    namespaced: def.namespaced,
  };
}

/**
 * The version in which the rules match the request: its own, or with matchPolicy Equivalent another that serves the same objects.
 * Undefined when no rule matches.
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

/** Kinds that configure admission are exempt: a configuration that refused its own change could not be repaired. */
export const isExempt = ({ def }: ServedResource): boolean => def.group === "admissionregistration.k8s.io";

type Selector = LabelSelectorObject | undefined;

const selectsAll = (selector: Selector): boolean =>
  !selector ||
  (!selector.matchLabels && !selector.matchExpressions?.length) ||
  Object.keys(selector).length === 0;

/** Cluster-scoped objects are always selected, Namespaces by their own labels. */
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

/** By the labels of the new or the old object. */
export function objectSelected(selector: Selector, request: AdmissionRequest): boolean {
  if (selectsAll(selector)) return true;
  const matcher = selectorFromObject(selector);
  return [request.object, request.oldObject].some(
    (object) => object !== undefined && matcher.matches(object.metadata?.labels ?? {}),
  );
}
