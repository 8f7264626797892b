/** Writes to /ephemeralcontainers and /resize: they change one part of the spec. */
import {
  deepClone,
  deepEqual,
  forbidden,
  invalid,
  isDns1123Subdomain,
  wholeObject,
} from "../../../machinery/index.ts";
import type { FieldError, Strategy } from "../../definition.ts";
import type { Container, Pod, PodSpec, ResourceRequirements } from "../../generated/types.ts";
import { internalDifference } from "../../internal-form.ts";
import type { KubeObject } from "../../meta.ts";
import { validateAnyMetaUpdate, validateMeta, validateMetaUpdate } from "../../metadata.ts";
import { mirror, validateAnnotationChange } from "./annotations.ts";
import { dropDisabled } from "./dropped.ts";
import { qosClass } from "./qos.ts";
import { validatePod } from "./spec.ts";

/** Rules of metadata updates, and those of pods. */
function changedMeta(
  { metadata: now }: KubeObject,
  { metadata: before }: KubeObject,
): Record<"any" | "own", FieldError[]> {
  return {
    any: validateAnyMetaUpdate(now, before, true),
    own: [
      ...validateMetaUpdate(now, before),
      ...validateMeta(now, { namespaced: true, nameRule: isDns1123Subdomain }),
    ],
  };
}

const kept = ["deletionTimestamp", "labels", "annotations", "finalizers", "ownerReferences"] as const;

/** The old pod with another spec, written to the new object. */
function become(pod: Pod, old: Pod, spec: PodSpec): void {
  pod.spec = spec;
  if (old.status) pod.status = old.status;
  else delete pod.status;
  const to = pod.metadata as Record<string, unknown> | undefined;
  if (!to) return;
  for (const name of kept) {
    const value = old.metadata?.[name];
    if (value === undefined) delete to[name];
    else to[name] = value;
  }
}

function countChange(pod: Pod, old: Pod): void {
  if (!pod.metadata) return;
  const before = old.metadata?.generation ?? 1;
  pod.metadata.generation = deepEqual(pod.spec, old.spec) ? before : before + 1;
}

export const ephemeralContainersStrategy: Strategy = {
  prepareForUpdate(object, old) {
    const pod = object as Pod;
    const before = old as Pod;
    const given = pod.spec?.ephemeralContainers;
    const spec = deepClone(before.spec) as PodSpec;
    if (given) spec.ephemeralContainers = given;
    else delete spec.ephemeralContainers;
    become(pod, before, spec);
    dropDisabled(pod.spec, before.spec);
    countChange(pod, before);
  },
  validateUpdate(object, old) {
    const pod = object as Pod;
    const before = old as Pod;
    const { any, own } = changedMeta(object, old);
    if (before.metadata?.annotations?.[mirror] !== undefined)
      return [...any, forbidden(wholeObject, "static pods do not support ephemeral containers")];
    const errors = [...any, ...own, ...validatePod(pod, before)];
    validateAnnotationChange(pod, before, errors);
    for (const each of before.spec?.ephemeralContainers ?? []) {
      const now = pod.spec?.ephemeralContainers?.find((one) => one.name === each.name);
      if (now && deepEqual(now, each)) continue;
      const what = now ? `changed\n${internalDifference("core.EphemeralContainer", each, now)}` : "removed\n";
      const text = `existing ephemeral containers ${JSON.stringify(each.name)} may not be ${what}`;
      errors.push(forbidden("spec.ephemeralContainers", text));
    }
    return errors;
  },
};

/** The old containers with the new resources; the new ones themselves if they are other containers. */
function resized(given: readonly Container[] = [], old: readonly Container[] = []): Container[] | undefined {
  if (given.length === 0) return undefined;
  const out: Container[] = [];
  for (const [i, container] of given.entries()) {
    const before = old[i] as Container;
    if (before.name !== container.name) return [...given];
    const { resources: _r, resizePolicy: _p, ...rest } = before;
    const { resources, resizePolicy } = container;
    out.push({ ...rest, ...(resources ? { resources } : {}), ...(resizePolicy ? { resizePolicy } : {}) });
  }
  return out;
}

