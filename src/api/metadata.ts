/** Checks of metadata that hold for every kind (apimachinery pkg/api/validation). */
import {
  deepEqual,
  forbidden,
  invalid,
  isDns1123Label,
  isLabelValue,
  isQualifiedName,
  required,
  type LabelSelectorObject,
  tooLong,
} from "../machinery/index.ts";
import type { FieldError } from "./definition.ts";
import type { ObjectMeta, OwnerReference } from "./meta.ts";

/** A rule for names: the texts of what is wrong. */
export type NameRule = (value: string) => readonly string[];

export const immutableText = "field is immutable";
const annotationLimit = 256 * 1024;

export function validateMeta(
  meta: ObjectMeta | undefined,
  namespaced: boolean,
  nameRule: NameRule,
  path = "metadata",
): FieldError[] {
  const errors: FieldError[] = [];
  if (meta?.generateName) {
    // A prefix may end with a dash: something follows it.
    const trimmed = meta.generateName.replace(/-+$/, "a");
    for (const text of nameRule(trimmed))
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
  if (meta) common(meta, path, errors);
  if (meta?.finalizers) validateFinalizers(meta.finalizers, `${path}.finalizers`, errors);
  return errors;
}

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

export function validateAnnotations(
  annotations: Record<string, string> | undefined,
  path: string,
  errors: FieldError[],
): void {
  let size = 0;
  for (const name in annotations) {
    size += name.length + (annotations[name] as string).length;
    for (const text of isQualifiedName(name.toLowerCase())) errors.push(invalid(path, name, text));
  }
  if (size > annotationLimit) errors.push(tooLong(path, annotationLimit));
}

function validateOwners(owners: readonly OwnerReference[], path: string, errors: FieldError[]): void {
  let controller = "";
  for (const owner of owners) {
    if (!owner.apiVersion)
      errors.push(invalid(`${path}.apiVersion`, owner.apiVersion ?? "", "version must not be empty"));
    for (const member of ["kind", "name", "uid"] as const) {
      if (!owner[member]) errors.push(invalid(`${path}.${member}`, owner[member] ?? "", "must not be empty"));
    }
    if (owner.apiVersion === "v1" && owner.kind === "Event") {
      errors.push(invalid(path, owner, "/v1, Kind=Event is disallowed from being an owner"));
    }
    if (!owner.controller) continue;
    const name = `${owner.kind}/${owner.name}`;
    if (controller !== "") {
      errors.push(
        invalid(
          path,
          owners,
          `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${name}`,
        ),
      );
    } else controller = name;
  }
}

const standardFinalizers: ReadonlySet<string> = new Set(["kubernetes", "orphan", "foregroundDeletion"]);

function validateFinalizers(finalizers: readonly string[], path: string, errors: FieldError[]): void {
  for (const each of finalizers)
    for (const text of isQualifiedName(each)) errors.push(invalid(path, each, text));
  for (const [i, each] of finalizers.entries()) {
    if (!each.includes("/") && !standardFinalizers.has(each)) {
      errors.push(
        invalid(`${path}[${i}]`, each, "name is neither a standard finalizer name nor is it fully qualified"),
      );
    }
  }
  if (finalizers.includes("orphan") && finalizers.includes("foregroundDeletion")) {
    errors.push(invalid(path, finalizers, "finalizer orphan and foregroundDeletion cannot be both set"));
  }
}

export function validateMetaUpdate(
  meta: ObjectMeta | undefined,
  old: ObjectMeta | undefined,
  path = "metadata",
): FieldError[] {
  const errors: FieldError[] = [];
  if (!meta || !old) return errors;
  if (old.deletionTimestamp) {
    const added = (meta.finalizers ?? []).filter((each) => !old.finalizers?.includes(each));
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
  return errors;
}

/** The field may not change at all. */
export function immutable(field: string, value: unknown, old: unknown, errors: FieldError[]): void {
  if (!deepEqual(value, old)) errors.push(invalid(field, value, immutableText));
}

export function validateLabelSelector(
  selector: LabelSelectorObject | undefined,
  path: string,
  errors: FieldError[],
): void {
  if (!selector) return;
  validateLabels(selector.matchLabels, `${path}.matchLabels`, errors);
  for (const [i, { key, operator, values = [] }] of (selector.matchExpressions ?? []).entries()) {
    const here = `${path}.matchExpressions[${i}]`;
    if (operator === "In" || operator === "NotIn") {
      if (values.length === 0) {
        errors.push(required(`${here}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
      }
    } else if (operator === "Exists" || operator === "DoesNotExist") {
      if (values.length > 0) {
        errors.push(
          forbidden(`${here}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
        );
      }
    } else errors.push(invalid(`${here}.operator`, operator ?? "", "not a valid selector operator"));
    for (const text of isQualifiedName(key ?? "")) errors.push(invalid(`${here}.key`, key ?? "", text));
    for (const [j, value] of values.entries()) {
      for (const text of isLabelValue(value)) errors.push(invalid(`${here}.values[${j}]`, value, text));
    }
  }
}
