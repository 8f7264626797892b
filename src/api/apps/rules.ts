/** Validation of Deployments, ReplicaSets, DaemonSets, StatefulSets and ControllerRevisions. */
import { claimSpecWarnings, isChanged, templateWarnings } from "../core/pod/warnings.ts";
import {
  deepEqual,
  forbidden,
  invalid,
  invalidTyped,
  isDns1123Label,
  isObject,
  isPercent,
  notSupported,
  required,
  sameRaw,
  selectorFromObject,
  settleRaw,
  wasEmptied,
} from "../../machinery/index.ts";
import { validateClaimSpec } from "../core/claim-spec.ts";
import { validatePodAnnotations } from "../core/pod/annotations.ts";
import { validatePodTemplate } from "../core/pod/spec.ts";
import { validateServingTemplate } from "../core/workloads.ts";
import type { FieldError } from "../definition.ts";
import { each, negativeText, notNegative } from "../field-rules.ts";
import type {
  ControllerRevision,
  DaemonSet,
  Deployment,
  IntOrString,
  LabelSelector,
  PodTemplateSpec,
  ReplicaSet,
  StatefulSet,
} from "../generated/types.ts";
import { internalForm, publishedForm } from "../internal-form.ts";
import {
  immutableText,
  validateAnnotations,
  validateLabels,
  validateLabelSelector,
  shownLabels,
} from "../metadata.ts";
import { numberIn, rollbackTo } from "./numbers.ts";

const percentText =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";

function intOrPercent(value: IntOrString | undefined, path: string, errors: FieldError[]): void {
  if (typeof value === "number") notNegative(value, path, errors);
  else if (value !== undefined && !isPercent(value)) errors.push(invalidTyped(path, value, percentText));
}

function atMostAll(value: IntOrString | undefined, path: string, errors: FieldError[]): void {
  if (isPercent(value) && Number.parseInt(value, 10) > 100)
    errors.push(invalid(path, value, "must not be greater than 100%"));
}

/** Invalid numbers count as none; they have been reported. */
const isZero = (value: IntOrString = 0): boolean =>
  typeof value === "number"
    ? value === 0
    : !/^(\d+%|[+-]?\d+)$/.test(value) || Number.parseInt(value, 10) === 0;

type Template = PodTemplateSpec | undefined;

/** A selector as shown in messages. */
const shownSelector = (selector: LabelSelector | undefined): object | null =>
  selector ? publishedForm("io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector", selector) : null;

function selectorStays(
  now: LabelSelector | undefined,
  old: LabelSelector | undefined,
  errors: FieldError[],
): void {
  if (!deepEqual(now, old)) errors.push(invalid("spec.selector", shownSelector(now), immutableText));
}

const countOf = (selector: LabelSelector | undefined): number =>
  Object.keys(selector?.matchLabels ?? {}).length + (selector?.matchExpressions?.length ?? 0);

/** The selector, which must exist and not be empty. True when it is valid. */
function validateSelector(selector: LabelSelector | undefined, what: string, errors: FieldError[]): boolean {
  if (!selector) {
    errors.push(required("spec.selector"));
    return true;
  }
  const before = errors.length;
  validateLabelSelector(selector, "spec.selector", errors);
  const usable = errors.length === before;
  if (countOf(selector) === 0)
    errors.push(invalid("spec.selector", selector, `empty selector is invalid for ${what}`));
  return usable;
}

/** Whether the selector matches these labels; an empty one matches everything. */
const finder =
  (selector: LabelSelector | undefined) =>
  (labels: Readonly<Record<string, string>> | undefined): boolean =>
    Boolean(selector && countOf(selector) === 0) || selectorFromObject(selector).matches(labels);

/** Selector and template of a Deployment or a ReplicaSet. */
function validateSelection(
  selector: LabelSelector | undefined,
  template: Template,
  errors: FieldError[],
  old: Template,
): void {
  const path = "spec.template";
  if (validateSelector(selector, "deployment", errors))
    validateServingTemplate(template ?? {}, path, finder(selector), "ReplicaSet", errors, old);
  else errors.push(invalid("spec.selector", shownSelector(selector), "invalid label selector"));
}