type List = Record<string, string> | undefined;
const resizable = ["cpu", "memory"];

const removed = (now: List = {}, old: List = {}): boolean =>
  Object.keys(old).length > Object.keys(now).length ||
  Object.keys(old).some((name) => now[name] === undefined);

/** A list with the old cpu and memory. */
function withOld(list: List, old: List): List {
  if (!list && !old) return undefined;
  const out = Object.fromEntries(Object.entries(list ?? {}).filter(([name]) => !resizable.includes(name)));
  for (const name of resizable) if (old?.[name] !== undefined) out[name] = old[name] as string;
  return Object.keys(out).length > 0 ? out : undefined;
}

function withOldLists(
  now: ResourceRequirements | undefined,
  old: ResourceRequirements | undefined,
): ResourceRequirements {
  const limits = withOld(now?.limits, old?.limits);
  const requests = withOld(now?.requests, old?.requests);
  return { ...(limits ? { limits } : {}), ...(requests ? { requests } : {}) };
}

/** Containers' claims are not validated: they are treated as dropped, as in Kubernetes. */
const likeBefore = (container: Container, old: Container): Container => ({
  ...container,
  resources: withOldLists(container.resources, old.resources),
});

const same = (a: Container, b: Container): boolean =>
  deepEqual({ ...a, resources: a.resources ?? {} }, { ...b, resources: b.resources ?? {} });

function validateOrder(spec: PodSpec, old: PodSpec, errors: FieldError[]): void {
  for (const list of ["containers", "initContainers"] as const) {
    const now = spec[list] ?? [];
    const before = old[list] ?? [];
    if (now.length !== before.length)
      errors.push(forbidden(`spec.${list}`, `${list} may not be added or removed on resize`));
    else
      for (const [i, { name }] of before.entries())
        if (now[i]?.name !== name) {
          const text = `${list} may not be renamed or reordered on resize`;
          errors.push(forbidden(`spec.${list}[${i}].name`, text));
        }
  }
}

const hasOwn = (spec: PodSpec | undefined): boolean =>
  Object.keys({ ...spec?.resources?.limits, ...spec?.resources?.requests }).length > 0;

/** Pod-level resources; returns them with the old cpu and memory. */
function validateWhole(spec: PodSpec, old: PodSpec, errors: FieldError[]): ResourceRequirements | undefined {
  const path = "spec.resources";
  const { resources: before } = old;
  const { resources } = spec;
  if (!hasOwn(spec) && !hasOwn(old)) return resources;
  if (before && !resources) {
    errors.push(forbidden(path, "pod-level resources cannot be removed"));
    return resources;
  }
  for (const list of before ? (["requests", "limits"] as const) : [])
    if (removed(resources?.[list], before?.[list])) {
      const text = `pod-level resource ${list} cannot be removed`;
      errors.push(forbidden(`${path}.${list}`, text));
    }
  const { claims } = resources ?? {};
  const like = { ...withOldLists(resources, before), ...(claims ? { claims } : {}) };
  const munged = before || Object.keys(like).length > 0 ? like : undefined;
  if (!deepEqual(munged, before))
    errors.push(forbidden("spec", "only cpu and memory resources are mutable at pod-level"));
  return munged;
}

function validateSize(
  now: ResourceRequirements | undefined,
  old: ResourceRequirements | undefined,
  path: string,
  errors: FieldError[],
): void {
  for (const list of ["requests", "limits"] as const)
    if (removed(now?.[list], old?.[list]))
      errors.push(forbidden(`${path}.${list}`, `resource ${list} cannot be removed`));
}

