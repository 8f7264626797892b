/** Writes to a pod through /ephemeralcontainers and /resize: one part of the spec changes, everything else stays. */
import { deepClone, deepEqual, forbidden, invalid } from "../../../machinery/index.ts";
import type { FieldError, Strategy } from "../../definition.ts";
import type { Container, Pod, PodSpec, ResourceRequirements } from "../../generated/types.ts";
import type { KubeObject } from "../../meta.ts";
import { validateAnyMetaUpdate, validateMetaUpdate } from "../../metadata.ts";
import { qosClass } from "./qos.ts";
import { validatePod } from "./spec.ts";

const mirror = "kubernetes.io/config.mirror";
const resizable = ["cpu", "memory"] as const;

/** The old pod with what `change` takes from the new one; the new object becomes it, but for its metadata. */
function keepAllBut(
  object: KubeObject,
  old: KubeObject,
  change: (spec: PodSpec, given: PodSpec | undefined) => void,
): void {
  const pod = object as Pod;
  const before = old as Pod;
  const spec = deepClone(before.spec) as PodSpec;
  change(spec, pod.spec);
  pod.spec = spec;
  if (before.status) pod.status = before.status;
  else delete pod.status;
  if (!pod.metadata) return;
  const generation = before.metadata?.generation ?? 1;
  pod.metadata.generation = deepEqual(spec, before.spec) ? generation : generation + 1;
}

export const ephemeralContainersStrategy: Strategy = {
  prepareForUpdate(object, old) {
    keepAllBut(object, old, (spec, given) => {
      if (given?.ephemeralContainers) spec.ephemeralContainers = given.ephemeralContainers;
      else delete spec.ephemeralContainers;
    });
  },
  validateUpdate(object, old) {
    const pod = object as Pod;
    const before = old as Pod;
    if (before.metadata?.annotations?.[mirror] !== undefined) {
      return [forbidden("", "static pods do not support ephemeral containers")];
    }
    const errors = [
      ...validateAnyMetaUpdate(pod.metadata, before.metadata, true),
      ...validateMetaUpdate(pod.metadata, before.metadata),
      ...validatePod(pod),
    ];
    for (const each of before.spec?.ephemeralContainers ?? []) {
      const now = pod.spec?.ephemeralContainers?.find((one) => one.name === each.name);
      const what = !now
        ? "removed\n"
        : deepEqual(now, each)
          ? undefined
          : `changed\n- ${JSON.stringify(each)}\n+ ${JSON.stringify(now)}`;
      if (what === undefined) continue;
      errors.push(
        forbidden(
          "spec.ephemeralContainers",
          `existing ephemeral containers ${JSON.stringify(each.name)} may not be ${what}`,
        ),
      );
    }
    return errors;
  },
};

type Contained = Pick<Container, "name" | "resources" | "resizePolicy">;

function takeResources(containers: Contained[] | undefined, given: readonly Contained[] | undefined): void {
  for (const container of containers ?? []) {
    const from = given?.find((each) => each.name === container.name);
    if (from?.resources) container.resources = from.resources;
    if (from?.resizePolicy) container.resizePolicy = from.resizePolicy;
  }
}

function validateResources(
  now: ResourceRequirements = {},
  before: ResourceRequirements = {},
  path: string,
  errors: FieldError[],
): void {
  for (const part of ["limits", "requests"] as const) {
    const mine = { ...now[part] };
    const theirs = { ...before[part] };
    for (const name of resizable) {
      if (theirs[name] !== undefined && mine[name] === undefined) {
        errors.push(forbidden(`${path}.${part}`, `resource ${part} cannot be removed`));
      }
      delete mine[name];
      delete theirs[name];
    }
    if (!deepEqual(mine, theirs)) errors.push(forbidden("spec", "only cpu and memory resources are mutable"));
  }
}

export const resizeStrategy: Strategy = {
  prepareForUpdate(object, old) {
    keepAllBut(object, old, (spec, given) => {
      takeResources(spec.containers, given?.containers);
      takeResources(spec.initContainers, given?.initContainers);
      if (given?.resources) spec.resources = given.resources;
    });
  },
  validateUpdate(object, old) {
    const pod = object as Pod;
    const before = old as Pod;
    if (before.metadata?.annotations?.[mirror] !== undefined)
      return [forbidden("", "static pods cannot be resized")];
    const errors = [
      ...validateAnyMetaUpdate(pod.metadata, before.metadata, true),
      ...validateMetaUpdate(pod.metadata, before.metadata),
      ...validatePod(pod),
    ];
    if (qosClass(before) !== qosClass(pod)) {
      errors.push(
        invalid(
          "spec",
          before.status?.qosClass ?? "",
          "Pod QOS Class may not change as a result of resizing",
        ),
      );
    }
    for (const list of ["containers", "initContainers"] as const) {
      for (const [i, each] of (before.spec?.[list] ?? []).entries()) {
        const now = pod.spec?.[list]?.[i];
        if (list === "initContainers" && each.restartPolicy !== "Always") {
          if (!deepEqual(now?.resources, each.resources)) {
            errors.push(forbidden("spec", "resources for non-sidecar init containers are immutable"));
          }
        } else validateResources(now?.resources, each.resources, `spec.${list}[${i}].resources`, errors);
      }
    }
    return errors;
  },
};
