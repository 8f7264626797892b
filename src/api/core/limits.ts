/** What a LimitRange and a ResourceQuota may say. */
import {
  compareQuantity,
  forbidden,
  invalid,
  duplicate,
  isQualifiedName,
  milliValue,
  required,
} from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import { internalForm } from "../internal-form.ts";
import type { LimitRange, LimitRangeItem, ResourceQuota } from "../generated/types.ts";
import {
  isQuotaHugePages,
  mayOvercommit,
  standardForQuota,
  validateContainerResourceName,
  validateQuantity,
  validateQuotaResourceName,
  validateResourceName,
} from "./resource-names.ts";

const standardLimitTypes = new Set(["Pod", "Container", "PersistentVolumeClaim"]);
const lists = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] as const;

function validateItem(item: LimitRangeItem, path: string, errors: FieldError[]): void {
  const names = new Set<string>();
  for (const list of ["max", "min"] as const) {
    for (const name of Object.keys(item[list] ?? {})) {
      validateItemName(item, name, `${path}.${list}[${name}]`, errors);
      names.add(name);
    }
  }
  if (item.type === "Pod") {
    for (const list of ["default", "defaultRequest"] as const) {
      if (Object.keys(item[list] ?? {}).length > 0)
        errors.push(forbidden(`${path}.${list}`, "may not be specified when `type` is 'Pod'"));
    }
  } else {
    for (const list of ["default", "defaultRequest"] as const) {
      for (const name of Object.keys(item[list] ?? {})) {
        validateItemName(item, name, `${path}.${list}[${name}]`, errors);
        names.add(name);
      }
    }
  }
  if (item.type === "PersistentVolumeClaim" && !item.min?.storage && !item.max?.storage) {
    errors.push(
      required(
        `${path}.limits`,
        "either minimum or maximum storage value is required, but neither was provided",
      ),
    );
  }
  for (const name of Object.keys(item.maxLimitRequestRatio ?? {})) {
    validateItemName(item, name, `${path}.maxLimitRequestRatio[${name}]`, errors);
    names.add(name);
  }
  for (const name of names) validateBounds(item, name, path, errors);
}

function validateItemName(item: LimitRangeItem, name: string, path: string, errors: FieldError[]): void {
  if (item.type === "Container" || item.type === "Pod") validateContainerResourceName(name, path, errors);
  else validateResourceName(name, path, errors);
}

/** min <= defaultRequest <= default <= max, and ratios that can be met. */
function validateBounds(item: LimitRangeItem, name: string, path: string, errors: FieldError[]): void {
  const [max, min, limit, request, ratio] = lists.map((list) => item[list]?.[name]);
  const above = (a: string | undefined, b: string | undefined): boolean =>
    a !== undefined && b !== undefined && compareQuantity(a, b) > 0;
  const say = (list: string, value: string | undefined, text: string): void => {
    errors.push(invalid(`${path}.${list}[${name}]`, value ?? "", text));
  };
  if (above(min, max)) say("min", min, `min value ${min} is greater than max value ${max}`);
  if (above(min, request)) {
    say("defaultRequest", request, `min value ${min} is greater than default request value ${request}`);
  }
  if (above(request, max)) {
    say("defaultRequest", request, `default request value ${request} is greater than max value ${max}`);
  }
  if (above(request, limit)) {
    say(
      "defaultRequest",
      request,
      `default request value ${request} is greater than default limit value ${limit}`,
    );
  }
  if (above(min, limit)) say("default", min, `min value ${min} is greater than default value ${limit}`);
  if (above(limit, max)) say("default", max, `default value ${limit} is greater than max value ${max}`);
  if (ratio !== undefined && compareQuantity(ratio, "1") < 0)
    say("maxLimitRequestRatio", ratio, `ratio ${ratio} is less than 1`);
  if (ratio !== undefined && min !== undefined && max !== undefined) {
    const highest = milliValue(max) / milliValue(min);
    if (milliValue(ratio) / 1000 > highest)
      say("maxLimitRequestRatio", ratio, `ratio ${ratio} is greater than max/min = ${highest.toFixed(6)}`);
  }
  if (mayOvercommit(name) || limit === undefined || request === undefined) return;
  if (compareQuantity(limit, request) !== 0) {
    const text = `default value ${limit} must equal to defaultRequest value ${request} in ${name}`;
    say("defaultRequest", request, text);
  }
}

export function validateLimitRange(range: LimitRange): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [i, item] of (range.spec?.limits ?? []).entries()) {
    const path = `spec.limits[${i}]`;
    const type = item.type ?? "";
    const texts = isQualifiedName(type);
    for (const text of texts) errors.push(invalid(`${path}.type`, type, text));
    if (texts.length === 0 && !type.includes("/") && !standardLimitTypes.has(type))
      errors.push(invalid(`${path}.type`, type, "must be a standard limit type or fully qualified"));
    if (seen.has(type)) errors.push(duplicate(`${path}.type`, type));
    seen.add(type);
    validateItem(item, path, errors);
  }
  return errors;
}