function validateContainerSizes(spec: PodSpec, old: PodSpec, errors: FieldError[]): void {
  for (const list of ["initContainers", "containers"] as const)
    for (const [i, each] of (old[list] ?? []).entries())
      validateSize(spec[list]?.[i]?.resources, each.resources, `spec.${list}[${i}].resources`, errors);
  for (const [i, container] of (spec.containers ?? []).entries()) {
    const before = old.containers[i] as Container;
    if (!same(likeBefore(container, before), before))
      errors.push(forbidden("spec", "only cpu and memory resources are mutable"));
  }
  for (const [i, container] of (spec.initContainers ?? []).entries()) {
    const before = old.initContainers?.[i] as Container;
    const path = `spec.initContainers[${i}]`;
    const changed = !same(container, before);
    if (!same(likeBefore(container, before), before)) {
      const text = "only cpu and memory resources for init or sidecar containers are mutable";
      errors.push(forbidden(path, text));
    }
    if (!changed || container.restartPolicy === "Always") continue;
    for (const { restartPolicy } of container.resizePolicy ?? [])
      if (restartPolicy === "RestartContainer") {
        const text = "non-sidecar init containers with a resize policy of RestartContainer cannot be resized";
        errors.push(forbidden(path, text));
      }
  }
}

/** A node that reports no resources of running containers does not support resize. */
const isSupported = ({ status }: Pod): boolean =>
  status?.containerStatuses?.find((each) => each.state?.running)?.resources !== undefined ||
  !status?.containerStatuses?.some((each) => each.state?.running);

export const resizeStrategy: Strategy = {
  prepareForUpdate(object, old) {
    const pod = object as Pod;
    const before = old as Pod;
    const given = pod.spec;
    const was = before.spec as PodSpec;
    const count = (spec: PodSpec | undefined): string =>
      `${spec?.containers?.length ?? 0} ${spec?.initContainers?.length ?? 0}`;
    if (count(given) === count(was)) {
      const spec = deepClone(was);
      if (given?.resources) spec.resources = given.resources;
      else delete spec.resources;
      spec.containers = resized(given?.containers, was.containers) ?? [];
      const init = resized(given?.initContainers, was.initContainers);
      if (init) spec.initContainers = init;
      become(pod, before, spec);
    }
    dropDisabled(pod.spec, before.spec);
    countChange(pod, before);
  },
  validateUpdate(object, old) {
    const pod = object as Pod;
    const before = old as Pod;
    const { any, own } = changedMeta(object, old);
    const refuse = (text: string): FieldError[] => [...any, forbidden(wholeObject, text)];
    if (before.metadata?.annotations?.[mirror] !== undefined) return refuse("static pods cannot be resized");
    if (before.spec?.os?.name === "windows") return refuse("windows pods cannot be resized");
    const errors = [...any, ...own, ...validatePod(pod, before)];
    const judged = errors.length;
    const shown = pod.status?.qosClass ?? "";
    if ((before.status?.qosClass || qosClass(before)) !== qosClass(pod))
      errors.push(invalid("spec", shown, "Pod QOS Class may not change as a result of resizing"));
    if (!isSupported(before))
      errors.push(forbidden("spec", "Pod running on node without support for resize"));
    const spec = pod.spec as PodSpec;
    const was = before.spec as PodSpec;
    const resources = validateWhole(spec, was, errors);
    const ordered = errors.length;
    validateOrder(spec, was, errors);
    if (errors.length > ordered) return errors;
    validateContainerSizes(spec, was, errors);
    if (errors.length > judged || judged > 0) return errors;
    const containers = was.containers;
    const { initContainers } = was;
    const rest: PodSpec = { ...spec, containers, ...(initContainers ? { initContainers } : {}) };
    if (resources) rest.resources = resources;
    else delete rest.resources;
    if (!deepEqual(rest, was)) errors.push(forbidden("spec", "only cpu and memory resources are mutable"));
    return errors;
  },
};
