/** What the CSI kinds, VolumeAttachment and VolumeAttributesClass may hold. */
import {
  byteLength,
  compareQuantity,
  deepEqual,
  duplicate,
  forbidden,
  invalid,
  isDns1123Subdomain,
  isQualifiedName,
  notSupported,
  required,
  tooLong,
} from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import type {
  CSIDriver,
  CSINode,
  CSINodeDriver,
  CSIStorageCapacity,
  PersistentVolumeSpec,
  StorageV1TokenRequest,
  VolumeAttachment,
  VolumeAttributesClass,
  VolumeError,
} from "../generated/types.ts";
import { publishedForm, internalForm } from "../internal-form.ts";
import { validateModes } from "../core/claim-spec.ts";
import { validateSources } from "../core/volume.ts";
import { immutable, immutableText, validateLabelSelector } from "../metadata.ts";
import { validateParameters, validateProvisioner } from "./storage-class.ts";

function subdomain(value: string | undefined, path: string, errors: FieldError[]): void {
  for (const text of isDns1123Subdomain(value ?? "")) errors.push(invalid(path, value ?? "", text));
}

const longestDriverName = 63;

function driverName(value: string | undefined, path: string, errors: FieldError[]): void {
  if (!value) {
    errors.push(required(path));
    return;
  }
  if (value.length > longestDriverName) errors.push(tooLong(path, longestDriverName));
  for (const text of isDns1123Subdomain(value.toLowerCase())) errors.push(invalid(path, value, text));
}

const groupPolicies = ["File", "None", "ReadWriteOnceWithFSType"];
const lifecycleModes = ["Persistent", "Ephemeral"];

const shortestToken = 600;
const longestToken = 2 ** 32;
const shortestUpdatePeriod = 10;

function validateTokenRequests(requests: readonly StorageV1TokenRequest[], errors: FieldError[]): void {
  const audiences = new Set<string>();
  for (const [i, { audience = "", expirationSeconds }] of requests.entries()) {
    const path = `spec.tokenRequests[${i}]`;
    if (audiences.has(audience)) {
      errors.push(duplicate(`${path}.audience`, audience));
      continue;
    }
    audiences.add(audience);
    const say = (text: string): void =>
      void errors.push(invalid(`${path}.expirationSeconds`, expirationSeconds, text));
    if (expirationSeconds === undefined) continue;
    if (expirationSeconds < shortestToken) say("may not specify a duration less than 10 minutes");
    if (expirationSeconds > longestToken) say("may not specify a duration larger than 2^32 seconds");
  }
}

export function validateDriver(driver: CSIDriver): FieldError[] {
  const errors: FieldError[] = [];
  const { fsGroupPolicy, tokenRequests = [], volumeLifecycleModes = [], ...spec } = driver.spec ?? {};
  if (fsGroupPolicy !== undefined && !groupPolicies.includes(fsGroupPolicy))
    errors.push(notSupported("spec.fsGroupPolicy", fsGroupPolicy, groupPolicies));
  validateTokenRequests(tokenRequests, errors);
  for (const mode of volumeLifecycleModes) {
    if (!lifecycleModes.includes(mode))
      errors.push(notSupported("spec.volumeLifecycleModes", mode, lifecycleModes));
  }
  const period = spec.nodeAllocatableUpdatePeriodSeconds;
  if (period !== undefined && period < shortestUpdatePeriod) {
    const text = "must be greater than or equal to 10 seconds";
    errors.push(invalid("spec.nodeAllocatableUpdatePeriodSeconds", period, text));
  }
  const inSecrets = spec.serviceAccountTokenInSecrets;
  if (inSecrets !== undefined && tokenRequests.length === 0) {
    const text = "serviceAccountTokenInSecrets is set but no tokenRequests are specified";
    errors.push(invalid("spec.serviceAccountTokenInSecrets", inSecrets, text));
  }
  return errors;
}

