/** PersistentVolume and PersistentVolumeClaim: defaults and rules. */
import {
  compareQuantity,
  deepEqual,
  forbidden,
  invalid,
  isDns1123Subdomain,
  notSupported,
  parseQuantity,
  required,
} from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import type {
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
} from "../generated/types.ts";
import { immutable, validateLabelSelector } from "../metadata.ts";
import { oldNodeLabels } from "../old-node-labels.ts";
import { validateNodeSelector } from "./pod/placement.ts";
import { claimSpecWarnings } from "./pod/warnings.ts";

const accessModes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
const reclaimPolicies = ["Delete", "Recycle", "Retain"];
const volumeModes = ["Block", "Filesystem"];
/** Members of a PersistentVolume's spec that are not the place its data is. */
const ordinary = new Set([
  "accessModes",
  "capacity",
  "claimRef",
  "mountOptions",
  "nodeAffinity",
  "persistentVolumeReclaimPolicy",
  "storageClassName",
  "volumeAttributesClassName",
  "volumeMode",
]);

/** Finalizers that keep what is in use; the protection controller takes them off. */
export const volumeProtection = "kubernetes.io/pv-protection";
export const claimProtection = "kubernetes.io/pvc-protection";

function validateModes(
  modes: readonly string[] | undefined,
  path: string,
  emptyText: string,
  errors: FieldError[],
): void {
  if (!modes?.length) errors.push(required(path, emptyText));
  for (const mode of modes ?? [])
    if (!accessModes.includes(mode)) errors.push(notSupported(path, mode, accessModes));
  if (modes && modes.length > 1 && modes.includes("ReadWriteOncePod")) {
    errors.push(forbidden(path, "may not use ReadWriteOncePod with other access modes"));
  }
}

export function defaultVolume(volume: PersistentVolume): void {
  volume.status ??= {};
  volume.status.phase ||= "Pending";
  if (!volume.spec) return;
  volume.spec.persistentVolumeReclaimPolicy ||= "Retain";
  volume.spec.volumeMode ??= "Filesystem";
  if (volume.spec.hostPath) volume.spec.hostPath.type ??= "";
}

/** Volumes that are mounted with options. */
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

export function validateVolume(volume: PersistentVolume): FieldError[] {
  const errors: FieldError[] = [];
  const spec = volume.spec ?? {};
  validateModes(spec.accessModes, "spec.accessModes", "", errors);
  const capacity = Object.keys(spec.capacity ?? {});
  if (capacity.length === 0) errors.push(required("spec.capacity"));
  else if (!capacity.includes("storage") || capacity.length > 1) {
    errors.push(notSupported("spec.capacity", spec.capacity, ["storage"]));
  }
  for (const name of capacity) {
    const value = spec.capacity?.[name] ?? "0";
    if (parseQuantity(value).nanos <= 0n)
      errors.push(invalid(`spec.capacity[${name}]`, value, "must be greater than zero"));
  }
  const reclaim = spec.persistentVolumeReclaimPolicy;
  if (reclaim && !reclaimPolicies.includes(reclaim)) {
    errors.push(notSupported("spec.persistentVolumeReclaimPolicy", reclaim, reclaimPolicies));
  }
  if (spec.nodeAffinity) {
    if (!spec.nodeAffinity.required)
      errors.push(required("spec.nodeAffinity.required", "must specify required node constraints"));
    else validateNodeSelector(spec.nodeAffinity.required, "spec.nodeAffinity.required", errors);
  }
  const sources = Object.keys(spec).filter((name) => !ordinary.has(name));
  if (sources.length === 0) errors.push(required("spec", "must specify a volume type"));
  for (const name of sources.slice(1)) {
    errors.push(forbidden(`spec.${name}`, "may not specify more than 1 volume type"));
  }
  if (spec.hostPath) {
    if (!spec.hostPath.path) errors.push(required("spec.hostPath.path"));
    else if (spec.hostPath.path.split("/").includes("..")) {
      errors.push(invalid("spec.hostPath.path", spec.hostPath.path, "must not contain '..'"));
    }
    if (spec.hostPath.path === "/" && reclaim === "Recycle") {
      errors.push(
        forbidden("spec.persistentVolumeReclaimPolicy", "may not be 'recycle' for a hostPath mount of '/'"),
      );
    }
  }
  if (spec.local) {
    if (!spec.local.path) errors.push(required("spec.local.path"));
    if (!spec.nodeAffinity) errors.push(required("spec.nodeAffinity", "Local volume requires node affinity"));
  }
  if (spec.csi && !spec.csi.driver) errors.push(required("spec.csi.driver"));
  if (spec.csi && !spec.csi.volumeHandle) errors.push(required("spec.csi.volumeHandle"));
  if (spec.storageClassName) {
    for (const text of isDns1123Subdomain(spec.storageClassName)) {
      errors.push(invalid("spec.storageClassName", spec.storageClassName, text));
    }
  }
  if (spec.volumeMode !== undefined && !volumeModes.includes(spec.volumeMode)) {
    errors.push(notSupported("spec.volumeMode", spec.volumeMode, volumeModes));
  }
  const options = "volume.beta.kubernetes.io/mount-options";
  if (volume.metadata?.annotations?.[options] !== undefined && !mountable.some((type) => spec[type])) {
    errors.push(
      forbidden(`metadata.annotations.${options}`, "may not specify mount options for this volume type"),
    );
  }
  return errors;
}

