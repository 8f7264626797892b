/** The spec of PersistentVolumeClaims, also in templates of pods and StatefulSets. */
import {
  compareQuantity,
  deepEqual,
  forbidden,
  invalid,
  isDns1123Label,
  isDns1123Subdomain,
  notSupported,
  quantityValue,
  required,
} from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import type {
  PersistentVolumeClaimSpec,
  TypedLocalObjectReference,
  TypedObjectReference,
} from "../generated/types.ts";
import { validateLabelSelector } from "../metadata.ts";

const accessModes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
const volumeModes = ["Block", "Filesystem"];

export function validateModes(modes: readonly string[] = [], path: string, errors: FieldError[]): void {
  for (const mode of modes)
    if (!accessModes.includes(mode)) errors.push(notSupported(path, mode, accessModes));
  const others = modes.some((mode) => mode !== "ReadWriteOncePod" && accessModes.includes(mode));
  if (others && modes.includes("ReadWriteOncePod"))
    errors.push(forbidden(path, "may not use ReadWriteOncePod with other access modes"));
}

export function validateVolumeMode(mode: string | undefined, path: string, errors: FieldError[]): void {
  if (mode !== undefined && !volumeModes.includes(mode)) errors.push(notSupported(path, mode, volumeModes));
}

export function className(name: string, path: string, errors: FieldError[]): void {
  for (const text of isDns1123Subdomain(name)) errors.push(invalid(path, name, text));
}

/** A missing group is null. */
const isGiven = (value: unknown): boolean => value !== undefined && value !== null;

/** True when the old claim had a group for its data source: then any name is accepted. */
const hadGroup = (old: PersistentVolumeClaimSpec | undefined): boolean =>
  isGiven(old?.dataSource?.apiGroup) || isGiven(old?.dataSourceRef?.apiGroup);

function validateDataSource(
  source: Partial<TypedLocalObjectReference & TypedObjectReference>,
  old: PersistentVolumeClaimSpec | undefined,
  path: string,
  errors: FieldError[],
): void {
  const { kind = "", name } = source;
  const apiGroup = source.apiGroup ?? "";
  if (!name) errors.push(required(`${path}.name`));
  if (!kind) errors.push(required(`${path}.kind`));
  if (apiGroup === "" && kind !== "PersistentVolumeClaim") {
    const text = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
    errors.push(invalid(path, kind, text));
  }
  if (apiGroup !== "" && !hadGroup(old))
    for (const text of isDns1123Subdomain(apiGroup)) errors.push(invalid(`${path}.apiGroup`, apiGroup, text));
  if (source.namespace)
    for (const text of isDns1123Label(source.namespace))
      errors.push(invalid(`${path}.namespace`, source.namespace, text));
}

function validateStorage(spec: PersistentVolumeClaimSpec, path: string, errors: FieldError[]): void {
  const here = `${path}.resources[storage]`;
  const storage = spec.resources?.requests?.["storage"];
  if (storage === undefined) errors.push(required(here));
  else if (compareQuantity(storage, "0") <= 0)
    errors.push(invalid(here, storage, "must be greater than zero"));
}

export function validateClaimSpec(
  spec: PersistentVolumeClaimSpec,
  path: string,
  errors: FieldError[],
  old?: PersistentVolumeClaimSpec,
): void {
  if (!spec.accessModes?.length)
    errors.push(required(`${path}.accessModes`, "at least 1 access mode is required"));
  validateLabelSelector(spec.selector, `${path}.selector`, errors);
  validateModes(spec.accessModes, `${path}.accessModes`, errors);
  validateStorage(spec, path, errors);
  if (spec.storageClassName) className(spec.storageClassName, `${path}.storageClassName`, errors);
  validateVolumeMode(spec.volumeMode, `${path}.volumeMode`, errors);
  const { dataSource, dataSourceRef } = spec;
  if (dataSource) validateDataSource(dataSource, old, `${path}.dataSource`, errors);
  if (dataSourceRef) validateDataSource(dataSourceRef, old, `${path}.dataSourceRef`, errors);
  if (dataSource && dataSourceRef) {
    const { namespace, ...same } = dataSourceRef;
    // The message shows Go's empty path.
    if (namespace)
      errors.push(invalid(path, {}, "may not be specified when dataSourceRef.namespace is specified"));
    else if (!deepEqual(same, dataSource)) errors.push(invalid(path, {}, "must match dataSourceRef"));
  }
  if (spec.volumeAttributesClassName)
    className(spec.volumeAttributesClassName, `${path}.volumeAttributesClassName`, errors);
}

/** The data source: each of the two fields is the default of the other, if it is a claim or snapshot. */
export function normalizeDataSources(
  spec: PersistentVolumeClaimSpec,
  old: PersistentVolumeClaimSpec | undefined,
): void {
  // Data sources in other namespaces are not supported.
  if (spec.dataSourceRef?.namespace && !old?.dataSourceRef) delete spec.dataSourceRef;
  const source = spec.dataSource;
  if (source && !spec.dataSourceRef && !old?.dataSource && !old?.dataSourceRef) {
    const { kind } = source;
    const apiGroup = source.apiGroup ?? "";
    const claim = kind === "PersistentVolumeClaim" && apiGroup === "";
    if (!claim && !(kind === "VolumeSnapshot" && apiGroup === "snapshot.storage.k8s.io"))
      delete spec.dataSource;
  }
  if (spec.dataSource && !spec.dataSourceRef) spec.dataSourceRef = { ...spec.dataSource };
  else if (spec.dataSourceRef && !spec.dataSource && !spec.dataSourceRef.namespace) {
    const { namespace: _, ...same } = spec.dataSourceRef;
    spec.dataSource = same;
  }
}

/** Bytes cannot be negative; the message shows whole bytes. */
export function basicQuantity(value: string, path: string, errors: FieldError[]): void {
  const whole = quantityValue(value);
  if (whole < 0) errors.push(invalid(path, whole, "must be a valid resource quantity"));
}
