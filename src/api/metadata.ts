/** Checks of metadata that hold for every kind (apimachinery pkg/api/validation). */
import {
  byteLength,
  deepEqual,
  forbidden,
  invalid,
  invalidTyped,
  invalidOften,
  isDns1123Label,
  isLabelValue,
  isPathSegmentName,
  isQualifiedName,
  required,
  type LabelSelectorObject,
  tooLong,
  wasEmptied,
} from "../machinery/index.ts";
import type { FieldError } from "./definition.ts";
import type { ObjectMeta, OwnerReference } from "./meta.ts";

/** A rule for names; returns error texts. */
export type NameRule = (value: string) => readonly string[];

export const immutableText = "field is immutable";
const annotationLimit = 256 * 1024;

/**
 * Validation of new metadata. `nameRule`: for the name and, as a prefix, for generateName unless `generated` is false.
 * `finalizers`: whether one without a slash must be one of Kubernetes' own.
 */
export interface MetaRules {
  namespaced: boolean;
  nameRule: NameRule;
  generated?: boolean;
  finalizers?: "standard" | "any";
}

/** A prefix may end with a dash. */
const masked = (prefix: string): string =>
  prefix.length > 1 && prefix.endsWith("-") ? `${prefix.slice(0, -2)}a` : prefix;

export function validateMeta(
  meta: ObjectMeta | undefined,
  { namespaced, nameRule, generated = true, finalizers = "standard" }: MetaRules,
  path = "metadata",
): FieldError[] {
  const errors: FieldError[] = [];
  if (generated && meta?.generateName) {
    for (const text of nameRule(masked(meta.generateName)))
      errors.push(invalid(`${path}.generateName`, meta.generateName, text));
  }
  if (!meta?.name) errors.push(required(`${path}.name`, "name or generateName is required"));
  else for (const text of nameRule(meta.name)) errors.push(invalid(`${path}.name`, meta.name, text));
  if (namespaced) {
    if (!meta?.namespace) errors.push(required(`${path}.namespace`));
    else
      for (const text of isDns1123Label(meta.namespace))
        errors.push(invalid(`${path}.namespace`, meta.namespace, text));
  } else if (meta?.namespace) errors.push(forbidden(`${path}.namespace`, "not allowed on this type"));
  if (!meta) return errors;
  if ((meta.generation ?? 0) < 0)
    errors.push(invalid(`${path}.generation`, meta.generation, "must be greater than or equal to 0"));
  common(meta, path, errors);
  validateFinalizers(meta.finalizers ?? [], `${path}.finalizers`, finalizers === "standard", errors);
  validateManagers(meta.managedFields, `${path}.managedFields`, errors);
  return errors;
}

/** Rules for all kinds, at creation and update. */
export function validateAnyMeta(meta: ObjectMeta | undefined, namespaced: boolean): FieldError[] {
  return validateMeta(meta, { namespaced, nameRule: isPathSegmentName, finalizers: "any" });
}

/** Labels, annotations and owners. */
function common(meta: ObjectMeta, path: string, errors: FieldError[]): void {
  validateLabels(meta.labels, `${path}.labels`, errors);
  validateAnnotations(meta.annotations, `${path}.annotations`, errors);
  if (meta.ownerReferences) validateOwners(meta.ownerReferences, `${path}.ownerReferences`, errors);
}

export function validateLabels(
  labels: Record<string, string> | undefined,
  path: string,
  errors: FieldError[],
): void {
  for (const name in labels) {
    for (const text of isQualifiedName(name)) errors.push(invalid(path, name, text));
    const value = labels[name] as string;
    for (const text of isLabelValue(value)) errors.push(invalid(path, value, text));
  }
}

/** A map of strings as messages show it, in alphabetical order; null if absent. `name`: of the member. */
export function shownMap(of: object | undefined, name: string): object | null {
  const map = (of as Record<string, Record<string, string> | undefined> | undefined)?.[name] ?? {};
  const members = Object.entries(map).sort(([left], [right]) => (left < right ? -1 : 1));
  return members.length > 0 || wasEmptied(of, name) ? Object.fromEntries(members) : null;
}

