/** Volumes of pods and their mounts. */
import {
  compareQuantity,
  duplicate,
  forbidden,
  invalid,
  isConfigMapKey,
  isDns1123Label,
  isDns1123Subdomain,
  notFound,
  notSupported,
  required,
} from "../../../machinery/index.ts";
import type { FieldError } from "../../definition.ts";
import type {
  Container,
  DownwardAPIVolumeFile,
  KeyToPath,
  Volume,
  VolumeProjection,
} from "../../generated/types.ts";
import { validateFieldRef, validateResourceRef, volumeFields } from "./environment.ts";

const modeText = "must be a number between 0 and 0777 (octal), both inclusive";
const hostPathTypes = [
  "",
  "BlockDevice",
  "CharDevice",
  "Directory",
  "DirectoryOrCreate",
  "File",
  "FileOrCreate",
  "Socket",
];
const severalText = "may not specify more than 1 volume type";

export function validateMode(mode: number | undefined, path: string, errors: FieldError[]): void {
  if (mode !== undefined && (mode < 0 || mode > 0o777)) errors.push(invalid(path, mode, modeText));
}

/** A path inside a volume: relative and without `..`. */
export function validateInnerPath(value: string, path: string, errors: FieldError[]): void {
  if (value.startsWith("/")) errors.push(invalid(path, value, "must be a relative path"));
  if (value.split("/").includes("..")) errors.push(invalid(path, value, "must not contain '..'"));
}

function validateItems(items: readonly KeyToPath[] | undefined, path: string, errors: FieldError[]): void {
  for (const [i, item] of (items ?? []).entries()) {
    const here = `${path}[${i}]`;
    if (!item.key) errors.push(required(`${here}.key`));
    else for (const text of isConfigMapKey(item.key)) errors.push(invalid(`${here}.key`, item.key, text));
    if (!item.path) errors.push(required(`${here}.path`));
    else validateInnerPath(item.path, `${here}.path`, errors);
    validateMode(item.mode, `${here}.mode`, errors);
  }
}

