/** Namespace, Node, Endpoints and ServiceAccount: defaults and rules. */
import {
  forbidden,
  invalid,
  isLabelValue,
  isPortNumber,
  isQualifiedName,
  notSupported,
  required,
  duplicate,
} from "../../machinery/index.ts";
import type { FieldError, Strategy } from "../definition.ts";
import type { Endpoints, LimitRange, Namespace, Node } from "../generated/types.ts";
import { internalForm } from "../internal-form.ts";
import { validateAnyMetaUpdate, validateMetaUpdate } from "../metadata.ts";
import { isAddress, isCidr } from "./address.ts";
import { taintEffects } from "./pod/placement.ts";

/** A namespace is gone only after the namespace controller emptied it and took this off. */
export const namespaceFinalizer = "kubernetes";

/** A name that is to be generated is not there yet when defaults are set. */
function nameInLabels({ metadata }: Namespace): void {
  if (!metadata?.name) return;
  metadata.labels ??= {};
  metadata.labels["kubernetes.io/metadata.name"] = metadata.name;
}

export function defaultNamespace(namespace: Namespace): void {
  nameInLabels(namespace);
  namespace.status ??= {};
  namespace.status.phase ||= "Active";
}

export function prepareNewNamespace(namespace: Namespace): void {
  nameInLabels(namespace);
  namespace.status = { phase: "Active" };
  namespace.spec ??= {};
  const finalizers = namespace.spec.finalizers ?? [];
  namespace.spec.finalizers = finalizers.includes(namespaceFinalizer)
    ? finalizers
    : [...finalizers, namespaceFinalizer];
}

/** Finalizers of the spec change through /finalize alone. */
export function prepareNamespaceUpdate(namespace: Namespace, old: Namespace): void {
  namespace.spec = { ...namespace.spec };
  if (old.spec?.finalizers) namespace.spec.finalizers = old.spec.finalizers;
  else delete namespace.spec.finalizers;
}

/** /finalize: nothing but the finalizers of the spec changes. */
export const finalizeStrategy: Strategy = {
  prepareForUpdate(object, old) {
    const namespace = object as Namespace;
    const before = old as Namespace;
    const finalizers = namespace.spec?.finalizers;
    namespace.spec = { ...before.spec };
    if (finalizers) namespace.spec.finalizers = finalizers;
    else delete namespace.spec.finalizers;
    if (before.status) namespace.status = before.status;
  },
  validateUpdate(object, old) {
    return [
      ...validateAnyMetaUpdate(object.metadata, old.metadata, false),
      ...validateMetaUpdate(object.metadata, old.metadata),
      ...validateNamespace(object as Namespace),
    ];
  },
};

export function validateNamespace(namespace: Namespace): FieldError[] {
  const errors: FieldError[] = [];
  for (const each of namespace.spec?.finalizers ?? []) {
    const texts = isQualifiedName(each);
    for (const text of texts) errors.push(invalid("spec.finalizers", each, text));
    if (texts.length === 0 && !each.includes("/") && each !== namespaceFinalizer) {
      errors.push(
        invalid(
          "spec.finalizers",
          each,
          "name is neither a standard finalizer name nor is it fully qualified",
        ),
      );
    }
  }
  return errors;
}

export function defaultNode(node: Node): void {
  // The plural came later; whichever is given fills the other.
  const spec = node.spec;
  if (spec?.podCIDR && !spec.podCIDRs?.length) spec.podCIDRs = [spec.podCIDR];
  else if (spec?.podCIDRs?.[0] && !spec.podCIDR) spec.podCIDR = spec.podCIDRs[0];
  if (node.status?.capacity && !node.status.allocatable)
    node.status.allocatable = { ...node.status.capacity };
}

export function validateNode(node: Node): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [i, taint] of (node.spec?.taints ?? []).entries()) {
    const path = `metadata.taints[${i}]`;
    for (const text of isQualifiedName(taint.key ?? ""))
      errors.push(invalid(`${path}.key`, taint.key ?? "", text));
    const value = isLabelValue(taint.value ?? "");
    if (value.length > 0) errors.push(invalid(`${path}.value`, taint.value, value.join(";")));
    if (!taint.effect) errors.push(required(`${path}.effect`));
    else if (!taintEffects.includes(taint.effect)) {
      errors.push(notSupported(`${path}.effect`, taint.effect, taintEffects));
    }
    const pair = `${taint.key}:${taint.effect}`;
    if (seen.has(pair))
      errors.push({
        ...duplicate(path, taint),
        message: `Duplicate value: ${JSON.stringify(internalForm("core.Taint", taint))}: taints must be unique by key and effect pair`,
      });
    seen.add(pair);
  }
  for (const [i, cidr] of (node.spec?.podCIDRs ?? []).entries()) {
    if (!isCidr(cidr)) {
      errors.push(
        invalid(
          `spec.podCIDRs[${i}]`,
          cidr,
          "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
        ),
      );
    }
  }
  return errors;
}

export function validateNodeUpdate(node: Node, old: Node): FieldError[] {
  const errors: FieldError[] = [];
  const before = old.spec?.podCIDRs ?? [];
  if (before.length > 0 && JSON.stringify(before) !== JSON.stringify(node.spec?.podCIDRs ?? [])) {
    errors.push(forbidden("spec.podCIDRs", 'node updates may not change podCIDR except from "" to valid'));
  }
  if (old.spec?.providerID && old.spec.providerID !== node.spec?.providerID) {
    errors.push(
      forbidden("spec.providerID", 'node updates may not change providerID except from "" to valid'),
    );
  }
  return errors;
}

export function defaultEndpoints(endpoints: Endpoints): void {
  for (const subset of endpoints.subsets ?? [])
    for (const port of subset.ports ?? []) port.protocol ||= "TCP";
}

export function validateEndpoints(endpoints: Endpoints): FieldError[] {
  const errors: FieldError[] = [];
  for (const [i, subset] of (endpoints.subsets ?? []).entries()) {
    const path = `subsets[${i}]`;
    if (!subset.addresses?.length && !subset.notReadyAddresses?.length) {
      errors.push(required(path, "must specify `addresses` or `notReadyAddresses`"));
    }
    for (const name of ["addresses", "notReadyAddresses"] as const) {
      for (const [j, { ip }] of (subset[name] ?? []).entries()) {
        if (!isAddress(ip)) {
          errors.push(
            invalid(
              `${path}.${name}[${j}].ip`,
              ip ?? "",
              "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
            ),
          );
        }
      }
    }
    const ports = subset.ports ?? [];
    for (const [j, port] of ports.entries()) {
      if (ports.length > 1 && !port.name) errors.push(required(`${path}.ports[${j}].name`));
      for (const text of isPortNumber(port.port))
        errors.push(invalid(`${path}.ports[${j}].port`, port.port, text));
    }
  }
  return errors;
}

/** For containers, limits left out follow from max, requests from limits and min. */
export function defaultLimitRange(range: LimitRange): void {
  range.spec ??= { limits: null as never };
  for (const item of range.spec.limits ?? []) {
    if (item.type !== "Container") continue;
    const limits = { ...item.max, ...item.default };
    const requests = { ...item.min, ...limits, ...item.defaultRequest };
    if (Object.keys(limits).length > 0) item.default = limits;
    if (Object.keys(requests).length > 0) item.defaultRequest = requests;
  }
}

export const nodeWarnings = ({ spec }: Node): string[] => [
  ...(spec?.configSource === undefined ? [] : ["spec.configSource: the feature is removed"]),
  ...(spec?.externalID ? ["spec.externalID: this field is deprecated, and is unused by Kubernetes"] : []),
];
