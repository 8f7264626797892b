/** Node: defaults and rules. */
import {
  duplicate,
  forbidden,
  invalid,
  isLabelValue,
  isObject,
  isQualifiedName,
  jsonProblem,
  notSupported,
  required,
} from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import { each } from "../field-rules.ts";
import type { Node, Taint } from "../generated/types.ts";
import { given } from "../given.ts";
import { internalForm } from "../internal-form.ts";
import { cidrWarnings, legacyCidrProblems, parseCidr } from "./address-rules.ts";
import { taintEffects } from "./pod/placement.ts";
import { validateQuantity } from "./resource-names.ts";

const taintsAnnotation = "scheduler.alpha.kubernetes.io/taints";
const avoidAnnotation = "scheduler.alpha.kubernetes.io/preferAvoidPods";
const longestFeature = 253;
const featureName = /^[A-Z][A-Za-z0-9]*(\/[A-Za-z][A-Za-z0-9]*)*$/;

/** podCIDRs is the newer field; if they differ podCIDR counts, and each is the default of the other. */
export function defaultNode(node: Node): void {
  const { spec, status } = node;
  if (spec?.podCIDR && spec.podCIDRs?.[0] !== spec.podCIDR) spec.podCIDRs = [spec.podCIDR];
  else if (spec?.podCIDRs?.[0]) spec.podCIDR = spec.podCIDRs[0];
  if (status?.capacity && !status.allocatable) status.allocatable = { ...status.capacity };
}

/** Dynamic kubelet configuration was removed. */
export function dropConfig(node: Node): void {
  delete node.spec?.configSource;
  delete node.status?.config;
}

function checkTaints(taints: readonly Taint[], path: string, errors: FieldError[]): void {
  const seen = new Set<string>();
  for (const [i, taint] of taints.entries()) {
    const here = `${path}[${i}]`;
    const { key = "", value = "", effect = "" } = given(taint);
    each(isQualifiedName, `${here}.key`, key, errors);
    const texts = isLabelValue(value);
    if (texts.length > 0) errors.push(invalid(`${here}.value`, value, texts.join(";")));
    if (effect === "") errors.push(required(`${here}.effect`));
    else if (!taintEffects.includes(effect))
      errors.push(notSupported(`${here}.effect`, effect, taintEffects));
    const pair = `${key}:${effect}`;
    if (seen.has(pair)) {
      const repeated = duplicate(here, internalForm("core.Taint", taint));
      errors.push({
        ...repeated,
        message: `${repeated.message}: taints must be unique by key and effect pair`,
      });
    }
    seen.add(pair);
  }
}

/** Parses an annotation's JSON, and reports type errors. */
function parsed(text: string, problem: (text: string) => void): unknown {
  try {
    return JSON.parse(text);
  } catch {
    problem(jsonProblem(text));
    return undefined;
  }
}

/** Fields of a Go struct without JSON names, in any capitalization. */
function loosely(value: unknown): Record<string, unknown> {
  if (!isObject(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name.toLowerCase(), each]));
}

function checkAnnotations({ metadata }: Node, errors: FieldError[]): void {
  const path = "metadata.annotations";
  const taints = metadata?.annotations?.[taintsAnnotation];
  if (taints) {
    const say = (text: string): void => void errors.push(invalid(path, taintsAnnotation, text));
    const list = parsed(taints, say);
    if (Array.isArray(list))
      checkTaints(list.map(loosely) as unknown as Taint[], `${path}.${taintsAnnotation}`, errors);
    else if (list !== undefined && list !== null)
      say(
        `json: cannot unmarshal ${isObject(list) ? "object" : typeof list} into Go value of type []core.Taint`,
      );
  }
  const avoided = metadata?.annotations?.[avoidAnnotation];
  if (!avoided) return;
  const found = parsed(avoided, (text) => errors.push(invalid(`${path}.AvoidPods`, avoidAnnotation, text)));
  const entries = isObject(found) && Array.isArray(found.preferAvoidPods) ? found.preferAvoidPods : [];
  for (const [i, entry] of (entries as unknown[]).entries()) {
    const here = `${path}.${avoidAnnotation}[${i}].PodSignature`;
    const signature = isObject(entry) && isObject(entry.podSignature) ? entry.podSignature : {};
    const controller = signature.podController;
    if (!isObject(controller)) errors.push(required(here));
    else if (controller.controller !== true)
      errors.push(invalid(`${here}.PodController.Controller`, false, "must point to a controller"));
  }
}

