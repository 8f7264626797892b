/** StorageClass: defaults and rules. */
import {
  duplicate,
  forbidden,
  isQualifiedName,
  invalid,
  notSupported,
  required,
} from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import type { StorageClass } from "../generated/types.ts";
import { immutable } from "../metadata.ts";

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

export function validateStorageClass(each: StorageClass): FieldError[] {
  const errors: FieldError[] = [];
  if (!each.provisioner) errors.push(required("provisioner"));
  else {
    for (const text of isQualifiedName(each.provisioner.toLowerCase())) {
      errors.push(invalid("provisioner", each.provisioner, text));
    }
  }
  for (const name of Object.keys(each.parameters ?? {})) {
    if (name === "") errors.push(invalid("parameters", name, "field can not be empty."));
  }
  if (each.reclaimPolicy && each.reclaimPolicy !== "Delete" && each.reclaimPolicy !== "Retain") {
    errors.push(notSupported("reclaimPolicy", each.reclaimPolicy, ["Delete", "Retain"]));
  }
  const mode = each.volumeBindingMode;
  if (!mode) errors.push(required("volumeBindingMode"));
  else if (mode !== "Immediate" && mode !== "WaitForFirstConsumer") {
    errors.push(notSupported("volumeBindingMode", mode, ["Immediate", "WaitForFirstConsumer"]));
  }
  for (const [i, term] of (each.allowedTopologies ?? []).entries()) {
    for (const [j, { key, values = [] }] of (term.matchLabelExpressions ?? []).entries()) {
      const path = `allowedTopologies[${i}].matchLabelExpressions[${j}]`;
      if (values.length === 0) errors.push(required(`${path}.values`));
      for (const [k, value] of values.entries())
        if (values.indexOf(value) < k) errors.push(duplicate(`${path}.values[${k}]`, value));
      for (const text of isQualifiedName(key ?? "")) errors.push(invalid(`${path}.key`, key ?? "", text));
    }
  }
  return errors;
}

export function validateStorageClassUpdate(each: StorageClass, old: StorageClass): FieldError[] {
  const errors: FieldError[] = [];
  const fixed = "updates to parameters are forbidden.";
  if (JSON.stringify(each.parameters ?? {}) !== JSON.stringify(old.parameters ?? {})) {
    errors.push(forbidden("parameters", fixed));
  }
  if (each.provisioner !== old.provisioner) {
    errors.push(forbidden("provisioner", "updates to provisioner are forbidden."));
  }
  if (each.reclaimPolicy !== old.reclaimPolicy) {
    errors.push(forbidden("reclaimPolicy", "updates to reclaimPolicy are forbidden."));
  }
  immutable("volumeBindingMode", each.volumeBindingMode, old.volumeBindingMode, errors);
  return errors;
}