export function validateDeployment(deployment: Deployment, old?: Deployment): FieldError[] {
  const errors: FieldError[] = [];
  const spec = deployment.spec ?? { selector: {}, template: {} };
  notNegative(spec.replicas, "spec.replicas", errors);
  validateSelection(spec.selector, spec.template, errors, old?.spec?.template);
  const strategy = spec.strategy ?? {};
  const path = "spec.strategy";
  const update = strategy.rollingUpdate;
  if (strategy.type === "Recreate") {
    if (update) {
      const text = "may not be specified when strategy `type` is 'Recreate'";
      errors.push(forbidden(`${path}.rollingUpdate`, text));
    }
  } else if (strategy.type === "RollingUpdate") {
    const here = `${path}.rollingUpdate.maxUnavailable`;
    intOrPercent(update?.maxUnavailable, here, errors);
    intOrPercent(update?.maxSurge, `${path}.rollingUpdate.maxSurge`, errors);
    if (isZero(update?.maxUnavailable) && isZero(update?.maxSurge))
      errors.push(invalid(here, update?.maxUnavailable ?? 0, "may not be 0 when `maxSurge` is 0"));
    atMostAll(update?.maxUnavailable, here, errors);
  } else {
    const shown = internalForm("apps.DeploymentStrategy", strategy);
    errors.push(notSupported(path, shown, ["Recreate", "RollingUpdate"]));
  }
  notNegative(spec.minReadySeconds, "spec.minReadySeconds", errors);
  notNegative(spec.revisionHistoryLimit, "spec.revisionHistoryLimit", errors);
  const rollback = numberIn(deployment, rollbackTo);
  if (rollback !== undefined && rollback < 0n)
    errors.push(invalid("spec.rollback.version", rollback, negativeText));
  const deadline = spec.progressDeadlineSeconds;
  if (deadline !== undefined) {
    notNegative(deadline, "spec.progressDeadlineSeconds", errors);
    if (deadline <= (spec.minReadySeconds ?? 0))
      errors.push(invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds"));
  }
  return errors;
}

export function validateDeploymentUpdate(deployment: Deployment, old: Deployment): FieldError[] {
  const errors = validateDeployment(deployment, old);
  selectorStays(deployment.spec?.selector, old.spec?.selector, errors);
  return errors;
}

export function validateReplicaSet(set: ReplicaSet, old?: ReplicaSet): FieldError[] {
  const errors: FieldError[] = [];
  const spec = set.spec ?? { selector: {} };
  notNegative(spec.replicas, "spec.replicas", errors);
  notNegative(spec.minReadySeconds, "spec.minReadySeconds", errors);
  validateSelection(spec.selector, spec.template, errors, old?.spec?.template);
  return errors;
}

export function validateReplicaSetUpdate(set: ReplicaSet, old: ReplicaSet): FieldError[] {
  const errors = validateReplicaSet(set, old);
  selectorStays(set.spec?.selector, old.spec?.selector, errors);
  return errors;
}

export function validateDaemonSet(set: DaemonSet, old?: DaemonSet): FieldError[] {
  const errors: FieldError[] = [];
  const spec: Partial<NonNullable<DaemonSet["spec"]>> = set.spec ?? {};
  const { selector, template = {} } = spec;
  validateLabelSelector(selector, "spec.selector", errors);
  if (errors.length === 0 && !finder(selector)(template.metadata?.labels)) {
    const text = "`selector` does not match template `labels`";
    errors.push(invalid("spec.template.metadata.labels", shownLabels(template.metadata), text));
  }
  if (selector && countOf(selector) === 0)
    errors.push(invalid("spec.selector", selector, "empty selector is invalid for daemonset"));
  validateServingTemplate(template, "spec.template", () => true, "DaemonSet", errors, old?.spec?.template);
  notNegative(spec.minReadySeconds, "spec.minReadySeconds", errors);
  const strategy = spec.updateStrategy ?? {};
  const path = "spec.updateStrategy";
  if (strategy.type === "RollingUpdate") {
    const { maxUnavailable, maxSurge } = strategy.rollingUpdate ?? {};
    const [unavailable, surge] = [`${path}.rollingUpdate.maxUnavailable`, `${path}.rollingUpdate.maxSurge`];
    intOrPercent(maxUnavailable, unavailable, errors);
    intOrPercent(maxSurge, surge, errors);
    atMostAll(maxUnavailable, unavailable, errors);
    atMostAll(maxSurge, surge, errors);
    if (!isZero(maxUnavailable) && !isZero(maxSurge))
      errors.push(invalid(surge, maxSurge, "may not be set when maxUnavailable is non-zero"));
    else if (isZero(maxUnavailable) && isZero(maxSurge))
      errors.push(required(unavailable, "cannot be 0 when maxSurge is 0"));
  } else if (strategy.type !== "OnDelete") {
    const shown = internalForm("apps.DaemonSetUpdateStrategy", strategy);
    errors.push(notSupported(path, shown, ["RollingUpdate", "OnDelete"]));
  }
  notNegative(spec.revisionHistoryLimit, "spec.revisionHistoryLimit", errors);
  return errors;
}

export function validateDaemonSetUpdate(set: DaemonSet, old: DaemonSet): FieldError[] {
  const errors: FieldError[] = [];
  selectorStays(set.spec?.selector, old.spec?.selector, errors);
  return [...errors, ...validateDaemonSet(set, old)];
}

/** The template without fields that the controller overwrites: the pod's names, and volumes of claims. */
function withoutOwn({ template, volumeClaimTemplates }: NonNullable<StatefulSet["spec"]>): PodTemplateSpec {
  const { subdomain, hostname, volumes = [], ...rest } = template?.spec ?? { containers: [] };
  const claims = [...new Set((volumeClaimTemplates ?? []).map(({ metadata }) => metadata?.name ?? ""))];
  if (claims.length === 0) {
    return subdomain || hostname
      ? { ...template, spec: { ...rest, ...(volumes.length > 0 ? { volumes } : {}) } }
      : (template ?? {});
  }
  const made = claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } }));
  const kept = volumes.filter(({ name }) => !claims.includes(name));
  return { ...template, spec: { ...rest, volumes: [...made, ...kept] } };
}

