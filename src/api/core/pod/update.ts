/** Mutable fields of pods at the main endpoint. */
import { deepEqual, forbidden, invalid, required, wasEmptied } from "../../../machinery/index.ts";
import type { FieldError } from "../../definition.ts";
import type {
  Container,
  NodeAffinity,
  NodeSelectorTerm,
  Pod,
  PodSpec,
  Toleration,
} from "../../generated/types.ts";
import { internalDifference, internalForm } from "../../internal-form.ts";
import { validateAnnotationChange } from "./annotations.ts";
import { validateTolerations } from "./placement.ts";
import { validatePod } from "./spec.ts";

const changeable = [
  "`spec.containers[*].image`",
  "`spec.initContainers[*].image`",
  "`spec.activeDeadlineSeconds`",
  "`spec.tolerations` (only additions to existing tolerations)",
  "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
].join(",");

/** False when the containers differ. */
function validateImages(
  given: readonly Container[] | undefined,
  before: readonly Container[] | undefined,
  path: string,
  errors: FieldError[],
): boolean {
  const containers = given ?? [];
  const old = before ?? [];
  if (containers.length !== old.length) {
    errors.push(forbidden(path, "pod updates may not add or remove containers"));
    return false;
  }
  for (const [i, { image = "" }] of containers.entries()) {
    if (image === "") errors.push(required(`${path}[${i}].image`));
    if (image.trim() !== image)
      errors.push(invalid(`${path}[${i}].image`, image, "must not have leading or trailing whitespace"));
  }
  return true;
}

/** False when validation ends here. */
function validateDeadline(value: number | undefined, old: number | undefined, errors: FieldError[]): boolean {
  const path = "spec.activeDeadlineSeconds";
  if (value === undefined) {
    if (old !== undefined)
      errors.push(invalid(path, null, "must not update from a positive integer to nil value"));
    return true;
  }
  if (value < 0 || value > 2147483647)
    errors.push(invalid(path, value, "must be between 0 and 2147483647, inclusive"));
  else if (old !== undefined && old < value)
    errors.push(invalid(path, value, "must be less than or equal to previous value"));
  else return true;
  return false;
}

function validateTolerationChange(
  all: readonly Toleration[] = [],
  old: readonly Toleration[] = [],
  errors: FieldError[],
): void {
  const path = "spec.tolerations";
  const bare = ({ key, operator, value, effect }: Toleration): string =>
    JSON.stringify([key, operator, value, effect]);
  const now = new Set(all.map(bare));
  if (old.some((each) => !now.has(bare(each)))) {
    errors.push(forbidden(path, "existing toleration can not be modified except its tolerationSeconds"));
    return;
  }
  validateTolerations(all, path, errors);
}

const may = "requiredDuringSchedulingIgnoredDuringExecution";

/** Expressions may only be appended. */
function onlyAdds(now: NodeSelectorTerm, old: NodeSelectorTerm): boolean {
  const { matchExpressions: oldExpressions = [], matchFields: oldFields = [] } = old;
  const { matchExpressions = [], matchFields = [] } = now;
  if (oldExpressions.length === 0 && oldFields.length === 0)
    return matchExpressions.length === 0 && matchFields.length === 0;
  return (
    deepEqual(matchExpressions.slice(0, oldExpressions.length), oldExpressions) &&
    deepEqual(matchFields.slice(0, oldFields.length), oldFields)
  );
}

function validateNodeAffinityChange(
  now: NodeAffinity | undefined,
  old: NodeAffinity | undefined,
  errors: FieldError[],
): void {
  const before = old?.[may]?.nodeSelectorTerms;
  if (!before) return;
  const path = `spec.affinity.nodeAffinity.${may}.nodeSelectorTerms`;
  const terms = now?.[may]?.nodeSelectorTerms ?? [];
  const shown = (term: NodeSelectorTerm): object => internalForm("core.NodeSelectorTerm", term);
  if (before.length > 0 && before.length !== terms.length) {
    const list = now?.[may]?.nodeSelectorTerms?.map(shown) ?? null;
    const text = "no additions/deletions to non-empty NodeSelectorTerms list are allowed";
    errors.push(invalid(path, list, text));
    return;
  }
  for (const [i, term] of before.entries()) {
    const mine = terms[i] as NodeSelectorTerm;
    if (!onlyAdds(mine, term)) {
      const text = "only additions are allowed (no mutations or deletions)";
      errors.push(invalid(`${path}[${i}]`, shown(mine), text));
    }
  }
}

