/** Resource names and quantities of containers. */
import {
  compareQuantity,
  forbidden,
  invalid,
  isQualifiedName,
  parseQuantity,
  QuantityError,
  required,
} from "../../../machinery/index.ts";
import type { FieldError } from "../../definition.ts";
import type { ResourceRequirements } from "../../generated/types.ts";

export const negativeText = "must be greater than or equal to 0";

const standard = new Set(["cpu", "memory", "ephemeral-storage"]);
const isHugePages = (name: string): boolean => name.startsWith("hugepages-");
/** Only these may be promised more often than they exist, so only these may have requests below limits. */
const mayOvercommit = (name: string): boolean =>
  (!name.includes("/") || name.split("/", 1)[0]?.endsWith("kubernetes.io") === true) && !isHugePages(name);

function validateName(name: string, path: string, errors: FieldError[]): void {
  if (standard.has(name) || isHugePages(name)) return;
  for (const text of isQualifiedName(name)) errors.push(invalid(path, name, text));
  if (!name.includes("/")) {
    errors.push(invalid(path, name, "must be a standard resource type or fully qualified"));
    errors.push(invalid(path, name, "must be a standard resource for containers"));
  } else if (!name.split("/", 1)[0]?.endsWith("kubernetes.io") && name.startsWith("requests.")) {
    errors.push(invalid(path, name, "doesn't follow extended resource name standard"));
  }
}

/** A quantity that is not negative, and whole where halves make no sense (extended resources). */
export function validateQuantity(name: string, value: string, path: string, errors: FieldError[]): boolean {
  try {
    const quantity = parseQuantity(value);
    if (quantity.nanos < 0n) errors.push(invalid(path, value, negativeText));
    if (name.includes("/") && quantity.nanos % 1_000_000_000n !== 0n) {
      errors.push(invalid(path, value, "must be an integer"));
    }
    return true;
  } catch (error) {
    if (!(error instanceof QuantityError)) throw error;
    errors.push(invalid(path, value, error.message));
    return false;
  }
}

export function validateResources(
  resources: ResourceRequirements | undefined,
  path: string,
  errors: FieldError[],
): void {
  if (!resources) return;
  const { limits = {}, requests = {} } = resources;
  let huge = false;
  let ordinary = false;
  const bad = new Set<string>();
  for (const name in limits) {
    const here = `${path}.limits[${name}]`;
    if (!standard.has(name)) validateName(name, here, errors);
    if (!validateQuantity(name, limits[name] as string, here, errors)) bad.add(name);
    if (isHugePages(name)) huge = true;
    else if (name === "cpu" || name === "memory") ordinary = true;
  }
  for (const name in requests) {
    const here = `${path}.requests[${name}]`;
    const request = requests[name] as string;
    if (!standard.has(name)) validateName(name, here, errors);
    if (!validateQuantity(name, request, here, errors)) bad.add(name);
    const limit = limits[name];
    if (isHugePages(name)) huge = true;
    else if (name === "cpu" || name === "memory") ordinary = true;
    if (bad.has(name)) continue;
    if (limit !== undefined) {
      const order = compareQuantity(request, limit);
      if (order !== 0 && !mayOvercommit(name)) {
        errors.push(invalid(`${path}.requests`, request, `must be equal to ${name} limit of ${limit}`));
      } else if (order > 0) {
        errors.push(
          invalid(`${path}.requests`, request, `must be less than or equal to ${name} limit of ${limit}`),
        );
      }
    } else if (!mayOvercommit(name)) {
      errors.push(required(`${path}.limits`, "Limit must be set for non overcommitable resources"));
    }
  }
  if (huge && !ordinary) errors.push(forbidden(path, "HugePages require cpu or memory"));
}