export const shownLabels = (meta: ObjectMeta | undefined): object | null => shownMap(meta, "labels");

export function validateAnnotations(
  annotations: Record<string, string> | undefined,
  path: string,
  errors: FieldError[],
): void {
  let size = 0;
  for (const name in annotations) {
    size += byteLength(name) + byteLength(annotations[name] as string);
    for (const text of isQualifiedName(name.toLowerCase())) errors.push(invalid(path, name, text));
  }
  if (size > annotationLimit) errors.push(tooLong(path, annotationLimit));
}

/** An owner reference with its members in Go's order. */
const shownOwner = (owner: OwnerReference): unknown => ({
  apiVersion: owner.apiVersion ?? "",
  kind: owner.kind ?? "",
  name: owner.name ?? "",
  uid: owner.uid ?? "",
  controller: owner.controller,
  blockOwnerDeletion: owner.blockOwnerDeletion,
});

/** The version of `group/version`; empty when it is neither that nor `version`. */
function versionOf(apiVersion: string): string {
  const parts = apiVersion.split("/");
  return parts.length > 2 ? "" : (parts.at(-1) as string);
}

function validateOwners(owners: readonly OwnerReference[], path: string, errors: FieldError[]): void {
  let controller = "";
  const wrong = invalidOften(path, () => owners.map(shownOwner));
  for (const owner of owners) {
    const apiVersion = owner.apiVersion ?? "";
    if (versionOf(apiVersion) === "")
      errors.push(invalid(`${path}.apiVersion`, apiVersion, "version must not be empty"));
    for (const member of ["kind", "name", "uid"] as const) {
      if (!owner[member]) errors.push(invalid(`${path}.${member}`, owner[member] ?? "", "must not be empty"));
    }
    if ((apiVersion === "v1" || apiVersion === "/v1") && owner.kind === "Event") {
      const text = "/v1, Kind=Event is disallowed from being an owner";
      errors.push(invalid(path, shownOwner(owner), text));
    }
    if (!owner.controller) continue;
    const name = `${owner.kind ?? ""}/${owner.name ?? ""}`;
    if (controller !== "") {
      errors.push(
        wrong(
          `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${name}`,
        ),
      );
    } else controller = name;
  }
}

const managerLimit = 128;
const subresourceLimit = 256;

