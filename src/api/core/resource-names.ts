/** Names of resources: Kubernetes' own, integer ones, and those that allow overcommit. */
import {
  compareQuantity,
  invalid,
  isQualifiedName,
  milliValue,
  parseQuantity,
  quantityValue,
} from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import { negativeText } from "../field-rules.ts";

/** Objects counted by quotas. */
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

const compute = ["cpu", "memory", "ephemeral-storage"];
const forContainers = new Set(compute);
export const standardForQuota: ReadonlySet<string> = new Set([
  ...countedObjects,
  ...compute,
  "requests.cpu",
  "requests.memory",
  "requests.storage",
  "requests.ephemeral-storage",
  "limits.cpu",
  "limits.memory",
  "limits.ephemeral-storage",
]);
const standard = new Set([...standardForQuota, "storage"]);

export const isHugePages = (name: string): boolean => name.startsWith("hugepages-");
export const isQuotaHugePages = (name: string): boolean => /^(requests\.)?hugepages-/.test(name);

/** Kubernetes' own. */
const isNative = (name: string): boolean => !name.includes("/") || name.includes("kubernetes.io/");

export const isExtended = (name: string): boolean =>
  !isNative(name) && !name.startsWith("requests.") && isQualifiedName(`requests.${name}`).length === 0;

/** Integer resources. */
const isWhole = (name: string): boolean => countedObjects.includes(name) || isExtended(name);

/** Only these allow requests below limits. */
export const mayOvercommit = (name: string): boolean => isNative(name) && !isHugePages(name);

/** True when it is valid. */
export function validateResourceName(name: string, path: string, errors: FieldError[]): boolean {
  const texts = isQualifiedName(name);
  for (const text of texts) errors.push(invalid(path, name, text));
  if (texts.length > 0) return false;
  if (name.includes("/") || standard.has(name) || isQuotaHugePages(name)) return true;
  errors.push(invalid(path, name, "must be a standard resource type or fully qualified"));
  return false;
}

export function validateContainerResourceName(name: string, path: string, errors: FieldError[]): void {
  validateResourceName(name, path, errors);
  if (!name.includes("/")) {
    if (!forContainers.has(name) && !isHugePages(name))
      errors.push(invalid(path, name, "must be a standard resource for containers"));
  } else if (!isNative(name) && !isExtended(name))
    errors.push(invalid(path, name, "doesn't follow extended resource name standard"));
}

export function validateQuotaResourceName(name: string, path: string, errors: FieldError[]): void {
  validateResourceName(name, path, errors);
  if (!name.includes("/") && !standardForQuota.has(name) && !isQuotaHugePages(name))
    errors.push(invalid(path, name, "must be a standard resource for quota"));
}

/** Not negative, and an integer where required. */
export function validateQuantity(name: string, value: string, path: string, errors: FieldError[]): void {
  const quantity = parseQuantity(value);
  if (compareQuantity(quantity, "0") < 0) errors.push(invalid(path, value, negativeText));
  if (isWhole(name) && milliValue(quantity) % 1000 !== 0)
    errors.push(invalid(path, value, "must be an integer"));
}

/** A multiple of the page size in the name. */
export function isWholePages(name: string, value: string): boolean {
  try {
    const size = parseQuantity(name.slice("hugepages-".length)).nanos;
    const whole = 1_000_000_000n;
    return size > 0n && size % whole === 0n && quantityValue(value) % Number(size / whole) === 0;
  } catch {
    return false;
  }
}
