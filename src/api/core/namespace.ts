/** Namespace: defaults and rules. */
import { invalid, isQualifiedName } from "../../machinery/index.ts";
import type { FieldError, Strategy } from "../definition.ts";
import { each } from "../field-rules.ts";
import type { Namespace } from "../generated/types.ts";
import { validateAnyMetaUpdate, validateMetaUpdate } from "../metadata.ts";

/** Removed by the namespace controller when the namespace is empty, which deletes it. */
const namespaceFinalizer = "kubernetes";
const nameLabel = "kubernetes.io/metadata.name";

function labelName(namespace: Namespace): void {
  const name = namespace.metadata?.name;
  if (!name || !namespace.metadata) return;
  namespace.metadata.labels ??= {};
  namespace.metadata.labels[nameLabel] = name;
}

export function defaultNamespace(namespace: Namespace): void {
  labelName(namespace);
  namespace.status ??= {};
  namespace.status.phase ||= "Active";
}

export function prepareNewNamespace(namespace: Namespace): void {
  namespace.status = { phase: "Active" };
  namespace.spec ??= {};
  const finalizers = namespace.spec.finalizers ?? [];
  namespace.spec.finalizers = finalizers.includes(namespaceFinalizer)
    ? finalizers
    : [...finalizers, namespaceFinalizer];
  // The name may have just been generated.
  labelName(namespace);
}

/** spec.finalizers change only through /finalize. */
export function prepareNamespaceUpdate(namespace: Namespace, old: Namespace): void {
  namespace.spec = { ...namespace.spec };
  if (old.spec?.finalizers) namespace.spec.finalizers = old.spec.finalizers;
  else delete namespace.spec.finalizers;
}

function checkFinalizer(name: string, path: string, errors: FieldError[]): void {
  each(isQualifiedName, path, name, errors);
  if (!name.includes("/") && !["kubernetes", "orphan", "foregroundDeletion"].includes(name)) {
    const text = "name is neither a standard finalizer name nor is it fully qualified";
    errors.push(invalid(path, name, text));
  }
}

export function validateNamespace({ spec }: Namespace): FieldError[] {
  const errors: FieldError[] = [];
  for (const name of spec?.finalizers ?? []) checkFinalizer(name, "spec.finalizers", errors);
  return errors;
}

/** The phase follows from the deletion. */
export function validateNamespaceStatus({ metadata, status }: Namespace): FieldError[] {
  const wanted = metadata?.deletionTimestamp ? "Terminating" : "Active";
  const { phase = "" } = status ?? {};
  if (phase === wanted) return [];
  const when = wanted === "Active" ? "is empty" : "is not empty";
  return [invalid("status.Phase", phase, `may only be '${wanted}' if \`deletionTimestamp\` ${when}`)];
}

/** /finalize: changes spec.finalizers, and metadata as in every update. */
export const finalizeStrategy: Strategy = {
  prepareForUpdate(object, old) {
    const namespace = object as Namespace;
    const before = old as Namespace;
    if (before.status) namespace.status = before.status;
    else delete namespace.status;
  },
  validateUpdate(object, old) {
    const errors = [
      ...validateAnyMetaUpdate(object.metadata, old.metadata, false),
      ...validateMetaUpdate(object.metadata, old.metadata),
    ];
    for (const [i, name] of ((object as Namespace).spec?.finalizers ?? []).entries())
      checkFinalizer(name, `spec.finalizers[${i}]`, errors);
    return errors;
  },
};