function validateDownward(
  items: readonly DownwardAPIVolumeFile[] | undefined,
  path: string,
  errors: FieldError[],
): void {
  for (const [i, file] of (items ?? []).entries()) {
    const here = `${path}.items[${i}]`;
    if (!file.path) errors.push(required(`${here}.path`));
    else validateInnerPath(file.path, `${here}.path`, errors);
    if (file.fieldRef) {
      validateFieldRef(file.fieldRef, volumeFields, `${here}.fieldRef`, errors);
      if (file.resourceFieldRef) {
        errors.push(
          invalid(here, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously"),
        );
      }
    } else if (file.resourceFieldRef)
      validateResourceRef(file.resourceFieldRef, true, `${here}.resourceFieldRef`, errors);
    else errors.push(required(here, "one of fieldRef and resourceFieldRef is required"));
    validateMode(file.mode, `${here}.mode`, errors);
  }
}

function validateProjection(source: VolumeProjection, path: string, errors: FieldError[]): void {
  let found = 0;
  for (const name in source) {
    if (source[name as keyof VolumeProjection] !== undefined && found++ > 0) {
      errors.push(forbidden(`${path}.${name}`, "may not specify more than 1 volume type per source"));
    }
  }
  for (const name of ["secret", "configMap"] as const) {
    const ref = source[name];
    if (!ref) continue;
    if (!ref.name) errors.push(required(`${path}.${name}.name`));
    validateItems(ref.items, `${path}.${name}.items`, errors);
  }
  if (source.downwardAPI) validateDownward(source.downwardAPI.items, `${path}.downwardAPI`, errors);
  const token = source.serviceAccountToken;
  if (token) {
    const here = `${path}.serviceAccountToken`;
    const seconds = token.expirationSeconds ?? 3600;
    if (seconds < 600) {
      errors.push(
        invalid(`${here}.expirationSeconds`, seconds, "may not specify a duration less than 10 minutes"),
      );
    } else if (seconds > 2 ** 32) {
      errors.push(
        invalid(`${here}.expirationSeconds`, seconds, "may not specify a duration larger than 2^32 seconds"),
      );
    }
    if (!token.path) errors.push(required(`${here}.path`));
    else validateInnerPath(token.path, `${here}.path`, errors);
  }
}

function validateSource(volume: Volume, path: string, errors: FieldError[]): void {
  let found = 0;
  for (const name in volume) {
    if (name === "name" || volume[name as keyof Volume] === undefined) continue;
    if (found++ > 0) errors.push(forbidden(`${path}.${name}`, severalText));
  }
  if (found === 0) errors.push(required(path, "must specify a volume type"));
  const limit = volume.emptyDir?.sizeLimit;
  if (limit !== undefined && compareQuantity(limit, "0") < 0) {
    errors.push(forbidden(`${path}.emptyDir.sizeLimit`, "SizeLimit field must be a valid resource quantity"));
  }
  if (volume.hostPath) {
    const here = `${path}.hostPath`;
    if (!volume.hostPath.path) errors.push(required(`${here}.path`));
    else if (volume.hostPath.path.split("/").includes("..")) {
      errors.push(invalid(`${here}.path`, volume.hostPath.path, "must not contain '..'"));
    }
    if (!hostPathTypes.includes(volume.hostPath.type ?? "")) {
      errors.push(notSupported(`${here}.type`, volume.hostPath.type, hostPathTypes));
    }
  }
  if (volume.secret) {
    if (!volume.secret.secretName) errors.push(required(`${path}.secret.secretName`));
    validateMode(volume.secret.defaultMode, `${path}.secret.defaultMode`, errors);
    validateItems(volume.secret.items, `${path}.secret.items`, errors);
  }
  if (volume.configMap) {
    if (!volume.configMap.name) errors.push(required(`${path}.configMap.name`));
    validateMode(volume.configMap.defaultMode, `${path}.configMap.defaultMode`, errors);
    validateItems(volume.configMap.items, `${path}.configMap.items`, errors);
  }
  if (volume.downwardAPI) {
    validateMode(volume.downwardAPI.defaultMode, `${path}.downwardAPI.defaultMode`, errors);
    validateDownward(volume.downwardAPI.items, `${path}.downwardAPI`, errors);
  }
  if (volume.projected) {
    validateMode(volume.projected.defaultMode, `${path}.projected.defaultMode`, errors);
    for (const [i, source] of (volume.projected.sources ?? []).entries()) {
      validateProjection(source, `${path}.projected.sources[${i}]`, errors);
    }
  }
  if (volume.persistentVolumeClaim && !volume.persistentVolumeClaim.claimName) {
    errors.push(required(`${path}.persistentVolumeClaim.claimName`));
  }
  if (volume.nfs) {
    if (!volume.nfs.server) errors.push(required(`${path}.nfs.server`));
    if (!volume.nfs.path) errors.push(required(`${path}.nfs.path`));
    else if (!volume.nfs.path.startsWith("/")) {
      errors.push(invalid(`${path}.nfs.path`, volume.nfs.path, "must be an absolute path"));
    }
  }
  if (volume.csi && !volume.csi.driver) errors.push(required(`${path}.csi.driver`));
  if (volume.csi?.driver) {
    for (const text of isDns1123Subdomain(volume.csi.driver.toLowerCase())) {
      errors.push(invalid(`${path}.csi.driver`, volume.csi.driver, text));
    }
  }
  if (volume.ephemeral && !volume.ephemeral.volumeClaimTemplate) {
    errors.push(required(`${path}.ephemeral.volumeClaimTemplate`));
  }
  if (volume.image && !volume.image.reference) errors.push(required(`${path}.image.reference`));
}

/** Names of the volumes that may be mounted. */
export function validateVolumes(
  volumes: readonly Volume[] | undefined,
  path: string,
  errors: FieldError[],
): Set<string> {
  const names = new Set<string>();
  for (const [i, volume] of (volumes ?? []).entries()) {
    const here = `${path}[${i}]`;
    const before = errors.length;
    validateSource(volume, here, errors);
    if (!volume.name) errors.push(required(`${here}.name`));
    else {
      for (const text of isDns1123Label(volume.name)) errors.push(invalid(`${here}.name`, volume.name, text));
      if (names.has(volume.name)) errors.push(duplicate(`${here}.name`, volume.name));
    }
    // Only a volume that is in order can be found by mounts, as in Kubernetes.
    if (errors.length === before) names.add(volume.name);
  }
  return names;
}

export function validateMounts(
  container: Container,
  volumes: ReadonlySet<string>,
  path: string,
  errors: FieldError[],
): void {
  const places = new Set<string>();
  const devices = container.volumeDevices ?? [];
  const deviceNames = new Set(devices.map((device) => device.name));
  const devicePaths = new Set(devices.map((device) => device.devicePath));
  for (const [i, mount] of (container.volumeMounts ?? []).entries()) {
    const here = `${path}.volumeMounts[${i}]`;
    if (!mount.name) errors.push(required(`${here}.name`));
    if (!volumes.has(mount.name)) errors.push(notFound(`${here}.name`, mount.name ?? ""));
    if (!mount.mountPath) errors.push(required(`${here}.mountPath`));
    if (places.has(mount.mountPath))
      errors.push(invalid(`${here}.mountPath`, mount.mountPath, "must be unique"));
    places.add(mount.mountPath);
    if (deviceNames.has(mount.name)) {
      errors.push(invalid(`${here}.name`, mount.name, "must not already exist in volumeDevices"));
    }
    if (devicePaths.has(mount.mountPath)) {
      errors.push(
        invalid(`${here}.mountPath`, mount.mountPath, "must not already exist as a path in volumeDevices"),
      );
    }
    if (mount.subPath) validateInnerPath(mount.subPath, `${here}.subPath`, errors);
    if (mount.subPathExpr) {
      if (mount.subPath) {
        errors.push(
          invalid(`${here}.subPathExpr`, mount.subPathExpr, "subPathExpr and subPath are mutually exclusive"),
        );
      }
      validateInnerPath(mount.subPathExpr, `${here}.subPathExpr`, errors);
    }
    validatePropagation(mount.mountPropagation, container, `${here}.mountPropagation`, errors);
  }
  for (const [i, device] of devices.entries()) {
    const here = `${path}.volumeDevices[${i}]`;
    if (!device.name) errors.push(required(`${here}.name`));
    else if (!volumes.has(device.name)) errors.push(notFound(`${here}.name`, device.name));
    if (!device.devicePath) errors.push(required(`${here}.devicePath`));
  }
}

const propagations = ["Bidirectional", "HostToContainer", "None"];

function validatePropagation(
  propagation: string | undefined,
  container: Container,
  path: string,
  errors: FieldError[],
): void {
  if (propagation === undefined) return;
  if (!propagations.includes(propagation)) errors.push(notSupported(path, propagation, propagations));
  if (propagation === "Bidirectional" && !container.securityContext?.privileged) {
    errors.push(
      forbidden(path, "Bidirectional mount propagation is available only to privileged containers"),
    );
  }
}
