/** Names in resource.k8s.io, and lists of limited length. */
import {
  duplicate,
  invalid,
  isDns1123Label,
  isDns1123Subdomain,
  isLabelValue,
  isQualifiedName,
  rawText,
  repeatsIn,
  required,
  tooLong,
  tooMany,
  wasEmptied,
} from "../../machinery/index.ts";
import { csiDriverName } from "../core/volume-sources.ts";
import type { FieldError } from "../definition.ts";

export type Rule<T> = (value: T, path: string, errors: FieldError[]) => void;

/** Every item by its rule. A list that is too long is only said to be so. False then. */
export function eachOf<T>(
  items: readonly T[] | undefined,
  limit: number,
  path: string,
  errors: FieldError[],
  rule: Rule<T>,
): boolean {
  if (!items) return true;
  if (items.length > limit) {
    errors.push(tooMany(path, items.length, limit));
    return false;
  }
  items.forEach((item, i) => {
    rule(item, `${path}[${i}]`, errors);
  });
  return true;
}

/** The same, where no two items may have the same key. */
export function setOf<T>(
  items: readonly T[] | undefined,
  limit: number,
  path: string,
  errors: FieldError[],
  key: (item: T) => unknown,
  rule: Rule<T>,
): void {
  if (!eachOf(items, limit, path, errors, rule)) return;
  const seen = new Set<string>();
  items?.forEach((item, i) => {
    const value = key(item);
    const text = JSON.stringify(value) ?? "null";
    if (seen.has(text)) errors.push(duplicate(`${path}[${i}]`, value));
    seen.add(text);
  });
}

/** Lengths of keys in paths: the rest is left out in the middle. */
export function shortened(key: string, limit: number): string {
  if (key.length <= limit) return key;
  const kept = limit - 3;
  return `${key.slice(0, Math.ceil(kept / 2))}...${key.slice(key.length - Math.floor(kept / 2))}`;
}

export const driverName = csiDriverName;

export const label: Rule<string | undefined> = (name = "", path, errors) => {
  for (const text of isDns1123Label(name)) errors.push(invalid(path, name, text));
};

export const labelName: Rule<string | undefined> = (name = "", path, errors) => {
  for (const text of isQualifiedName(name)) errors.push(invalid(path, name, text));
};

export const labelValue: Rule<string | undefined> = (value = "", path, errors) => {
  for (const text of isLabelValue(value)) errors.push(invalid(path, value, text));
};

export const className: Rule<string | undefined> = (name, path, errors) => {
  if (!name) errors.push(required(path));
  else for (const text of isDns1123Subdomain(name)) errors.push(invalid(path, name, text));
};

const poolNameLimit = 253;

/** One or more names of domains with slashes between them. */
export const poolName: Rule<string | undefined> = (name, path, errors) => {
  if (!name) {
    errors.push(required(path));
    return;
  }
  if (name.length > poolNameLimit) errors.push(tooLong(path, poolNameLimit));
  for (const part of name.split("/"))
    for (const text of isDns1123Subdomain(part)) errors.push(invalid(path, part, text));
};

const idLimit = 32;
/** Longest key of an attribute or a capacity: a domain, a slash and an identifier. */
export const keyLimit = 63 + 1 + idLimit;
const identifierText =
  "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_' " +
  "(e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')";

function identifier(id: string, path: string, errors: FieldError[]): void {
  if (id.length > idLimit) errors.push(tooLong(path, idLimit));
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(id)) errors.push(invalid(path, id, identifierText));
}

/** Of an attribute or a capacity: an identifier, or a domain, a slash and an identifier. */
export const qualifiedName: Rule<string> = (name, path, errors) => {
  const [first = "", second, ...more] = name.split("/");
  if (second === undefined) identifier(first, path, errors);
  else if (more.length === 0) {
    if (first) driverName(first, path, errors);
    else errors.push(invalid(path, "", "the domain must not be empty"));
    if (second) identifier(second, path, errors);
    else errors.push(invalid(path, "", "the name must not be empty"));
  }
};

export const fullyQualifiedName: Rule<string> = (name, path, errors) => {
  qualifiedName(name, path, errors);
  const text = "a fully qualified name must be a domain and a name separated by a slash";
  if (!name.includes("/")) errors.push(invalid(path, name, text));
};

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const shareId: Rule<string> = (id, path, errors) => {
  const bare = id.replace(/^urn:uuid:/i, "").replace(/^\{(.*)\}$/, "$1");
  if (!/^([0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i.test(bare)) {
    const why = [32, 36, 38, 45].includes(id.length)
      ? "invalid UUID format"
      : `invalid UUID length: ${id.length}`;
    errors.push(invalid(path, id, `error validating uid: ${why}`));
  } else if (!uuid.test(id))
    errors.push(
      invalid(
        path,
        id,
        "uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters",
      ),
    );
};

const rawLimit = 10 * 1024;

/** What only a driver understands: a JSON object of limited size. */
export const rawObject: Rule<unknown> = (value, path, errors) => {
  if (value === undefined || value === null) errors.push(required(path));
  else if (new TextEncoder().encode(rawText(value)).length > rawLimit) errors.push(tooLong(path, rawLimit));
  else if (typeof value !== "object" || Array.isArray(value))
    errors.push(invalid(path, "<value omitted>", "must be a valid JSON object"));
};

const conditionsLimit = 4;

/** Conditions that must be, or must not be, true before a pod is bound. */
export function bindingConditions(
  given: { bindingConditions?: string[]; bindingFailureConditions?: string[] },
  path: string,
  errors: FieldError[],
): void {
  const { bindingConditions: wanted = [], bindingFailureConditions: failing = [] } = given;
  const [good, bad] = [`${path}.bindingConditions`, `${path}.bindingFailureConditions`];
  eachOf(wanted, conditionsLimit, good, errors, labelName);
  eachOf(failing, conditionsLimit, bad, errors, labelName);
  for (const i of repeatsIn(wanted)) errors.push(duplicate(`${good}[${i}]`, wanted[i]));
  const again = repeatsIn(failing);
  const all = new Set(wanted);
  failing.forEach((each, i) => {
    if (again.has(i)) errors.push(duplicate(`${bad}[${i}]`, each));
    if (all.has(each))
      errors.push(
        invalid(`${bad}[${i}]`, each, "bindingFailureConditions must not overlap with bindingConditions"),
      );
  });
  if (wanted.length === 0 && failing.length > 0)
    errors.push(
      invalid(
        good,
        wasEmptied(given, "bindingConditions") ? [] : null,
        "bindingConditions are required to use bindingFailureConditions",
      ),
    );
  if (failing.length === 0 && wanted.length > 0)
    errors.push(
      invalid(
        bad,
        wasEmptied(given, "bindingFailureConditions") ? [] : null,
        "bindingFailureConditions are required to use bindingConditions",
      ),
    );
}
