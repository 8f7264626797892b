/** What the CSI kinds, VolumeAttachment and VolumeAttributesClass may hold. */
import {
  compareQuantity,
  duplicate,
  forbidden,
  invalid,
  isDns1123Subdomain,
  isQualifiedName,
  notSupported,
  required,
} from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import type {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  VolumeAttachment,
  VolumeAttributesClass,
} from "../generated/types.ts";
import { validateLabelSelector } from "../metadata.ts";

function subdomain(value: string | undefined, path: string, errors: FieldError[]): void {
  for (const text of isDns1123Subdomain(value ?? "")) errors.push(invalid(path, value ?? "", text));
}

const longestDriverName = 63;

function driverName(value: string | undefined, path: string, errors: FieldError[]): void {
  if (!value) {
    errors.push(required(path));
    return;
  }
  if (value.length > longestDriverName) {
    errors.push({
      reason: "FieldValueTooLong",
      field: path,
      message: `Too long: may not be more than ${longestDriverName} bytes`,
    });
  }
  for (const text of isDns1123Subdomain(value.toLowerCase())) errors.push(invalid(path, value, text));
}

const groupPolicies = ["File", "None", "ReadWriteOnceWithFSType"];
const lifecycleModes = ["Persistent", "Ephemeral"];

export function validateDriver(driver: CSIDriver): FieldError[] {
  const errors: FieldError[] = [];
  const { fsGroupPolicy, tokenRequests = [], volumeLifecycleModes = [] } = driver.spec ?? {};
  if (fsGroupPolicy !== undefined && !groupPolicies.includes(fsGroupPolicy))
    errors.push(notSupported("spec.fsGroupPolicy", fsGroupPolicy, groupPolicies));
  const audiences = new Set<string>();
  for (const [i, { audience }] of tokenRequests.entries()) {
    if (audiences.has(audience)) errors.push(duplicate(`spec.tokenRequests[${i}].audience`, audience));
    audiences.add(audience);
  }
  for (const mode of volumeLifecycleModes) {
    if (!lifecycleModes.includes(mode))
      errors.push(notSupported("spec.volumeLifecycleModes", mode, lifecycleModes));
  }
  return errors;
}

export function validateCsiNode(node: CSINode): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [i, driver] of (node.spec?.drivers ?? []).entries()) {
    const path = `spec.drivers[${i}]`;
    driverName(driver.name, `${path}.name`, errors);
    if (!driver.nodeID) errors.push(required(`${path}.nodeID`));
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

export function validateStorageCapacity(each: CSIStorageCapacity): FieldError[] {
  const errors: FieldError[] = [];
  subdomain(each.storageClassName, "storageClassName", errors);
  validateLabelSelector(each.nodeTopology, "nodeTopology", errors);
  if (each.capacity !== undefined && compareQuantity(each.capacity, "0") < 0)
    errors.push(invalid("capacity", each.capacity, "must be greater than or equal to 0"));
  return errors;
}

export function validateAttachment(attachment: VolumeAttachment): FieldError[] {
  const errors: FieldError[] = [];
  const spec: Partial<VolumeAttachment["spec"]> = attachment.spec ?? {};
  driverName(spec.attacher, "spec.attacher", errors);
  const { inlineVolumeSpec, persistentVolumeName } = spec.source ?? {};
  const rule = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
  if (!inlineVolumeSpec && persistentVolumeName === undefined) errors.push(required("spec.source", rule));
  if (inlineVolumeSpec && persistentVolumeName !== undefined) errors.push(forbidden("spec.source", rule));
  if (persistentVolumeName !== undefined)
    subdomain(persistentVolumeName, "spec.source.persistentVolumeName", errors);
  subdomain(spec.nodeName, "spec.nodeName", errors);
  return errors;
}

export function validateAttributesClass(each: VolumeAttributesClass): FieldError[] {
  const errors: FieldError[] = [];
  const name = (each.driverName ?? "").toLowerCase();
  if (name === "") errors.push(required("driverName"));
  else for (const text of isQualifiedName(name)) errors.push(invalid("driverName", name, text));
  const names = Object.keys(each.parameters ?? {});
  if (names.length === 0) errors.push(required("parameters", "must contain at least one key/value pair"));
  if (names.includes("")) errors.push(invalid("parameters", "", "field can not be empty."));
  return errors;
}