export function validateDriverUpdate({ spec }: CSIDriver, { spec: old }: CSIDriver): FieldError[] {
  const errors: FieldError[] = [];
  // The original names the field so.
  immutable("spec.attachedRequired", spec?.attachRequired, old?.attachRequired, errors);
  immutable("spec.volumeLifecycleModes", spec?.volumeLifecycleModes, old?.volumeLifecycleModes, errors);
  return errors;
}

const longestNodeId = 256;

export function validateCsiNode(node: CSINode): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [i, driver] of (node.spec?.drivers ?? []).entries()) {
    const path = `spec.drivers[${i}]`;
    driverName(driver.name, `${path}.name`, errors);
    if (!driver.nodeID) errors.push(required(`${path}.nodeID`));
    else if (byteLength(driver.nodeID) > longestNodeId) {
      const text = `must be ${longestNodeId} characters or less`;
      errors.push(invalid(`${path}.nodeID`, driver.nodeID, text));
    }
    const count = driver.allocatable?.count;
    if (count !== undefined && count < 0)
      errors.push(invalid(`${path}.allocatable.count`, count, "must be greater than or equal to 0"));
    if (names.has(driver.name)) errors.push(duplicate(`${path}.name`, driver.name));
    names.add(driver.name);
    const keys = new Set<string>();
    for (const key of driver.topologyKeys ?? []) {
      if (key === "") errors.push(required(path));
      if (keys.has(key)) errors.push(duplicate(path, key));
      keys.add(key);
      for (const text of isQualifiedName(key)) errors.push(invalid(path, key, text));
    }
  }
  return errors;
}

/** What a driver says of itself stays, but for how many volumes it can attach. */
export function validateCsiNodeUpdate(node: CSINode, old: CSINode): FieldError[] {
  const errors: FieldError[] = [];
  const fixed = ({ allocatable: _, ...driver }: CSINodeDriver): object => driver;
  for (const before of old.spec?.drivers ?? [])
    for (const now of node.spec?.drivers ?? [])
      if (now.name === before.name && !deepEqual(fixed(now), fixed(before))) {
        const shown = internalForm("storage.CSINodeDriver", fixed(now));
        errors.push(invalid("spec.drivers", shown, immutableText));
      }
  return errors;
}

export function validateStorageCapacity(given: CSIStorageCapacity): FieldError[] {
  const errors: FieldError[] = [];
  validateLabelSelector(given.nodeTopology, "nodeTopology", errors);
  subdomain(given.storageClassName, "storageClassName", errors);
  if (given.capacity !== undefined && compareQuantity(given.capacity, "0") < 0)
    errors.push(invalid("capacity", given.capacity, "must be greater than or equal to 0"));
  return errors;
}

export function validateStorageCapacityUpdate(
  given: CSIStorageCapacity,
  old: CSIStorageCapacity,
): FieldError[] {
  const errors: FieldError[] = [];
  if (!deepEqual(given.nodeTopology, old.nodeTopology)) {
    const shown =
      given.nodeTopology &&
      publishedForm("io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector", given.nodeTopology);
    errors.push(invalid("nodeTopology", shown, immutableText));
  }
  immutable("storageClassName", given.storageClassName ?? "", old.storageClassName ?? "", errors);
  return errors;
}

const largestMetadata = 256 * 1024;
const longestMessage = 1024;

function validateVolumeError(error: VolumeError | undefined, path: string, errors: FieldError[]): void {
  // The original names the limit of the metadata here.
  if (byteLength(error?.message ?? "") > longestMessage)
    errors.push(tooLong(`${path}.message`, largestMetadata));
  if ((error?.errorCode ?? 0) < 0) {
    const text = "must be between 0 and 2147483647, inclusive";
    errors.push(invalid(`${path}.errorCode`, error?.errorCode, text));
  }
}

