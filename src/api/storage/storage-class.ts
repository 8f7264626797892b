/** StorageClass: defaults and rules. */
import {
  byteLength,
  deepEqual,
  duplicate,
  invalid,
  isQualifiedName,
  mostMistakes,
  notSupported,
  repeatsIn,
  required,
  stableJson,
  tooLong,
} from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import { each } from "../field-rules.ts";
import type { StorageClass, TopologySelectorTerm } from "../generated/types.ts";
import { immutable, immutableText, shownMap } from "../metadata.ts";

const defaultAnnotations = [
  "storageclass.kubernetes.io/is-default-class",
  "storageclass.beta.kubernetes.io/is-default-class",
] as const;

export function isDefaultClass(each: StorageClass): boolean {
  return defaultAnnotations.some((name) => each.metadata?.annotations?.[name] === "true");
}

export function defaultStorageClass(each: StorageClass): void {
  each.reclaimPolicy ??= "Delete";
  each.volumeBindingMode ??= "Immediate";
}

const reclaimPolicies = ["Delete", "Retain"];
const bindingModes = ["Immediate", "WaitForFirstConsumer"];

const largestParameters = 256 * 1024;
const mostParameters = 512;

/** Who makes the volumes: a qualified name, whatever its case. */
export function validateProvisioner(value: string | undefined, path: string, errors: FieldError[]): void {
  const name = (value ?? "").toLowerCase();
  if (name === "") errors.push(required(path));
  else each(isQualifiedName, path, name, errors);
}

export function validateParameters(
  parameters: Readonly<Record<string, string>> = {},
  path: string,
  errors: FieldError[],
): void {
  const names = Object.keys(parameters);
  if (names.length > mostParameters) {
    errors.push(tooLong(path, mostParameters));
    return;
  }
  let size = 0;
  for (const name of names) {
    if (name === "") errors.push(invalid(path, name, "field can not be empty."));
    size += byteLength(name) + byteLength(parameters[name] ?? "");
  }
  if (size > largestParameters) errors.push(tooLong(path, largestParameters));
}

/** The values of each key of a term, as they are compared: in any order, once. Empty for a term without keys. */
function shapeOf({ matchLabelExpressions = [] }: TopologySelectorTerm): string {
  const keys = new Map(matchLabelExpressions.map(({ key, values }) => [key, [...new Set(values)].sort()]));
  return keys.size === 0 ? "" : stableJson(Object.fromEntries(keys));
}

function validateTopologies(terms: readonly TopologySelectorTerm[], errors: FieldError[]): void {
  const seen = new Map<string, number>();
  for (const [i, term] of terms.entries()) {
    const path = `allowedTopologies[${i}].matchLabelExpressions`;
    const keys = new Set<string>();
    for (const [j, { key = "", values = [] }] of (term.matchLabelExpressions ?? []).entries()) {
      const here = `${path}[${j}]`;
      if (values.length === 0) errors.push(required(`${here}.values`));
      for (const k of repeatsIn(values)) errors.push(duplicate(`${here}.values[${k}]`, values[k]));
      each(isQualifiedName, `${here}.key`, key, errors);
      if (keys.has(key)) errors.push(duplicate(`${here}.key`, key));
      keys.add(key);
    }
    const shape = shapeOf(term);
    // An empty term equals the places that the original's list begins with, one for each term.
    const before = seen.get(shape) ?? 0;
    const alike = before + (shape === "" ? terms.length : 0);
    for (let n = 0; n < alike && errors.length < mostMistakes; n++) errors.push(duplicate(path, ""));
    seen.set(shape, before + 1);
  }
}

export function validateStorageClass(given: StorageClass): FieldError[] {
  const errors: FieldError[] = [];
  validateProvisioner(given.provisioner, "provisioner", errors);
  validateParameters(given.parameters, "parameters", errors);
  const { reclaimPolicy, volumeBindingMode: mode } = given;
  if (reclaimPolicy && !reclaimPolicies.includes(reclaimPolicy))
    errors.push(notSupported("reclaimPolicy", reclaimPolicy, reclaimPolicies));
  if (mode === undefined) errors.push(required("volumeBindingMode"));
  else if (!bindingModes.includes(mode)) errors.push(notSupported("volumeBindingMode", mode, bindingModes));
  validateTopologies(given.allowedTopologies ?? [], errors);
  return errors;
}

/** Everything but what may be expanded, how it is mounted and where stays as it was made. */
export function validateStorageClassUpdate(given: StorageClass, old: StorageClass): FieldError[] {
  const errors: FieldError[] = [];
  if (!deepEqual(given.parameters ?? {}, old.parameters ?? {}))
    errors.push(invalid("parameters", shownMap(given, "parameters"), immutableText));
  immutable("provisioner", given.provisioner ?? "", old.provisioner ?? "", errors);
  immutable("reclaimPolicy", given.reclaimPolicy, old.reclaimPolicy, errors);
  immutable("volumeBindingMode", given.volumeBindingMode, old.volumeBindingMode, errors);
  return errors;
}
