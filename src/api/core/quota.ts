/** Validation of ResourceQuotas. */
import {
  compareQuantity,
  invalid,
  invalidTyped,
  invalidOften,
  mostMistakes,
  required,
  wasEmptied,
} from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import type { ResourceQuota } from "../generated/types.ts";
import { given } from "../given.ts";
import { internalForm } from "../internal-form.ts";
import {
  isQuotaHugePages,
  standardForQuota,
  validateQuantity,
  validateQuotaResourceName,
} from "./resource-names.ts";

const existing = [
  "Terminating",
  "NotTerminating",
  "BestEffort",
  "NotBestEffort",
  "CrossNamespacePodAffinity",
];
const scopeNames = new Set([...existing, "PriorityClass", "VolumeAttributesClass"]);
const computeNames = ["cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"];

const foreign = "unsupported scope applied to resource";
const conflicting = "conflicting scopes";
const mustExist =
  "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, " +
  "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";

/** Whether a quota with this scope can count the resource; true for unknown scopes and resources. */
function isCountable(scope: string, name: string): boolean {
  if (!scopeNames.has(scope) || !(standardForQuota.has(name) || isQuotaHugePages(name))) return true;
  if (scope === "BestEffort") return name === "pods";
  if (scope === "VolumeAttributesClass")
    return name === "persistentvolumeclaims" || name === "requests.storage";
  return name === "pods" || computeNames.includes(name);
}

const areConflicting = (scopes: readonly string[]): number =>
  [
    ["BestEffort", "NotBestEffort"],
    ["Terminating", "NotTerminating"],
  ].filter((pair) => pair.every((each) => scopes.includes(each))).length;

/** The number of names that a scope cannot count. */
function countForeign(names: readonly string[]): (scope: string) => number {
  const counts = new Map<string, number>();
  return (scope) => {
    let count = counts.get(scope);
    if (count === undefined) {
      count = names.filter((name) => !isCountable(scope, name)).length;
      counts.set(scope, count);
    }
    return count;
  };
}

function checkScopes({ spec }: ResourceQuota, names: readonly string[], errors: FieldError[]): void {
  const scopes = spec?.scopes ?? [];
  const wrong = invalidOften("spec.scopes", () => scopes);
  const say = (text: string): void => void errors.push(wrong(text));
  const foreignTo = countForeign(names);
  for (const scope of scopes) {
    if (!scopeNames.has(scope)) say("unsupported scope");
    for (let i = foreignTo(scope); i > 0 && errors.length < mostMistakes; i--) say(foreign);
  }
  for (let i = areConflicting(scopes); i > 0; i--) say(conflicting);
}

function checkSelector({ spec }: ResourceQuota, names: readonly string[], errors: FieldError[]): void {
  const selector = spec?.scopeSelector;
  if (!selector) return;
  const path = "spec.scopeSelector.matchExpressions";
  const scopes: string[] = [];
  // Each error shows the whole selector, so it is formatted once.
  const wrong = invalidOften(path, () => internalForm("core.ScopeSelector", selector));
  const foreignTo = countForeign(names);
  for (const expression of selector.matchExpressions ?? []) {
    const { scopeName = "", operator = "", values = [] } = given(expression);
    if (!scopeNames.has(scopeName)) errors.push(invalid(`${path}.scopeName`, scopeName, "unsupported scope"));
    for (let i = foreignTo(scopeName); i > 0 && errors.length < mostMistakes; i--)
      errors.push(wrong(foreign));
    if (existing.includes(scopeName) && operator !== "Exists")
      errors.push(invalid(`${path}.operator`, operator, mustExist));
    if (operator === "In" || operator === "NotIn") {
      const text = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
      if (values.length === 0) errors.push(required(`${path}.values`, text));
    } else if (operator === "Exists" || operator === "DoesNotExist") {
      const text = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
      if (values.length > 0) errors.push(invalid(`${path}.values`, values, text));
    } else errors.push(invalidTyped(`${path}.operator`, operator, "not a valid selector operator"));
    scopes.push(scopeName);
  }
  for (let i = areConflicting(scopes); i > 0; i--)
    errors.push(invalid(path, spec.scopes ?? null, conflicting));
}

function checkAmounts(amounts: Record<string, string> | undefined, path: string, errors: FieldError[]): void {
  for (const name of Object.keys(amounts ?? {}).sort()) {
    const here = `${path}[${name}]`;
    validateQuotaResourceName(name, here, errors);
    validateQuantity(name, amounts?.[name] as string, here, errors);
  }
}

export function validateQuota(quota: ResourceQuota): FieldError[] {
  const errors: FieldError[] = [];
  const names = Object.keys(quota.spec?.hard ?? {}).sort();
  checkAmounts(quota.spec?.hard, "spec.hard", errors);
  checkScopes(quota, names, errors);
  checkSelector(quota, names, errors);
  return errors;
}

/** Scopes are immutable. */
export function validateQuotaUpdate(quota: ResourceQuota, old: ResourceQuota): FieldError[] {
  const sorted = (each: ResourceQuota): string => [...new Set(each.spec?.scopes)].sort().join();
  if (sorted(quota) === sorted(old)) return [];
  const shown = quota.spec?.scopes ?? (wasEmptied(quota.spec, "scopes") ? [] : null);
  return [invalid("spec.scopes", shown, "field is immutable")];
}

export function validateQuotaStatus({ status }: ResourceQuota): FieldError[] {
  const errors: FieldError[] = [];
  checkAmounts(status?.hard, "status.hard", errors);
  checkAmounts(status?.used, "status.used", errors);
  return errors;
}

/** For a new quota whose requests exceed its limits. */
export function quotaWarnings({ spec }: ResourceQuota, old?: ResourceQuota): string[] {
  const hard = spec?.hard ?? {};
  if (old) return [];
  return ["cpu", "memory", "storage", "ephemeral-storage"].flatMap((name) => {
    const bare = name === "cpu" || name === "memory" ? name : "";
    const request = [`requests.${name}`, bare].find((each) => hard[each] !== undefined) ?? "";
    const limit = `limits.${name}`;
    const [wanted, most] = [hard[request], hard[limit]];
    if (wanted === undefined || most === undefined || compareQuantity(wanted, most) <= 0) return [];
    return [`ResourceQuota ${request} (${wanted}) should be less than ${limit} (${most})`];
  });
}
