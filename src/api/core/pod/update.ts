/** What of a pod may change after its creation, by which endpoint. */
import { deepEqual, forbidden, invalid, required, stableJson } from "../../../machinery/index.ts";
import type { FieldError, Strategy } from "../../definition.ts";
import { internalDifference } from "../../internal-form.ts";
import type { Container, Pod, PodSpec, Toleration } from "../../generated/types.ts";

const changeable = [
  "`spec.containers[*].image`",
  "`spec.initContainers[*].image`",
  "`spec.activeDeadlineSeconds`",
  "`spec.tolerations` (only additions to existing tolerations)",
  "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
].join(",");

function validateImages(
  containers: readonly Container[],
  old: readonly Container[],
  path: string,
  errors: FieldError[],
): boolean {
  if (containers.length !== old.length) {
    errors.push(forbidden(path, "pod updates may not add or remove containers"));
    return false;
  }
  for (const [i, container] of containers.entries()) {
    const image = container.image ?? "";
    if (image === "") errors.push(required(`${path}[${i}].image`));
    else if (image.trim() !== image) {
      errors.push(invalid(`${path}[${i}].image`, image, "must not have leading or trailing whitespace"));
    }
  }
  return true;
}

function validateDeadline(value: number | undefined, old: number | undefined, errors: FieldError[]): void {
  const path = "spec.activeDeadlineSeconds";
  if (value === undefined) {
    if (old !== undefined)
      errors.push(invalid(path, null, "must not update from a positive integer to nil value"));
  } else if (value < 0 || value > 2147483647) {
    errors.push(invalid(path, value, "must be between 0 and 2147483647, inclusive"));
  } else if (old !== undefined && old < value) {
    errors.push(invalid(path, value, "must be less than or equal to previous value"));
  }
}

function validateTolerationUpdate(
  all: readonly Toleration[],
  old: readonly Toleration[],
  errors: FieldError[],
): void {
  const bare = ({ tolerationSeconds: _, ...rest }: Toleration): string => stableJson(rest);
  const whole = new Set(all.map((each) => stableJson(each)));
  const withoutSeconds = new Set(all.map(bare));
  const missing = old.some(
    (each) =>
      !whole.has(stableJson(each)) && !(each.effect === "NoExecute" && withoutSeconds.has(bare(each))),
  );
  if (missing) {
    errors.push(
      forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds"),
    );
  }
}

export function validatePodUpdate(pod: Pod, old: Pod): FieldError[] {
  const errors: FieldError[] = [];
  const spec = pod.spec;
  const before = old.spec;
  if (!spec || !before) return errors;
  if (!validateImages(spec.containers ?? [], before.containers ?? [], "spec.containers", errors))
    return errors;
  if (!validateImages(spec.initContainers ?? [], before.initContainers ?? [], "spec.initContainers", errors))
    return errors;
  validateDeadline(spec.activeDeadlineSeconds, before.activeDeadlineSeconds, errors);
  validateTolerationUpdate(spec.tolerations ?? [], before.tolerations ?? [], errors);
  const gates = new Set((before.schedulingGates ?? []).map((gate) => gate.name));
  if (spec.schedulingGates?.some((gate) => !gates.has(gate.name))) {
    errors.push(forbidden("spec.schedulingGates", "only deletion is allowed, but found new scheduling gate"));
  }
  if (deepEqual(spec, before)) return errors;
  const withImages = (all: Container[] | undefined, from: Container[] | undefined): Container[] | undefined =>
    all?.map((container, i) => ({ ...container, image: from?.[i]?.image }) as Container);
  const allowed: PodSpec = {
    ...spec,
    containers: withImages(spec.containers, before.containers) ?? [],
    activeDeadlineSeconds: before.activeDeadlineSeconds,
    tolerations: before.tolerations,
    schedulingGates: before.schedulingGates,
  } as PodSpec;
  if (spec.initContainers)
    allowed.initContainers = withImages(spec.initContainers, before.initContainers) ?? [];
  if ((before.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1) {
    allowed.terminationGracePeriodSeconds = before.terminationGracePeriodSeconds as number;
  }
  if (gates.size > 0) {
    // A gated pod is not scheduled yet: where it may go can still be narrowed.
    allowed.nodeSelector = before.nodeSelector as Record<string, string>;
    if (allowed.affinity || before.affinity) {
      allowed.affinity = {
        ...allowed.affinity,
        nodeAffinity: before.affinity?.nodeAffinity,
      } as PodSpec["affinity"] & object;
      if (!before.affinity && !allowed.affinity.podAffinity && !allowed.affinity.podAntiAffinity)
        delete allowed.affinity;
    }
    for (const name in before.nodeSelector) {
      if (spec.nodeSelector?.[name] !== before.nodeSelector[name]) {
        errors.push(
          invalid(
            "spec.nodeSelector",
            spec.nodeSelector,
            "only additions to spec.nodeSelector are allowed (no mutations or deletions)",
          ),
        );
        break;
      }
    }
  }
  if (!deepEqual(allowed, before)) {
    errors.push(
      forbidden(
        "spec",
        `pod updates may not change fields other than ${changeable}\n${internalDifference("core.PodSpec", before, allowed)}`,
      ),
    );
  }
  return errors;
}

/** A change of /status leaves the spec alone, and the class that the server decided at creation. */
export const podStatusStrategy: Strategy = {
  prepareForUpdate(object, old) {
    const status = (object as Pod).status;
    const before = (old as Pod).status;
    if (status && before?.qosClass) status.qosClass = before.qosClass;
    // Old kubelets wrote what they had not understood.
    if (object.metadata && old.metadata) {
      object.metadata.ownerReferences = old.metadata.ownerReferences;
      if (object.metadata.ownerReferences === undefined) delete object.metadata.ownerReferences;
    }
  },
};