/** Scheduling constraints of a gated pod may be narrowed. The mutable fields are set to the old ones. */
function allowNarrowing(allowed: PodSpec, before: PodSpec, errors: FieldError[]): void {
  const { nodeSelector } = allowed;
  if (!deepEqual(nodeSelector ?? {}, before.nodeSelector ?? {})) {
    const lost = Object.entries(before.nodeSelector ?? {}).some(
      ([key, value]) => nodeSelector?.[key] !== value,
    );
    if (lost) {
      const text = "only additions to spec.nodeSelector are allowed (no mutations or deletions)";
      errors.push(
        invalid("spec.nodeSelector", nodeSelector ?? (wasEmptied(allowed, "nodeSelector") ? {} : null), text),
      );
    }
    if (before.nodeSelector) allowed.nodeSelector = before.nodeSelector;
    else delete allowed.nodeSelector;
  }
  const now = allowed.affinity?.nodeAffinity;
  const old = before.affinity?.nodeAffinity;
  if (deepEqual(now, old)) return;
  validateNodeAffinityChange(now, old, errors);
  const { nodeAffinity: _, ...others } = allowed.affinity ?? {};
  if (!old && !before.affinity && Object.keys(others).length === 0) delete allowed.affinity;
  else allowed.affinity = old ? { ...others, nodeAffinity: old } : others;
}

function keep<K extends keyof PodSpec>(allowed: PodSpec, before: PodSpec, ...fields: K[]): void {
  for (const field of fields) {
    if (before[field] === undefined) delete allowed[field];
    else allowed[field] = before[field] as PodSpec[K];
  }
}

const withImages = (all: readonly Container[], from: readonly Container[] = []): Container[] =>
  all.map((container, i) => {
    const { image: _, ...rest } = container;
    const image = from[i]?.image;
    return (image === undefined ? rest : { ...rest, image }) as Container;
  });

function validateSpecChange(spec: PodSpec, before: PodSpec, errors: FieldError[]): void {
  if (!validateImages(spec.containers, before.containers, "spec.containers", errors)) return;
  if (!validateImages(spec.initContainers, before.initContainers, "spec.initContainers", errors)) return;
  if (!validateDeadline(spec.activeDeadlineSeconds, before.activeDeadlineSeconds, errors)) return;
  validateTolerationChange(spec.tolerations, before.tolerations, errors);
  const gates = new Set((before.schedulingGates ?? []).map((gate) => gate.name));
  for (const [i, { name }] of (spec.schedulingGates ?? []).entries()) {
    if (gates.has(name)) continue;
    const text = `only deletion is allowed, but found new scheduling gate '${name ?? ""}'`;
    errors.push(forbidden(`spec.schedulingGates[${i}].name`, text));
  }
  if (deepEqual(spec, before)) return;
  const allowed: PodSpec = { ...spec, containers: withImages(spec.containers ?? [], before.containers) };
  if (spec.initContainers) allowed.initContainers = withImages(spec.initContainers, before.initContainers);
  keep(allowed, before, "activeDeadlineSeconds", "tolerations", "schedulingGates");
  if ((before.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1)
    keep(allowed, before, "terminationGracePeriodSeconds");
  if (gates.size > 0) allowNarrowing(allowed, before, errors);
  if (deepEqual(allowed, before)) return;
  const difference = internalDifference("core.PodSpec", before, allowed);
  errors.push(forbidden("spec", `pod updates may not change fields other than ${changeable}\n${difference}`));
}

export function validatePodUpdate(pod: Pod, old: Pod): FieldError[] {
  const errors = validatePod(pod, old);
  validateAnnotationChange(pod, old, errors);
  if (!pod.spec || !old.spec) return errors;
  // An unchanged valid spec is skipped: most updates change labels, annotations and owners.
  const untouched = errors.length === 0 && deepEqual(pod.spec, old.spec);
  if (!untouched) validateSpecChange(pod.spec, old.spec, errors);
  return errors;
}