const retentions = ["Retain", "Delete"];

function validateUpdateStrategy(set: StatefulSet, errors: FieldError[]): void {
  const path = "spec.updateStrategy";
  const strategy = set.spec?.updateStrategy ?? {};
  const { type, rollingUpdate } = strategy;
  if (!type) errors.push(required(path));
  else if (type === "OnDelete") {
    if (!rollingUpdate) return;
    const shown = internalForm("apps.RollingUpdateStatefulSetStrategy", rollingUpdate);
    errors.push(invalid(`${path}.rollingUpdate`, shown, "only allowed for updateStrategy 'RollingUpdate'"));
  } else if (type === "RollingUpdate") {
    notNegative(rollingUpdate?.partition, `${path}.rollingUpdate.partition`, errors);
  } else {
    const shown = internalForm("apps.StatefulSetUpdateStrategy", strategy);
    errors.push(invalid(path, shown, "must be 'RollingUpdate' or 'OnDelete'"));
  }
}

export function validateStatefulSet(set: StatefulSet): FieldError[] {
  return validateStatefulSpec(set);
}

/** `old`: at an update. Immutable fields are not validated then, nor the template of an object that was invalid. */
function validateStatefulSpec(set: StatefulSet, old?: StatefulSet, wasValid?: () => boolean): FieldError[] {
  const errors: FieldError[] = [];
  const spec = set.spec ?? { selector: {}, template: {} };
  const policy = spec.podManagementPolicy;
  if (!policy) errors.push(required("spec.podManagementPolicy"));
  else if (policy !== "OrderedReady" && policy !== "Parallel")
    errors.push(invalidTyped("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'"));
  validateUpdateStrategy(set, errors);
  const retention = spec.persistentVolumeClaimRetentionPolicy ?? {};
  for (const member of ["whenDeleted", "whenScaled"] as const) {
    const value = retention[member];
    if (value !== undefined && !retentions.includes(value))
      errors.push(notSupported(`spec.persistentVolumeClaimRetentionPolicy.${member}`, value, retentions));
  }
  for (const [i, claim] of (old ? [] : (spec.volumeClaimTemplates ?? [])).entries())
    validateClaimSpec(claim.spec ?? {}, `spec.volumeClaimTemplates[${i}].spec`, errors);
  notNegative(spec.replicas, "spec.replicas", errors);
  notNegative(spec.minReadySeconds, "spec.minReadySeconds", errors);
  notNegative(spec.ordinals?.start, "spec.ordinals.start", errors);
  if (!old && spec.serviceName) each(isDns1123Label, "spec.serviceName", spec.serviceName, errors);
  const template = withoutOwn(spec);
  const path = "spec.template";
  if (validateSelector(spec.selector, "statefulset", errors)) {
    if (!finder(spec.selector)(template.metadata?.labels)) {
      const text = "`selector` does not match template `labels`";
      errors.push(invalid(`${path}.metadata.labels`, shownLabels(template.metadata), text));
    }
    const wrong: FieldError[] = [];
    validatePodTemplate(template, path, wrong, old?.spec?.template);
    if (wrong.length === 0 || !wasValid || wasValid()) errors.push(...wrong);
    const { labels, annotations } = template.metadata ?? {};
    validateLabels(labels, `${path}.labels`, errors);
    validateAnnotations(annotations, `${path}.annotations`, errors);
    const before = old?.spec?.template?.metadata?.annotations;
    const podSpec = template.spec ?? { containers: [] };
    validatePodAnnotations(annotations, podSpec, `${path}.annotations`, errors, before);
  } else errors.push(invalid("spec.selector", shownSelector(spec.selector), ""));
  const restart = template.spec?.restartPolicy ?? "";
  if (restart !== "Always") errors.push(notSupported(`${path}.spec.restartPolicy`, restart, ["Always"]));
  if (template.spec?.activeDeadlineSeconds !== undefined) {
    const text = "activeDeadlineSeconds in StatefulSet is not Supported";
    errors.push(forbidden(`${path}.spec.activeDeadlineSeconds`, text));
  }
  return errors;
}

