/** PersistentVolume and PersistentVolumeClaim: defaults and rules. */
import {
  compareQuantity,
  deepEqual,
  forbidden,
  invalid,
  isQualifiedName,
  notSupported,
  required,
  wasEmptied,
} from "../../machinery/index.ts";
import type { FieldError, Strategy } from "../definition.ts";
import type {
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
  PersistentVolumeSpec,
} from "../generated/types.ts";
import { internalDifference, internalForm } from "../internal-form.ts";
import { immutable, immutableText } from "../metadata.ts";
import { oldNodeLabels } from "../old-node-labels.ts";
import {
  basicQuantity,
  className,
  normalizeDataSources,
  validateClaimSpec,
  validateModes,
  validateVolumeMode,
} from "./claim-spec.ts";
import { validateNodeSelector } from "./pod/placement.ts";
import { claimSpecWarnings } from "./pod/warnings.ts";
import { refusedNames, severalText, sourceRules } from "./volume-sources.ts";
import { defaultSource } from "./volume-defaults.ts";

const reclaimPolicies = ["Delete", "Recycle", "Retain"];

/** In order of validation: a second source is rejected. */
const sources = [
  "hostPath",
  "gcePersistentDisk",
  "awsElasticBlockStore",
  "glusterfs",
  "flocker",
  "nfs",
  "rbd",
  "quobyte",
  "cephfs",
  "iscsi",
  "cinder",
  "fc",
  "flexVolume",
  "azureFile",
  "vsphereVolume",
  "photonPersistentDisk",
  "portworxVolume",
  "azureDisk",
  "scaleIO",
  "local",
  "storageos",
  "csi",
] as const;

export function defaultVolume(volume: PersistentVolume): void {
  volume.status ??= {};
  volume.status.phase ||= "Pending";
  const spec = (volume.spec ??= {});
  spec.persistentVolumeReclaimPolicy ||= "Retain";
  spec.volumeMode ??= "Filesystem";
  defaultSource(spec);
}

/** Volumes that support mount options. */
const mountable = [
  "gcePersistentDisk",
  "awsElasticBlockStore",
  "glusterfs",
  "nfs",
  "rbd",
  "quobyte",
  "iscsi",
  "cinder",
  "cephfs",
  "azureFile",
  "vsphereVolume",
  "azureDisk",
  "photonPersistentDisk",
] as const;

function validateCapacity(spec: PersistentVolumeSpec, errors: FieldError[]): void {
  const { capacity } = spec;
  const names = Object.keys(capacity ?? {});
  if (names.length === 0) errors.push(required("spec.capacity"));
  if (!names.includes("storage") || names.length > 1) {
    const empty = wasEmptied(spec, "capacity") ? {} : undefined;
    const sorted = !capacity ? empty : Object.fromEntries(names.sort().map((name) => [name, capacity[name]]));
    errors.push(notSupported("spec.capacity", sorted, ["storage"]));
  }
  for (const name of names) {
    const value = capacity?.[name] ?? "0";
    basicQuantity(value, `spec.capacity[${name}]`, errors);
    if (compareQuantity(value, "0") <= 0)
      errors.push(invalid(`spec.capacity[${name}]`, value, "must be greater than zero"));
  }
}

/** Exactly one source. `name`: of the PersistentVolume, empty for an inline volume. */
export function validateSources(
  spec: PersistentVolumeSpec,
  name: string,
  errors: FieldError[],
  path = "spec",
): void {
  let found = 0;
  for (const each of sources) {
    const source = spec[each];
    if (source === undefined) continue;
    if (found++ > 0 && each !== "flexVolume") {
      errors.push(forbidden(`${path}.${refusedNames[each] ?? each}`, severalText));
      continue;
    }
    sourceRules[each]?.(source as never, `${path}.${each}`, errors, { name, persistent: true });
    if (each === "local" && !spec.nodeAffinity)
      errors.push(required(`${path}.nodeAffinity`, "Local volume requires node affinity"));
  }
  if (found === 0) errors.push(required(path, "must specify a volume type"));
}

/** Normalizes repeated slashes and `.`. */
const isRoot = (path: string): boolean =>
  path.startsWith("/") && path.split("/").every((part) => part === "" || part === "." || part === "..");

