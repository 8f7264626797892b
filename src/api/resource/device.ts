/** One device a driver offers. */
import { invalid, isDns1123Subdomain, required, tooLong, tooMany } from "../../machinery/index.ts";
import { validateNodeSelector } from "../core/pod/placement.ts";
import type { FieldError } from "../definition.ts";
import { internalForm } from "../internal-form.ts";
import type { Counter, Device, DeviceAttribute, DeviceCounterConsumption } from "../generated/types.ts";
import { capacity } from "./capacity.ts";
import { bindingConditions, eachOf, keyLimit, label, qualifiedName, setOf, shortened } from "./names.ts";
import { taint } from "./taints.ts";

const attributesLimit = 32;
const valueLimit = 64;
const taintsLimit = 16;
const consumptionsLimit = 2;
const countersLimit = 32;

const number = "(0|[1-9]\\d*)";
const early = "(0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)";
const build = "[0-9a-zA-Z-]+";
/** semver.org 2.0.0. */
const version = new RegExp(
  `^${number}\\.${number}\\.${number}(-${early}(\\.${early})*)?(\\+${build}(\\.${build})*)?$`,
);

function attribute(value: DeviceAttribute, path: string, errors: FieldError[]): void {
  const set = (["bool", "int", "string", "version"] as const).filter((name) => value[name] !== undefined);
  if (value.string !== undefined && value.string.length > valueLimit)
    errors.push(tooLong(`${path}.string`, valueLimit));
  if (value.version !== undefined) {
    const text = "must be a string compatible with semver.org spec 2.0.0";
    if (!version.test(value.version)) errors.push(invalid(`${path}.version`, value.version, text));
    if (value.version.length > valueLimit) errors.push(tooLong(`${path}.version`, valueLimit));
  }
  const one = "exactly one value must be specified";
  if (set.length === 0) errors.push(invalid(path, "", one));
  else if (set.length > 1) errors.push(invalid(path, internalForm("resource.DeviceAttribute", value), one));
}

/** Counters by name, of a set or of what a device takes from one. */
export function counters(map: Record<string, Counter> | undefined, path: string, errors: FieldError[]): void {
  const names = Object.keys(map ?? {});
  if (names.length === 0) errors.push(required(path));
  else if (names.length > countersLimit) errors.push(tooMany(path, names.length, countersLimit));
  else for (const name of names) label(name, path, errors);
}

export function counterSetName(name: string | undefined, path: string, errors: FieldError[]): void {
  if (!name) errors.push(required(path));
  else label(name, path, errors);
}

function consumption(taken: DeviceCounterConsumption, path: string, errors: FieldError[]): void {
  counterSetName(taken.counterSet, `${path}.counterSet`, errors);
  counters(taken.counters, `${path}.counters`, errors);
}

export function nodeName(name: string, path: string, errors: FieldError[]): void {
  for (const text of isDns1123Subdomain(name)) errors.push(invalid(path, name, text));
}

/** Where the device is, if each device of the slice says so itself. */
function place(device: Device, path: string, errors: FieldError[], each: boolean): void {
  const { nodeName: node, nodeSelector, allNodes } = device;
  if (!each) {
    const text =
      "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec";
    if (node !== undefined || nodeSelector || allNodes !== undefined)
      errors.push(invalid(path, undefined, text));
    return;
  }
  const set: string[] = [];
  if (node === "") errors.push(invalid(`${path}.nodeName`, "", "must not be empty"));
  else if (node !== undefined) {
    set.push("`nodeName`");
    nodeName(node, `${path}.nodeName`, errors);
  }
  if (nodeSelector) {
    set.push("`nodeSelector`");
    validateNodeSelector(nodeSelector, `${path}.nodeSelector`, errors);
  }
  if (allNodes) set.push("`allNodes`");
  else if (allNodes === false)
    errors.push(invalid(`${path}.allNodes`, false, "must be either unset or set to true"));
  const one =
    "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec";
  if (set.length === 0) errors.push(required(path, one));
  else if (set.length > 1) errors.push(invalid(path, `{${set.join(", ")}}`, one));
}

/** `each`: every device of the slice says for itself where it is. */
export function validateDevice(device: Device, path: string, errors: FieldError[], each: boolean): void {
  label(device.name, `${path}.name`, errors);
  const { attributes = {}, capacity: capacities = {} } = device;
  const total = Object.keys(attributes).length + Object.keys(capacities).length;
  const many = `the total number of attributes and capacities must not exceed ${attributesLimit}`;
  if (total > attributesLimit) errors.push(invalid(path, total, many));
  for (const [key, value] of Object.entries(attributes)) {
    qualifiedName(key, `${path}.attributes`, errors);
    attribute(value, `${path}.attributes[${shortened(key, keyLimit)}]`, errors);
  }
  for (const [key, value] of Object.entries(capacities)) {
    qualifiedName(key, `${path}.capacity`, errors);
    const here = `${path}.capacity[${shortened(key, keyLimit)}]`;
    capacity(value, here, errors, device.allowMultipleAllocations === true);
  }
  eachOf(device.taints, taintsLimit, `${path}.taints`, errors, taint);
  const at = `${path}.consumesCounters`;
  setOf(
    device.consumesCounters,
    consumptionsLimit,
    at,
    errors,
    (taken) => taken.counterSet ?? "",
    consumption,
  );
  place(device, path, errors, each);
  bindingConditions(device, path, errors);
}