export function validateVolumeUpdate(volume: PersistentVolume, old: PersistentVolume): FieldError[] {
  const errors: FieldError[] = [];
  const source = (each: PersistentVolume): [string, unknown][] =>
    Object.entries(each.spec ?? {}).filter(([name]) => !ordinary.has(name));
  const mine = Object.fromEntries(source(volume));
  const theirs = Object.fromEntries(source(old));
  if (!deepEqual(mine, theirs)) {
    errors.push(
      forbidden(
        "spec.persistentvolumesource",
        `spec.persistentvolumesource is immutable after creation\n- ${JSON.stringify(theirs)}\n+ ${JSON.stringify(mine)}`,
      ),
    );
  }
  immutable("volumeMode", volume.spec?.volumeMode, old.spec?.volumeMode, errors);
  if (old.spec?.nodeAffinity)
    immutable("nodeAffinity", volume.spec?.nodeAffinity, old.spec.nodeAffinity, errors);
  return errors;
}

export function defaultClaimSpec(spec: PersistentVolumeClaimSpec): void {
  spec.volumeMode ??= "Filesystem";
  spec.resources ??= {};
}

export function defaultClaim(claim: PersistentVolumeClaim): void {
  claim.status ??= {};
  claim.status.phase ||= "Pending";
  if (claim.spec) defaultClaimSpec(claim.spec);
}

export function validateClaimSpec(spec: PersistentVolumeClaimSpec, path: string, errors: FieldError[]): void {
  validateModes(spec.accessModes, `${path}.accessModes`, "at least 1 access mode is required", errors);
  validateLabelSelector(spec.selector, `${path}.selector`, errors);
  const storage = spec.resources?.requests?.["storage"];
  if (storage === undefined) errors.push(required(`${path}.resources[storage]`));
  else if (parseQuantity(storage).nanos <= 0n) {
    errors.push(invalid(`${path}.resources[storage]`, storage, "must be greater than zero"));
  }
  if (spec.storageClassName) {
    for (const text of isDns1123Subdomain(spec.storageClassName)) {
      errors.push(invalid(`${path}.storageClassName`, spec.storageClassName, text));
    }
  }
  if (spec.volumeMode !== undefined && !volumeModes.includes(spec.volumeMode)) {
    errors.push(notSupported(`${path}.volumeMode`, spec.volumeMode, volumeModes));
  }
}

export function validateClaim(claim: PersistentVolumeClaim): FieldError[] {
  const errors: FieldError[] = [];
  validateClaimSpec(claim.spec ?? {}, "spec", errors);
  return errors;
}

/** A claim's spec stays: only its binding is filled in once, a default class where it had none, and a bound one grows. */
export function validateClaimUpdate(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] {
  const errors: FieldError[] = [];
  const spec = claim.spec ?? {};
  const before = old.spec ?? {};
  const allowed: PersistentVolumeClaimSpec = { ...spec };
  if (!before.volumeName) delete allowed.volumeName;
  if (before.storageClassName === undefined && !before.volumeName) delete allowed.storageClassName;
  const bound = old.status?.phase === "Bound";
  const wanted = spec.resources?.requests?.["storage"];
  const had = before.resources?.requests?.["storage"];
  if (bound) {
    if (before.resources) allowed.resources = before.resources;
    else delete allowed.resources;
    if (before.volumeAttributesClassName === undefined) delete allowed.volumeAttributesClassName;
    else allowed.volumeAttributesClassName = before.volumeAttributesClassName;
  }
  const { volumeName, ...rest } = before;
  const fixed = volumeName ? before : rest;
  if (!deepEqual(allowed, fixed)) {
    errors.push(
      forbidden(
        "spec",
        "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n" +
          `- ${JSON.stringify(fixed)}\n+ ${JSON.stringify(allowed)}`,
      ),
    );
  } else if (bound && wanted && had && compareQuantity(wanted, had) < 0) {
    errors.push(forbidden("spec.resources.requests.storage", "field can not be less than previous value"));
  }
  return errors;
}

const betaClass = "volume.beta.kubernetes.io/storage-class";

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
    [
      "volume.beta.kubernetes.io/mount-options",
      'deprecated since v1.31; use "mountOptions" attribute instead',
    ],
  ] as const) {
    if (metadata?.annotations?.[key] !== undefined) warnings.push(`metadata.annotations[${key}]: ${text}`);
  }
  if (spec?.persistentVolumeReclaimPolicy === "Recycle") {
    warnings.push(
      "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.",
    );
  }
  spec?.nodeAffinity?.required?.nodeSelectorTerms.forEach(({ matchExpressions = [] }, i) => {
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