function validateSpec(volume: PersistentVolume, old?: PersistentVolume): FieldError[] {
  const errors: FieldError[] = [];
  const spec = volume.spec ?? {};
  if (!spec.accessModes?.length) errors.push(required("spec.accessModes"));
  validateModes(spec.accessModes, "spec.accessModes", errors);
  validateCapacity(spec, errors);
  const reclaim = spec.persistentVolumeReclaimPolicy;
  if (reclaim && !reclaimPolicies.includes(reclaim))
    errors.push(notSupported("spec.persistentVolumeReclaimPolicy", reclaim, reclaimPolicies));
  if (spec.nodeAffinity) {
    const here = "spec.nodeAffinity.required";
    const { required: terms } = spec.nodeAffinity;
    if (!terms) errors.push(required(here, "must specify required node constraints"));
    else validateNodeSelector(terms, here, errors, old?.spec?.nodeAffinity?.required);
  }
  validateSources(spec, volume.metadata?.name ?? "", errors);
  if (spec.hostPath && isRoot(spec.hostPath.path ?? "") && reclaim === "Recycle") {
    const text = "may not be 'recycle' for a hostPath mount of '/'";
    errors.push(forbidden("spec.persistentVolumeReclaimPolicy", text));
  }
  if (spec.storageClassName) className(spec.storageClassName, "spec.storageClassName", errors);
  validateVolumeMode(spec.volumeMode, "spec.volumeMode", errors);
  const attributes = spec.volumeAttributesClassName;
  if (attributes === undefined) return errors;
  if (attributes === "")
    errors.push(required("spec.volumeAttributesClassName", "an empty string is disallowed"));
  else className(attributes, "spec.volumeAttributesClassName", errors);
  if (!spec.csi)
    errors.push(required("spec.csi", "has to be specified when using volumeAttributesClassName"));
  return errors;
}

const mountOptions = "volume.beta.kubernetes.io/mount-options";

export function validateVolume(volume: PersistentVolume): FieldError[] {
  const errors = validateSpec(volume);
  if (
    volume.metadata?.annotations?.[mountOptions] !== undefined &&
    !mountable.some((type) => volume.spec?.[type])
  ) {
    const text = "may not specify mount options for this volume type";
    errors.push(forbidden(`metadata.annotations.${mountOptions}`, text));
  }
  return errors;
}

const sourceOf = (spec: PersistentVolumeSpec = {}): Record<string, unknown> =>
  Object.fromEntries(sources.filter((each) => spec[each] !== undefined).map((each) => [each, spec[each]]));

const currentLabel: Readonly<Record<string, string>> = {
  "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
  "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
  "beta.kubernetes.io/os": "kubernetes.io/os",
  "beta.kubernetes.io/arch": "kubernetes.io/arch",
  "beta.kubernetes.io/instance-type": "node.kubernetes.io/instance-type",
};

/** A key may be replaced by the label's new name. A key without one counts as having an empty one. */
const sameKey = (now: string | undefined, old: string | undefined): boolean =>
  (now ?? "") === (old ?? "") || (now ?? "") === (currentLabel[old ?? ""] ?? "");

/** The affinity is immutable, except that deprecated labels may be replaced. */
function sameAffinity(now: PersistentVolumeSpec, old: PersistentVolumeSpec): boolean {
  const before = old.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  const likeBefore = now.nodeAffinity?.required?.nodeSelectorTerms?.map((term, i) => {
    const like = (list: "matchExpressions" | "matchFields"): object | undefined =>
      term[list]?.map((each, k) => {
        const key = before[i]?.[list]?.[k]?.key;
        return sameKey(each.key, key) ? { ...each, key } : each;
      });
    return { ...term, matchExpressions: like("matchExpressions"), matchFields: like("matchFields") };
  });
  return deepEqual(likeBefore ?? [], before);
}

/** The object's rules run twice at an update, as in Kubernetes, so their errors are reported twice. */
export function validateVolumeUpdate(volume: PersistentVolume, old: PersistentVolume): FieldError[] {
  const errors = validateSpec(volume, old);
  const spec = volume.spec ?? {};
  const before = old.spec ?? {};
  const mine = sourceOf(spec);
  const theirs = sourceOf(before);
  // The Secret for expansion may be set later.
  if (spec.csi && before.csi && !before.csi.controllerExpandSecretRef) {
    const { controllerExpandSecretRef: _, ...rest } = spec.csi;
    mine["csi"] = rest;
  }
  if (!deepEqual(mine, theirs)) {
    const difference = internalDifference("core.PersistentVolumeSource", theirs, mine);
    const text = `spec.persistentvolumesource is immutable after creation\n${difference}`;
    errors.push(forbidden("spec.persistentvolumesource", text));
  }
  immutable("volumeMode", spec.volumeMode, before.volumeMode, errors);
  if (before.nodeAffinity && !sameAffinity(spec, before)) {
    const text = `${immutableText}, except for updating from beta label to GA`;
    errors.push(invalid("nodeAffinity", internalAffinity(spec), text));
  }
  if (before.volumeAttributesClassName !== undefined && spec.volumeAttributesClassName === undefined)
    errors.push(forbidden("spec.volumeAttributesClassName", "update from non-nil value to nil is forbidden"));
  return errors;
}

