/** Validation of Jobs at creation and update. */
import {
  deepClone,
  invalid,
  isDns1123Label,
  isLabelValue,
  isQualifiedName,
  type LabelSelector as Matcher,
  required,
  SelectorError,
  selectorFromObject,
} from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import type { Job, JobSpec, LabelSelector, PodSpec, PodTemplateSpec } from "../generated/types.ts";
import { internalForm, publishedForm } from "../internal-form.ts";
import {
  immutable,
  immutableText,
  shownLabels,
  validateLabelSelector,
  validateMetaUpdate,
} from "../metadata.ts";
import { isTrue } from "./conditions.ts";
import { validateJobSpec } from "./job-spec.ts";
import { jobLabels, nameLabels } from "./labels.ts";

const labelSelector = "io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector";

const shownSelector = (selector: LabelSelector | undefined): unknown =>
  selector ? publishedForm(labelSelector, selector) : null;

/** Undefined for a selector with invalid label values. */
function matcherOf(selector: LabelSelector | undefined): Matcher | undefined {
  const { matchLabels = {}, matchExpressions = [] } = selector ?? {};
  const wrong = [...Object.entries(matchLabels)].some(
    ([key, value]) => isQualifiedName(key).length > 0 || isLabelValue(value).length > 0,
  );
  const wrongExpression = matchExpressions.some(({ key, operator, values = [] }) => {
    const listed = operator === "In" || operator === "NotIn";
    return (
      isQualifiedName(key ?? "").length > 0 ||
      listed !== values.length > 0 ||
      values.some((value) => isLabelValue(value).length > 0)
    );
  });
  if (wrong || wrongExpression) return undefined;
  try {
    return selectorFromObject(selector);
  } catch (error) {
    if (error instanceof SelectorError) return undefined;
    throw error;
  }
}

/** For a Job with a generated selector: it and the pods' labels must be as generated. */
function validateGenerated(job: Job, prefixed: boolean, errors: FieldError[]): void {
  const { metadata, spec } = job;
  if (!spec?.selector || spec.manualSelector) return;
  const { uid = "", name = "" } = metadata ?? {};
  if (uid === "") errors.push(required("metadata.uid"));
  const labels = spec.template?.metadata?.labels;
  const expected: Record<string, string> = {};
  const older = [jobLabels[1], nameLabels[1]];
  for (const label of prefixed ? [...older, jobLabels[0], nameLabels[0]] : older) {
    const wanted = label === jobLabels[0] || label === jobLabels[1] ? uid : name;
    const path = `spec.template.metadata.labels[${label}]`;
    expected[label] = wanted;
    if (labels?.[label] === undefined) errors.push(required(path, `must be '${wanted}'`));
    else if (labels[label] !== wanted)
      errors.push(invalid(path, shownLabels(spec.template.metadata), `must be '${wanted}'`));
  }
  if (matcherOf(spec.selector)?.matches(expected) === false)
    errors.push(invalid("spec.selector", shownSelector(spec.selector), "`selector` not auto-generated"));
}

function validateWithSelector(spec: JobSpec, errors: FieldError[], old?: Job): void {
  validateJobSpec(spec, "spec", errors, old?.spec?.template);
  if (!spec.selector) errors.push(required("spec.selector"));
  else validateLabelSelector(spec.selector, "spec.selector", errors, hadWrongValue(old?.spec?.selector));
  const labels = spec.template?.metadata?.labels;
  if (matcherOf(spec.selector)?.matches(labels) === false) {
    const text = "`selector` does not match template `labels`";
    errors.push(invalid("spec.template.metadata.labels", shownLabels(spec.template?.metadata), text));
  }
}

const hadWrongValue = (selector: LabelSelector | undefined): boolean =>
  selector?.matchExpressions?.some(({ values = [] }) =>
    values.some((value) => isLabelValue(value).length > 0),
  ) ?? false;

/** `old`: at an update. */
export function validateJob(job: Job, old?: Job): FieldError[] {
  const errors: FieldError[] = [];
  const spec = job.spec ?? { template: {} };
  const before = old?.spec?.template?.metadata?.labels;
  const prefixed = !old || (before?.[jobLabels[0]] !== undefined && before[nameLabels[0]] !== undefined);
  validateGenerated(job, prefixed, errors);
  validateWithSelector(spec, errors, old);
  if (spec.completionMode !== "Indexed" || (spec.completions ?? 0) <= 0) return errors;
  const name = job.metadata?.name ?? "";
  const longest = `${name}-${(spec.completions as number) - 1}`;
  if (isDns1123Label(longest).length > 0) {
    const text = `will not able to create pod with invalid DNS label: ${longest}`;
    errors.push(invalid("metadata.name", name, text));
  }
  return errors;
}

