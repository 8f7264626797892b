/** How containers use the pod's volumes: mounts and block devices. */
import { forbidden, invalid, notFound, notSupported, required } from "../../../machinery/index.ts";
import type { FieldError } from "../../definition.ts";
import type { Container, Volume, VolumeMount } from "../../generated/types.ts";
import { given } from "../../given.ts";
import { descending } from "../path-rules.ts";

const propagations = ["Bidirectional", "HostToContainer", "None"];
const recursions = ["Disabled", "Enabled", "IfPossible"];

/** Errors in a mount are reported for the list, without an index. */
function validateMount(
  mount: VolumeMount,
  container: Container,
  path: string,
  list: string,
  errors: FieldError[],
): void {
  if (mount.subPath) descending(mount.subPath, `${list}.subPath`, errors);
  if (mount.subPathExpr) {
    if (mount.subPath) {
      const text = "subPathExpr and subPath are mutually exclusive";
      errors.push(invalid(`${path}.subPathExpr`, mount.subPathExpr, text));
    }
    descending(mount.subPathExpr, `${list}.subPathExpr`, errors);
  }
  const { mountPropagation: propagation, recursiveReadOnly: recursion } = mount;
  if (propagation !== undefined) {
    const here = `${list}.mountPropagation`;
    if (!propagations.includes(propagation)) errors.push(notSupported(here, propagation, propagations));
    if (propagation === "Bidirectional" && !container.securityContext?.privileged) {
      const text = "Bidirectional mount propagation is available only to privileged containers";
      errors.push(forbidden(here, text));
    }
  }
  if (recursion === undefined || recursion === "Disabled") return;
  const here = `${list}.recursiveReadOnly`;
  if (!recursions.includes(recursion)) {
    errors.push(notSupported(here, recursion, recursions));
    return;
  }
  if (!mount.readOnly) errors.push(forbidden(here, "may only be specified when readOnly is true"));
  if (propagation !== undefined && propagation !== "None") {
    const text = "may only be specified when mountPropagation is None or not specified";
    errors.push(forbidden(here, text));
  }
}

export function validateMounts(
  container: Container,
  volumes: ReadonlyMap<string, Volume>,
  path: string,
  errors: FieldError[],
): void {
  const list = `${path}.volumeMounts`;
  const places = new Set<string>();
  const devices = new Map(
    (container.volumeDevices ?? []).map((each) => [each.name ?? "", each.devicePath ?? ""]),
  );
  for (const [i, mount] of (container.volumeMounts ?? []).entries()) {
    const here = `${list}[${i}]`;
    const { name = "", mountPath = "" } = given(mount);
    if (name === "") errors.push(required(`${here}.name`));
    if (!volumes.has(name)) errors.push(notFound(`${here}.name`, name));
    if (mountPath === "") errors.push(required(`${here}.mountPath`));
    if (places.has(mountPath)) errors.push(invalid(`${here}.mountPath`, mountPath, "must be unique"));
    places.add(mountPath);
    if (devices.has(name))
      errors.push(invalid(`${here}.name`, name, "must not already exist in volumeDevices"));
    if ([...devices.values()].includes(mountPath)) {
      const text = "must not already exist as a path in volumeDevices";
      errors.push(invalid(`${here}.mountPath`, mountPath, text));
    }
    validateMount(mount, container, here, list, errors);
  }
}

export function validateDevices(
  container: Container,
  volumes: ReadonlyMap<string, Volume>,
  path: string,
  errors: FieldError[],
): void {
  const mounts = new Map(
    (container.volumeMounts ?? []).map((each) => [each.name ?? "", each.mountPath ?? ""]),
  );
  const names = new Set<string>();
  const places = new Set<string>();
  for (const [i, device] of (container.volumeDevices ?? []).entries()) {
    const here = `${path}.volumeDevices[${i}]`;
    const { name = "", devicePath = "" } = given(device);
    const say = (field: "name" | "devicePath", text: string): void => {
      errors.push(invalid(`${here}.${field}`, field === "name" ? name : devicePath, text));
    };
    const volume = volumes.get(name);
    if (name === "") errors.push(required(`${here}.name`));
    if (names.has(name)) say("name", "must be unique");
    if (volume && !volume.persistentVolumeClaim && !volume.ephemeral)
      say("name", "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode");
    if (!volume) errors.push(notFound(`${here}.name`, name));
    if (devicePath === "") errors.push(required(`${here}.devicePath`));
    if (places.has(devicePath)) say("devicePath", "must be unique");
    if (devicePath.split("/").includes("..")) say("devicePath", "can not contain backsteps ('..')");
    else places.add(devicePath);
    if (mounts.has(name)) say("name", "must not already exist in volumeMounts");
    if ([...mounts.values()].includes(devicePath))
      say("devicePath", "must not already exist as a path in volumeMounts");
    if (name !== "") names.add(name);
  }
}