const internalAffinity = ({ nodeAffinity }: PersistentVolumeSpec): unknown =>
  nodeAffinity ? internalForm("core.VolumeNodeAffinity", nodeAffinity) : null;

/** Sets the time of the last phase change, unless the client does. */
export const volumeStatus: Strategy = {
  prepareForUpdate(object, old, now) {
    const status = ((object as PersistentVolume).status ??= {});
    const { phase, lastPhaseTransitionTime: before } = (old as PersistentVolume).status ?? {};
    const given = status.lastPhaseTransitionTime;
    if (phase === status.phase) {
      if (given === undefined && before !== undefined) status.lastPhaseTransitionTime = before;
    } else if (now !== undefined && (given === undefined || given === before))
      status.lastPhaseTransitionTime = now;
  },
};

export function defaultClaimSpec(spec: PersistentVolumeClaimSpec): void {
  spec.volumeMode ??= "Filesystem";
  spec.resources ??= {};
}

export function defaultClaim(claim: PersistentVolumeClaim): void {
  claim.status ??= {};
  claim.status.phase ||= "Pending";
  claim.spec ??= {};
  defaultClaimSpec(claim.spec);
}

export function validateClaim(claim: PersistentVolumeClaim): FieldError[] {
  const errors: FieldError[] = [];
  validateClaimSpec(claim.spec ?? {}, "spec", errors);
  return errors;
}

const betaClass = "volume.beta.kubernetes.io/storage-class";

/**
 * Changes of the storage class: a claim with the legacy annotation, or without a class, can set the field once. Both specs are
 * made equal then.
 */
function allowClass(
  claim: PersistentVolumeClaim,
  old: PersistentVolumeClaim,
  spec: PersistentVolumeClaimSpec,
  before: PersistentVolumeClaimSpec,
  errors: FieldError[],
): void {
  const mine = claim.metadata?.annotations?.[betaClass];
  const theirs = old.metadata?.annotations?.[betaClass];
  const given = claim.spec?.storageClassName;
  const had = old.spec?.storageClassName;
  const unset = had === undefined && given !== undefined;
  if (unset && theirs !== undefined && given === theirs && (mine === undefined || mine === theirs)) {
    delete spec.storageClassName;
    return;
  }
  if ((mine ?? "") !== (theirs ?? ""))
    errors.push(invalid(`metadata.annotations.${betaClass}`, mine ?? "", immutableText));
  if (unset && (theirs === undefined || given === theirs)) delete spec.storageClassName;
  if (had !== undefined) before.storageClassName = had;
}

/** A claim's spec is immutable, except for its binding, a default class where it had none, and the size of a bound one. */
export function validateClaimUpdate(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] {
  const errors: FieldError[] = [];
  validateClaimSpec(claim.spec ?? {}, "spec", errors, old.spec);
  const spec: PersistentVolumeClaimSpec = { ...claim.spec };
  const before: PersistentVolumeClaimSpec = { ...old.spec };
  normalizeDataSources(before, old.spec);
  if (!before.volumeName && spec.volumeName) before.volumeName = spec.volumeName;
  allowClass(claim, old, spec, before, errors);
  const had = old.spec?.resources?.requests?.["storage"] ?? "0";
  const wanted = claim.spec?.resources?.requests?.["storage"] ?? "0";
  if (claim.status?.phase === "Bound") {
    if (spec.resources?.requests)
      spec.resources = { ...spec.resources, requests: { ...spec.resources.requests, storage: had } };
    if (before.volumeAttributesClassName === undefined) delete spec.volumeAttributesClassName;
    else spec.volumeAttributesClassName = before.volumeAttributesClassName;
  }
  if (!deepEqual(spec, before)) {
    const difference = internalDifference("core.PersistentVolumeClaimSpec", before, spec);
    const text = `spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n${difference}`;
    errors.push(forbidden("spec", text));
  }
  // A pending expansion may be reduced, but must stay above the capacity.
  if (compareQuantity(wanted, had) < 0) {
    const capacity = old.status?.capacity?.["storage"] ?? "0";
    if (compareQuantity(wanted, capacity) <= 0)
      errors.push(forbidden("spec.resources.requests.storage", "field can not be less than status.capacity"));
  }
  immutable("volumeMode", claim.spec?.volumeMode, old.spec?.volumeMode, errors);
  const attributes = claim.spec?.volumeAttributesClassName;
  if (old.status?.currentVolumeAttributesClassName !== undefined && !attributes) {
    const what = attributes === undefined ? "nil" : "empty string";
    if (old.spec?.volumeAttributesClassName !== attributes) {
      const text = `update to ${what} is forbidden when status.currentVolumeAttributesClassName is not nil`;
      errors.push(forbidden("spec.volumeAttributesClassName", text));
    }
  }
  return errors;
}