const podScopes = new Set(["Terminating", "NotTerminating", "BestEffort", "NotBestEffort"]);
const scopeNames = new Set([
  ...podScopes,
  "PriorityClass",
  "CrossNamespacePodAffinity",
  "VolumeAttributesClass",
]);
const computeNames = new Set([
  "pods",
  "cpu",
  "memory",
  "requests.cpu",
  "requests.memory",
  "limits.cpu",
  "limits.memory",
]);
const unfit = "unsupported scope applied to resource";
const claimNames = new Set(["persistentvolumeclaims", "requests.storage"]);

/** Which resources a quota of this scope can count. */
function countable(scope: string, name: string): boolean {
  if (!scopeNames.has(scope) || !(standardForQuota.has(name) || isQuotaHugePages(name))) return true;
  if (scope === "BestEffort") return name === "pods";
  return (scope === "VolumeAttributesClass" ? claimNames : computeNames).has(name);
}

const pairs = [
  ["BestEffort", "NotBestEffort"],
  ["NotTerminating", "Terminating"],
] as const;

/** `at`: where it is said when two of them contradict each other. */
function validateConflicts(
  scopes: readonly string[],
  shown: unknown,
  at: string,
  errors: FieldError[],
): void {
  for (const pair of pairs) {
    if (pair.every((each) => scopes.includes(each))) errors.push(invalid(at, shown, "conflicting scopes"));
  }
}

function validateScopes({ spec }: ResourceQuota, names: readonly string[], errors: FieldError[]): void {
  const { scopes = [] } = spec ?? {};
  if (scopes.length === 0) return;
  const path = "spec.scopes";
  for (const scope of scopes) {
    if (!scopeNames.has(scope)) errors.push(invalid(path, scopes, "unsupported scope"));
    for (const name of names) {
      if (!countable(scope, name)) errors.push(invalid(path, scopes, unfit));
    }
  }
  validateConflicts(scopes, scopes, path, errors);
}

const existsOnly = new Set([...podScopes, "CrossNamespacePodAffinity"]);
const existsText =
  "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";

function validateScopeSelector(
  { spec }: ResourceQuota,
  names: readonly string[],
  errors: FieldError[],
): void {
  const { scopeSelector, scopes = null } = spec ?? {};
  if (!scopeSelector) return;
  const path = "spec.scopeSelector.matchExpressions";
  const expressions = scopeSelector.matchExpressions ?? [];
  for (const { scopeName, operator, values = [] } of expressions) {
    if (!scopeNames.has(scopeName)) errors.push(invalid(`${path}.scopeName`, scopeName, "unsupported scope"));
    for (const name of names) {
      if (!countable(scopeName, name))
        errors.push(invalid(path, internalForm("core.ScopeSelector", scopeSelector), unfit));
    }
    if (existsOnly.has(scopeName) && operator !== "Exists")
      errors.push(invalid(`${path}.operator`, operator, existsText));
    validateOperator(operator, values, path, errors);
  }
  validateConflicts(
    expressions.map(({ scopeName }) => scopeName),
    scopes,
    path,
    errors,
  );
}

function validateOperator(
  operator: string,
  values: readonly string[],
  path: string,
  errors: FieldError[],
): void {
  if (operator === "In" || operator === "NotIn") {
    const text = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
    if (values.length === 0) errors.push(required(`${path}.values`, text));
  } else if (operator === "Exists" || operator === "DoesNotExist") {
    const text = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
    if (values.length > 0) errors.push(invalid(`${path}.values`, values, text));
  } else errors.push(invalid(`${path}.operator`, operator, "not a valid selector operator"));
}

function validateHard(hard: Record<string, string> | undefined, path: string, errors: FieldError[]): void {
  for (const name of Object.keys(hard ?? {}).sort()) {
    const here = `${path}[${name}]`;
    const value = hard?.[name] as string;
    validateQuotaResourceName(name, here, errors);
    validateQuantity(name, value, here, errors);
  }
}

export function validateQuota(quota: ResourceQuota): FieldError[] {
  const errors: FieldError[] = [];
  validateHard(quota.spec?.hard, "spec.hard", errors);
  const names = Object.keys(quota.spec?.hard ?? {}).sort();
  validateScopes(quota, names, errors);
  validateScopeSelector(quota, names, errors);
  return errors;
}

export function validateQuotaStatus({ status }: ResourceQuota): FieldError[] {
  const errors: FieldError[] = [];
  validateHard(status?.hard, "status.hard", errors);
  validateHard(status?.used, "status.used", errors);
  return errors;
}

/** Which objects a quota counts is settled at its creation. */
export function validateQuotaUpdate(quota: ResourceQuota, old: ResourceQuota): FieldError[] {
  const sorted = (each: ResourceQuota): string => [...(each.spec?.scopes ?? [])].sort().join();
  if (sorted(quota) === sorted(old)) return [];
  return [invalid("spec.scopes", quota.spec?.scopes ?? null, "field is immutable")];
}