function checkFeatures(features: readonly string[], errors: FieldError[]): void {
  const path = "status.declaredFeatures";
  for (const [i, feature] of features.entries()) {
    const start = `invalid feature name ${JSON.stringify(feature)}: must`;
    if (feature.length > longestFeature)
      errors.push(invalid(`${path}[${i}]`, feature, `${start} be no more than ${longestFeature} characters`));
    else if (!featureName.test(feature)) {
      const text = `${start} start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes`;
      errors.push(invalid(`${path}[${i}]`, feature, text));
    }
    const next = features[i + 1];
    if (next === undefined || feature < next) continue;
    const here = `${path}[${i + 1}]`;
    if (feature === next) errors.push(duplicate(here, next));
    else errors.push(invalid(here, next, "list must be sorted alphabetically"));
  }
}

function checkAmounts({ status }: Node, errors: FieldError[]): void {
  for (const list of ["capacity", "allocatable"] as const)
    for (const [name, value] of Object.entries(status?.[list] ?? {}))
      validateQuantity(name, value, `status.${list}.${name}`, errors);
}

export function validateNode(node: Node): FieldError[] {
  const errors: FieldError[] = [];
  const { spec, status } = node;
  checkAnnotations(node, errors);
  checkTaints(spec?.taints ?? [], "metadata.taints", errors);
  checkAmounts(node, errors);
  const swap = status?.nodeInfo?.swap?.capacity;
  if (swap !== undefined && swap <= 0)
    errors.push(invalid("metadata.nodeSwapStatus.capacity", swap, "must be greater than zero"));
  checkFeatures(status?.declaredFeatures ?? [], errors);
  checkRanges(spec?.podCIDRs ?? [], errors);
  return errors;
}

/** At most one per family. */
function checkRanges(ranges: readonly string[], errors: FieldError[]): void {
  const path = "spec.podCIDRs";
  for (const [i, range] of ranges.entries()) errors.push(...legacyCidrProblems(`${path}[${i}]`, range));
  if (ranges.length < 2) return;
  const at = ranges.findIndex((range) => !parseCidr(range));
  if (at >= 0) {
    const text = `invalid CIDR[${at}]: <nil> (invalid CIDR address: ${ranges[at]})`;
    const message = `Internal error: invalid PodCIDRs. failed to check with dual stack with error:${text}`;
    errors.push({ reason: "InternalError", field: path, message });
  }
  const families = new Set(ranges.map((range) => parseCidr(range)?.network.length));
  if (at >= 0 || families.size < 2 || ranges.length > 2)
    errors.push(invalid(path, ranges, "may specify no more than one CIDR for each IP family"));
}

export function validateNodeUpdate(node: Node, old: Node): FieldError[] {
  const errors: FieldError[] = [];
  const { spec, status } = node;
  checkAnnotations(node, errors);
  checkAmounts(node, errors);
  checkFeatures(status?.declaredFeatures ?? [], errors);
  const seen = new Set<string>();
  for (const [i, address] of (status?.addresses ?? []).entries()) {
    const key = JSON.stringify([address.type, address.address]);
    if (seen.has(key))
      errors.push(duplicate(`status.addresses[${i}]`, internalForm("core.NodeAddress", address)));
    seen.add(key);
  }
  const [ranges, before] = [spec?.podCIDRs ?? [], old.spec?.podCIDRs ?? []];
  const fixed = 'node updates may not change podCIDR except from "" to valid';
  if (before.length > 0) {
    if (before.length !== ranges.length) errors.push(forbidden("spec.podCIDRs", fixed));
    else
      for (const [i, range] of before.entries())
        if (range !== ranges[i]) errors.push(forbidden("spec.podCIDRs", fixed));
  }
  const { providerID } = old.spec ?? {};
  if (providerID && providerID !== spec?.providerID) {
    const text = 'node updates may not change providerID except from "" to valid';
    errors.push(forbidden("spec.providerID", text));
  }
  checkTaints(spec?.taints ?? [], "metadata.taints", errors);
  if ((spec?.externalID ?? "") !== (old.spec?.externalID ?? ""))
    errors.push(forbidden("spec.externalID", "may not be updated"));
  return errors;
}

export const nodeWarnings = ({ spec }: Node): string[] => [
  ...(spec?.externalID ? ["spec.externalID: this field is deprecated, and is unused by Kubernetes"] : []),
  ...(spec?.podCIDRs ?? []).flatMap((range, i) => cidrWarnings(`spec.podCIDRs[${i}]`, range)),
];