const resizeStates = [
  "ControllerResizeInProgress",
  "ControllerResizeInfeasible",
  "NodeResizeInProgress",
  "NodeResizeInfeasible",
  "NodeResizePending",
].sort();

/** Only storage resources of Kubernetes itself can be resized. */
function resourceKey(name: string, path: string, errors: FieldError[]): boolean {
  const before = errors.length;
  for (const text of isQualifiedName(name)) errors.push(invalid(path, name, text));
  const native = !name.includes("/") || name.includes("kubernetes.io/");
  if (errors.length === before && native && name !== "storage")
    errors.push(notSupported(path, name, ["storage"]));
  return errors.length === before;
}

export function validateClaimStatus(claim: PersistentVolumeClaim): FieldError[] {
  const errors: FieldError[] = [];
  const { capacity, allocatedResourceStatuses: states, allocatedResources } = claim.status ?? {};
  if (!claim.spec?.accessModes?.length) errors.push(required("Spec.accessModes"));
  for (const name in capacity) basicQuantity(capacity[name] as string, `status.capacity[${name}]`, errors);
  for (const name in states) {
    resourceKey(name, "status.allocatedResourceStatuses", errors);
    if (!resizeStates.includes(states[name] as string))
      errors.push(notSupported("status.allocatedResourceStatuses", name, resizeStates));
  }
  for (const name in allocatedResources) {
    if (!resourceKey(name, "status.allocatedResources", errors)) continue;
    basicQuantity(allocatedResources[name] as string, `status.allocatedResources[${name}]`, errors);
  }
  return errors;
}

export function claimWarnings({ metadata, spec }: PersistentVolumeClaim): string[] {
  return [
    ...(metadata?.annotations?.[betaClass] === undefined
      ? []
      : [
          `metadata.annotations[${betaClass}]: deprecated since v1.8; use "storageClassName" attribute instead`,
        ]),
    ...claimSpecWarnings("spec", spec ?? {}),
  ];
}

const oldVolumes = [
  ["cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"],
  ["photonPersistentDisk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"],
  ["scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"],
  ["storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+"],
  ["glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+"],
  ["rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+"],
] as const;

export function volumeWarnings({ metadata, spec }: PersistentVolume): string[] {
  const warnings: string[] = [];
  for (const [key, text] of [
    [betaClass, 'deprecated since v1.8; use "storageClassName" attribute instead'],
    [mountOptions, 'deprecated since v1.31; use "mountOptions" attribute instead'],
  ] as const) {
    if (metadata?.annotations?.[key] !== undefined) warnings.push(`metadata.annotations[${key}]: ${text}`);
  }
  if (spec?.persistentVolumeReclaimPolicy === "Recycle") {
    warnings.push(
      "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.",
    );
  }
  spec?.nodeAffinity?.required?.nodeSelectorTerms?.forEach(({ matchExpressions = [] }, i) => {
    matchExpressions.forEach(({ key }, k) => {
      const text = oldNodeLabels[key];
      const at = `spec.nodeAffinity.required.nodeSelectorTerms[${i}].matchExpressions[${k}].key`;
      if (text) warnings.push(`${at}: ${key} is ${text}`);
    });
  });
  for (const [member, shown, text] of oldVolumes) {
    if (spec?.[member] !== undefined) warnings.push(`spec.${shown}: ${text}`);
  }
  return warnings;
}