/** The template of a suspended Job is mutable if it has no pods and never ran or is marked as suspended. */
function mayChangeTemplate({ spec, status }: Job): boolean {
  if (!spec?.suspend || (status?.active ?? 0) !== 0) return false;
  return !status?.startTime || isTrue(status.conditions, "Suspended");
}

/** The old template with the mutable scheduling fields of the new one. */
function withPlacement(old: PodTemplateSpec, template: PodTemplateSpec): PodTemplateSpec {
  const out = deepClone(old);
  const to = (out.spec ??= { containers: [] });
  const from = template.spec ?? { containers: [] };
  if (to.affinity || from.affinity) {
    to.affinity = { ...to.affinity, nodeAffinity: from.affinity?.nodeAffinity };
    const empty = Object.values(to.affinity).every((value) => value === undefined);
    if (empty && !from.affinity) delete to.affinity;
  }
  for (const name of ["nodeSelector", "tolerations", "schedulingGates"] as const)
    Object.assign(to, { [name]: from[name] });
  out.metadata = {
    ...out.metadata,
    labels: template.metadata?.labels,
    annotations: template.metadata?.annotations,
  };
  return out;
}

/** The old pod spec with the resources of the new one's containers, if they are the same containers. */
function withResources(old: PodSpec, spec: PodSpec): PodSpec {
  const out = deepClone(old);
  for (const list of ["containers", "initContainers"] as const) {
    const [from, to] = [spec[list] ?? [], out[list] ?? []];
    if (from.length !== to.length) continue;
    for (const [i, container] of to.entries())
      if (container.name === from[i]?.name) container.resources = from[i].resources;
  }
  return out;
}

function validateTemplateChange(job: Job, old: Job, errors: FieldError[]): void {
  const template = job.spec?.template ?? {};
  const before = old.spec?.template ?? {};
  const shown = (): unknown => internalForm("core.PodTemplateSpec", template);
  if (!mayChangeTemplate(old)) {
    unchanged("spec.template", template, before, shown, errors);
    return;
  }
  const pod = template.spec ?? { containers: [] };
  const podBefore = withPlacement(before, template).spec ?? { containers: [] };
  unchanged(
    "spec.template.spec",
    pod,
    withResources(podBefore, pod),
    () => internalForm("core.PodSpec", pod),
    errors,
  );
}

function unchanged(
  path: string,
  value: unknown,
  old: unknown,
  shown: () => unknown,
  errors: FieldError[],
): void {
  const found: FieldError[] = [];
  immutable(path, value, old, found);
  if (found.length > 0) errors.push(invalid(path, shown(), immutableText));
}

function validateCompletions(spec: JobSpec, old: JobSpec, errors: FieldError[]): void {
  const { completions, parallelism } = spec;
  if (spec.completionMode !== "Indexed") {
    immutable("spec.completions", completions, old.completions, errors);
  } else if (completions !== undefined && completions !== old.completions && completions !== parallelism) {
    const text = "can only be modified in tandem with spec.parallelism";
    errors.push(invalid("spec.completions", completions, text));
  }
}

/** An update is validated as a new Job first, then as an update, with its spec both times. */
export function validateJobUpdate(job: Job, old: Job): FieldError[] {
  const errors = [...validateJob(job, old), ...validateMetaUpdate(job.metadata, old.metadata)];
  const spec = job.spec;
  const before = old.spec;
  if (!spec || !before) return errors;
  validateWithSelector(spec, errors, old);
  validateCompletions(spec, before, errors);
  const { selector } = spec;
  unchanged("spec.selector", selector, before.selector, () => shownSelector(selector), errors);
  validateTemplateChange(job, old, errors);
  immutable("spec.completionMode", spec.completionMode, before.completionMode, errors);
  for (const [name, type] of [
    ["podFailurePolicy", "batch.PodFailurePolicy"],
    ["backoffLimitPerIndex", ""],
    ["managedBy", ""],
    ["successPolicy", "batch.SuccessPolicy"],
  ] as const) {
    const value = spec[name];
    const shown = (): unknown => (type === "" || !value ? value : internalForm(type, value as object));
    unchanged(`spec.${name}`, value, before[name], shown, errors);
  }
  return errors;
}
