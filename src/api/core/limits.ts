/** What a LimitRange and a ResourceQuota may say. */
import {
  compareQuantity,
  forbidden,
  formatQuantity,
  invalid,
  duplicate,
  isQualifiedName,
  milliValue,
  parseQuantity,
  required,
} from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import type { LimitRange, LimitRangeItem, ResourceQuota } from "../generated/types.ts";

const standardForContainers = new Set(["cpu", "memory", "ephemeral-storage"]);
const countedObjects = [
  "pods",
  "services",
  "replicationcontrollers",
  "resourcequotas",
  "secrets",
  "configmaps",
  "persistentvolumeclaims",
  "services.nodeports",
  "services.loadbalancers",
];
const standardForQuota = new Set([
  ...countedObjects,
  "cpu",
  "memory",
  "ephemeral-storage",
  "requests.cpu",
  "requests.memory",
  "requests.storage",
  "requests.ephemeral-storage",
  "limits.cpu",
  "limits.memory",
  "limits.ephemeral-storage",
]);
const standard = new Set([...standardForQuota, "storage"]);
const isHugePages = (name: string): boolean => /^(requests\.)?hugepages-/.test(name);

function validateName(
  name: string,
  path: string,
  ours: ReadonlySet<string>,
  what: string,
  errors: FieldError[],
): void {
  for (const text of isQualifiedName(name)) errors.push(invalid(path, name, text));
  if (name.includes("/") || isHugePages(name)) return;
  if (!standard.has(name))
    errors.push(invalid(path, name, "must be a standard resource type or fully qualified"));
  if (!ours.has(name)) errors.push(invalid(path, name, `must be a standard resource for ${what}`));
}

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
  if (item.type === "Container") validateName(name, path, standardForContainers, "containers", errors);
  else validateName(name, path, standard, "limits", errors);
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
  if (ratio === undefined) return;
  if (compareQuantity(ratio, "1") < 0) say("maxLimitRequestRatio", ratio, `ratio ${ratio} is less than 1`);
  if (min === undefined || max === undefined) return;
  const highest = milliValue(max) / milliValue(min);
  if (milliValue(ratio) / 1000 > highest) {
    say("maxLimitRequestRatio", ratio, `ratio ${ratio} is greater than max/min = ${highest.toFixed(6)}`);
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

/** Which resources a quota of this scope can count. */
function countable(scope: string, name: string): boolean {
  if (scope === "BestEffort") return name === "pods";
  if (scope === "VolumeAttributesClass") return name.includes("storage") || name === "persistentvolumeclaims";
  return computeNames.has(name) || !countedObjects.includes(name);
}

function validateScopes(
  scopes: readonly string[],
  shown: readonly string[],
  names: readonly string[],
  path: string,
  errors: FieldError[],
): void {
  for (const scope of scopes) {
    if (!scopeNames.has(scope)) errors.push(invalid(path, shown, "unsupported scope"));
    for (const name of names) {
      if (scopeNames.has(scope) && !countable(scope, name))
        errors.push(invalid(path, shown, "unsupported scope applied to resource"));
    }
  }
  for (const [a, b] of [
    ["BestEffort", "NotBestEffort"],
    ["Terminating", "NotTerminating"],
  ] as const) {
    if (scopes.includes(a) && scopes.includes(b)) errors.push(invalid(path, shown, "conflicting scopes"));
  }
}

function validateScopeSelector(quota: ResourceQuota, errors: FieldError[]): void {
  const expressions = quota.spec?.scopeSelector?.matchExpressions ?? [];
  const path = "spec.scopeSelector.matchExpressions";
  for (const { scopeName, operator, values = [] } of expressions) {
    if (!scopeNames.has(scopeName)) {
      errors.push(invalid(`${path}.scopeName`, scopeName, "unsupported scope"));
    } else if (
      (podScopes.has(scopeName) || scopeName === "CrossNamespacePodAffinity") &&
      operator !== "Exists"
    ) {
      errors.push(
        invalid(
          `${path}.operator`,
          operator,
          "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
        ),
      );
    }
    if (operator === "In" || operator === "NotIn") {
      if (values.length === 0) {
        errors.push(
          required(
            `${path}.values`,
            "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
          ),
        );
      }
    } else if (operator === "Exists" || operator === "DoesNotExist") {
      if (values.length > 0) {
        errors.push(
          invalid(
            `${path}.values`,
            values,
            "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector",
          ),
        );
      }
    } else errors.push(invalid(`${path}.operator`, operator, "not a valid selector operator"));
  }
}

function validateHard(hard: Record<string, string> | undefined, path: string, errors: FieldError[]): void {
  for (const name of Object.keys(hard ?? {}).sort()) {
    const here = `${path}[${name}]`;
    const value = hard?.[name] as string;
    const counted = name.startsWith("count/") ? name.slice(6) : "";
    if (counted === "") validateName(name, here, standardForQuota, "quota", errors);
    const quantity = parseQuantity(value);
    if (compareQuantity(quantity, "0") < 0)
      errors.push(invalid(here, formatQuantity(quantity), "must be greater than or equal to 0"));
    if (countedObjects.includes(name) && milliValue(value) % 1000 !== 0)
      errors.push(invalid(here, formatQuantity(quantity), "must be an integer"));
  }
}

export function validateQuota(quota: ResourceQuota): FieldError[] {
  const errors: FieldError[] = [];
  validateHard(quota.spec?.hard, "spec.hard", errors);
  const scopes = quota.spec?.scopes ?? [];
  validateScopes(scopes, scopes, Object.keys(quota.spec?.hard ?? {}).sort(), "spec.scopes", errors);
  validateScopeSelector(quota, errors);
  return errors;
}

/** Which objects a quota counts is settled at its creation. */
export function validateQuotaUpdate(quota: ResourceQuota, old: ResourceQuota): FieldError[] {
  const sorted = (each: ResourceQuota): string => [...(each.spec?.scopes ?? [])].sort().join();
  if (sorted(quota) === sorted(old)) return [];
  return [invalid("spec.scopes", quota.spec?.scopes ?? null, "field is immutable")];
}