/** maxUnavailable, whose feature gate is off by default, so it is kept only if already used. */
export function dropMaxUnavailable(set: StatefulSet, old?: StatefulSet): void {
  const update = set.spec?.updateStrategy?.rollingUpdate;
  if (update && old?.spec?.updateStrategy?.rollingUpdate?.maxUnavailable === undefined)
    delete update.maxUnavailable;
}

const statefulMutable = new Set([
  "replicas",
  "ordinals",
  "template",
  "updateStrategy",
  "revisionHistoryLimit",
  "persistentVolumeClaimRetentionPolicy",
  "minReadySeconds",
]);

export function validateStatefulSetUpdate(set: StatefulSet, old: StatefulSet): FieldError[] {
  const fixed = (of: StatefulSet): Record<string, unknown> =>
    Object.fromEntries(Object.entries(of.spec ?? {}).filter(([name]) => !statefulMutable.has(name)));
  const wasValid = (): boolean => validateStatefulSpec(old, old).length === 0;
  const errors = validateStatefulSpec(set, old, wasValid);
  if (deepEqual(fixed(set), fixed(old))) return errors;
  return [
    ...errors,
    forbidden(
      "spec",
      "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    ),
  ];
}

export function validateRevision(revision: ControllerRevision): FieldError[] {
  const errors: FieldError[] = [];
  notNegative(revision.revision, "revision", errors);
  return errors;
}

export function validateNewRevision(revision: ControllerRevision): FieldError[] {
  const data: unknown = revision.data;
  if (isObject(data) || wasEmptied(revision, "data")) return [];
  const nothing = data === undefined || data === null;
  return [required("data", nothing ? "data is mandatory" : "data must be a valid JSON object")];
}

/** Fields of a ControllerRevision that are kept as text. */
export const revisionRawFields = ["data"] as const;

/** The data is compared as text, as in Kubernetes: the same members in another order differ. */
export function validateRevisionUpdate(revision: ControllerRevision, old: ControllerRevision): FieldError[] {
  const data: unknown = revision.data ?? null;
  if (deepEqual(data, old.data ?? null) && sameRaw(revisionRawFields, revision, old)) return [];
  settleRaw(revisionRawFields, revision);
  return [invalid("data", data, immutableText)];
}

export function statefulSetWarnings(set: StatefulSet, old?: StatefulSet): string[] {
  const { template, volumeClaimTemplates = [], revisionHistoryLimit = 0 } = set.spec ?? {};
  return [
    ...(old && !isChanged(set, old) ? [] : templateWarnings("spec.template", template)),
    ...volumeClaimTemplates.flatMap((claim, i) => {
      const path = `spec.volumeClaimTemplates[${i}]`;
      return claimSpecWarnings(old ? `${path}.Spec` : path, claim.spec ?? {});
    }),
    ...(revisionHistoryLimit < 0
      ? [
          "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended",
        ]
      : []),
  ];
}