/** Validates a field manager's name: its length in bytes, and unprintable characters. Go counts positions in bytes. */
export function validateManagerName(manager: string, path: string, errors: FieldError[]): void {
  const long = byteLength(manager) > managerLimit;
  if (long) errors.push(tooLong(path, managerLimit));
  // Nearly every name.
  if (/^[\w.:/ -]*$/.test(manager)) return;
  let at = 0;
  for (const char of manager) {
    if (!/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(char)) {
      const code = (char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
      errors.push(invalid(path, manager, `invalid character U+${code} (at position ${at})`));
      // Each error shows the whole name, so their text would grow with the square of its length.
      if (long) return;
    }
    at += byteLength(char);
  }
}

/** Validates managedFields; their field sets were parsed before. */
function validateManagers(owners: ObjectMeta["managedFields"], path: string, errors: FieldError[]): void {
  for (const [i, { manager = "", subresource = "" }] of (owners ?? []).entries()) {
    validateManagerName(manager, `${path}[${i}].manager`, errors);
    if (byteLength(subresource) > subresourceLimit)
      errors.push(tooLong(`${path}[${i}].subresource`, subresourceLimit));
  }
}

const standardFinalizers: ReadonlySet<string> = new Set(["kubernetes", "orphan", "foregroundDeletion"]);

function validateFinalizers(
  finalizers: readonly string[],
  path: string,
  standard: boolean,
  errors: FieldError[],
): void {
  for (const each of finalizers)
    for (const text of isQualifiedName(each)) errors.push(invalid(path, each, text));
  if (finalizers.includes("orphan") && finalizers.includes("foregroundDeletion")) {
    errors.push(invalid(path, finalizers, "finalizer orphan and foregroundDeletion cannot be both set"));
  }
  if (standard) validateStandardFinalizers(finalizers, path, errors);
}

function validateStandardFinalizers(
  finalizers: readonly string[] = [],
  path: string,
  errors: FieldError[],
): void {
  for (const [i, each] of finalizers.entries()) {
    if (!each.includes("/") && !standardFinalizers.has(each)) {
      errors.push(
        invalid(`${path}[${i}]`, each, "name is neither a standard finalizer name nor is it fully qualified"),
      );
    }
  }
}

export function validateMetaUpdate(
  meta: ObjectMeta | undefined,
  old: ObjectMeta | undefined,
  finalizers: MetaRules["finalizers"] = "standard",
): FieldError[] {
  const errors: FieldError[] = [];
  const path = "metadata";
  if (!meta || !old) return errors;
  if (old.deletionTimestamp) {
    const added = [...new Set(meta.finalizers)].filter((each) => !old.finalizers?.includes(each)).sort();
    if (added.length > 0) {
      errors.push(
        forbidden(
          `${path}.finalizers`,
          `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((each) => JSON.stringify(each)).join(", ")}}`,
        ),
      );
    }
  }
  for (const member of [
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
  ] as const) {
    if (meta[member] !== old[member]) errors.push(invalid(`${path}.${member}`, meta[member], immutableText));
  }
  common(meta, path, errors);
  validateManagers(meta.managedFields, `${path}.managedFields`, errors);
  if (finalizers === "standard") validateStandardFinalizers(meta.finalizers, `${path}.finalizers`, errors);
  return errors;
}

/** Rules for all kinds, at updates only. */
export function validateAnyMetaUpdate(
  meta: ObjectMeta | undefined,
  old: ObjectMeta | undefined,
  namespaced: boolean,
): FieldError[] {
  return [...validateAnyMeta(meta, namespaced), ...validateMetaUpdate(meta, old, "any")];
}

/** The field is immutable. */
export function immutable(field: string, value: unknown, old: unknown, errors: FieldError[]): void {
  if (!deepEqual(value, old)) errors.push(invalid(field, value, immutableText));
}

/** An item of `matchExpressions`, of label and node selectors. */
interface Expression {
  key?: string;
  operator?: string;
  values?: readonly string[];
}

const setOperators: readonly (string | undefined)[] = ["In", "NotIn"];
const presenceOperators: readonly (string | undefined)[] = ["Exists", "DoesNotExist"];
const orderOperators: readonly (string | undefined)[] = ["Gt", "Lt"];

/**
 * `ordered`: Gt and Lt are operators too, as in node selectors. `anyValue`: values need not be valid label values. `path`: of the
 * expression.
 */
export function validateExpression(
  { key = "", operator, values = [] }: Expression,
  path: string,
  errors: FieldError[],
  { ordered = false, anyValue = false }: { ordered?: boolean; anyValue?: boolean } = {},
): void {
  if (setOperators.includes(operator)) {
    if (values.length === 0)
      errors.push(required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
  } else if (presenceOperators.includes(operator)) {
    if (values.length > 0)
      errors.push(
        forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
      );
  } else if (ordered && orderOperators.includes(operator)) {
    if (values.length !== 1)
      errors.push(
        required(`${path}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"),
      );
  } else errors.push(invalidTyped(`${path}.operator`, operator ?? "", "not a valid selector operator"));
  for (const text of isQualifiedName(key)) errors.push(invalid(`${path}.key`, key, text));
  if (anyValue) return;
  for (const [i, value] of values.entries()) {
    for (const text of isLabelValue(value)) errors.push(invalid(`${path}.values[${i}]`, value, text));
  }
}

/** `anyValue`: values need not be valid label values, because those of the old object were not. */
export function validateLabelSelector(
  selector: LabelSelectorObject | undefined,
  path: string,
  errors: FieldError[],
  anyValue = false,
): void {
  if (!selector) return;
  validateLabels(selector.matchLabels, `${path}.matchLabels`, errors);
  for (const [i, expression] of (selector.matchExpressions ?? []).entries())
    validateExpression(expression, `${path}.matchExpressions[${i}]`, errors, { anyValue });
}