export function validateAttachment(attachment: VolumeAttachment): FieldError[] {
  const errors: FieldError[] = [];
  const spec: Partial<VolumeAttachment["spec"]> = attachment.spec ?? {};
  const { attacher, nodeName } = spec;
  driverName(attacher, "spec.attacher", errors);
  const { inlineVolumeSpec: inline, persistentVolumeName: name } = spec.source ?? {};
  const rule = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
  if (!inline && name === undefined) errors.push(required("spec.source", rule));
  else if (inline && name !== undefined) errors.push(forbidden("spec.source", rule));
  else if (name === "")
    errors.push(required("spec.source.persistentVolumeName", "must specify non empty persistentVolumeName"));
  else if (inline) validateInlineVolume(inline, "spec.source.inlineVolumeSpec", errors);
  subdomain(nodeName, "spec.nodeName", errors);
  const { attachmentMetadata = {}, attachError, detachError } = attachment.status ?? {};
  let size = 0;
  for (const [key, value] of Object.entries(attachmentMetadata)) size += byteLength(key) + byteLength(value);
  if (size > largestMetadata) errors.push(tooLong("status.attachmentMetadata", largestMetadata));
  validateVolumeError(attachError, "status.attachError", errors);
  validateVolumeError(detachError, "status.detachError", errors);
  if (name !== undefined) subdomain(name, "spec.source.persistentVolumeName", errors);
  return errors;
}

export function validateAttachmentUpdate(attachment: VolumeAttachment, old: VolumeAttachment): FieldError[] {
  if (deepEqual(attachment.spec, old.spec)) return [];
  const shown = internalForm("storage.VolumeAttachmentSpec", attachment.spec ?? {});
  return [invalid("spec", shown, immutableText)];
}

/** What stands for a volume of a pod's own: a CSI volume without what only PersistentVolumes have. */
function validateInlineVolume(spec: PersistentVolumeSpec, path: string, errors: FieldError[]): void {
  const never = "may not be specified in the context of inline volumes";
  if (spec.claimRef) errors.push(forbidden(`${path}.claimRef`, never));
  if (Object.keys(spec.capacity ?? {}).length > 0) errors.push(forbidden(`${path}.capacity`, never));
  if (!spec.csi) errors.push(required(`${path}.csi`, "has to be specified in the context of inline volumes"));
  if (!spec.accessModes?.length) errors.push(required(`${path}.accessModes`));
  validateModes(spec.accessModes, `${path}.accessModes`, errors);
  if (spec.persistentVolumeReclaimPolicy && spec.persistentVolumeReclaimPolicy !== "Retain") {
    const text = "may only be Retain in the context of inline volumes";
    errors.push(forbidden(`${path}.persistentVolumeReclaimPolicy`, text));
  }
  if (spec.nodeAffinity) errors.push(forbidden(`${path}.nodeAffinity`, never));
  validateSources(spec, "", errors, path);
  if (spec.storageClassName) errors.push(forbidden(`${path}.storageClassName`, never));
  if (spec.volumeMode !== undefined && spec.volumeMode !== "Filesystem") {
    const text = "may not specify volumeMode other than Filesystem in the context of inline volumes";
    errors.push(forbidden(`${path}.volumeMode`, text));
  }
}

export function validateAttributesClass(given: VolumeAttributesClass): FieldError[] {
  const errors: FieldError[] = [];
  validateProvisioner(given.driverName, "driverName", errors);
  validateParameters(given.parameters, "parameters", errors);
  if (Object.keys(given.parameters ?? {}).length === 0)
    errors.push(required("parameters", "must contain at least one key/value pair"));
  return errors;
}

export function validateAttributesClassUpdate(
  given: VolumeAttributesClass,
  old: VolumeAttributesClass,
): FieldError[] {
  const errors: FieldError[] = [];
  if (given.driverName !== old.driverName)
    errors.push(forbidden("driverName", "updates to driverName are forbidden."));
  if (!deepEqual(given.parameters, old.parameters))
    errors.push(forbidden("parameters", "updates to parameters are forbidden."));
  return errors;
}
