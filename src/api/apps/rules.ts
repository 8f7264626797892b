/** Deployment, ReplicaSet, DaemonSet, StatefulSet and ControllerRevision: defaults and rules. */
import { claimSpecWarnings, isChanged, templateWarnings } from "../core/pod/warnings.ts";
import {
  deepEqual,
  forbidden,
  invalid,
  isPercent,
  notSupported,
  required,
  selectorFromObject,
} from "../../machinery/index.ts";
import { defaultPodTemplate } from "../core/pod/defaults.ts";
import { validatePodTemplate } from "../core/pod/spec.ts";
import { defaultClaimSpec } from "../core/volume.ts";
import type { FieldError } from "../definition.ts";
import type {
  ControllerRevision,
  DaemonSet,
  Deployment,
  IntOrString,
  LabelSelector,
  PodTemplateSpec,
  ReplicaSet,
  RollingUpdateDeployment,
  StatefulSet,
} from "../generated/types.ts";
import { immutable, validateLabelSelector } from "../metadata.ts";

const negativeText = "must be greater than or equal to 0";
const percentText =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";

export function notNegative(value: number | undefined, path: string, errors: FieldError[]): void {
  if (value !== undefined && value < 0) errors.push(invalid(path, value, negativeText));
}

function intOrPercent(value: IntOrString | undefined, path: string, errors: FieldError[]): void {
  if (typeof value === "number") notNegative(value, path, errors);
  else if (value !== undefined && !isPercent(value)) errors.push(invalid(path, value, percentText));
}

function atMostAll(value: IntOrString | undefined, path: string, errors: FieldError[]): void {
  if (isPercent(value) && Number.parseInt(value, 10) > 100)
    errors.push(invalid(path, value, "must not be greater than 100%"));
}

const isZero = (value: IntOrString | undefined): boolean =>
  value === undefined || Number.parseInt(String(value), 10) === 0;

/** The selector, the template, and that they fit. `what` is the kind as the messages have it. */
function validateSelection(
  selector: LabelSelector | undefined,
  template: PodTemplateSpec | undefined,
  messages: { empty: string; deadline: string },
  errors: FieldError[],
): void {
  const before = errors.length;
  const count = Object.keys(selector?.matchLabels ?? {}).length + (selector?.matchExpressions?.length ?? 0);
  if (!selector) {
    if (messages.empty !== "daemonset") errors.push(required("spec.selector"));
  } else {
    validateLabelSelector(selector, "spec.selector", errors);
    if (count === 0) {
      errors.push(invalid("spec.selector", selector, `empty selector is invalid for ${messages.empty}`));
    }
  }
  const path = "spec.template";
  if (!template) {
    errors.push(required(path));
    return;
  }
  const usable = errors.slice(before).every((error) => error.reason !== "FieldValueInvalid" || count === 0);
  const labels = template.metadata?.labels;
  if (usable && !(selector && count === 0) && !selectorFromObject(selector).matches(labels)) {
    errors.push(
      invalid(`${path}.metadata.labels`, labels ?? null, "`selector` does not match template `labels`"),
    );
  }
  validatePodTemplate(template, path, errors);
  const policy = template.spec?.restartPolicy;
  if (policy !== "Always") errors.push(notSupported(`${path}.spec.restartPolicy`, policy ?? "", ["Always"]));
  if (template.spec?.activeDeadlineSeconds !== undefined) {
    errors.push(
      forbidden(
        `${path}.spec.activeDeadlineSeconds`,
        `activeDeadlineSeconds in ${messages.deadline} is not Supported`,
      ),
    );
  }
}

/** What is missing altogether counts as empty, as it does in the original. */
type Defaulted<T extends { spec?: unknown }> = NonNullable<T["spec"]>;

export function defaultDeployment(each: Deployment): void {
  const spec = (each.spec ??= {} as Defaulted<Deployment>);
  spec.replicas ??= 1;
  const strategy = (spec.strategy ??= {});
  strategy.type ||= "RollingUpdate";
  if (strategy.type === "RollingUpdate") {
    const update: RollingUpdateDeployment = (strategy.rollingUpdate ??= {});
    update.maxUnavailable ??= "25%";
    update.maxSurge ??= "25%";
  }
  spec.revisionHistoryLimit ??= 10;
  spec.progressDeadlineSeconds ??= 600;
  spec.template ??= {};
  defaultPodTemplate(spec.template);
}

export function validateDeployment(each: Deployment): FieldError[] {
  const errors: FieldError[] = [];
  const spec = each.spec ?? { selector: {}, template: {} };
  notNegative(spec.replicas, "spec.replicas", errors);
  validateSelection(spec.selector, spec.template, { empty: "deployment", deadline: "ReplicaSet" }, errors);
  const strategy = spec.strategy ?? {};
  const path = "spec.strategy";
  const update = strategy.rollingUpdate;
  if (strategy.type === "Recreate") {
    if (update) {
      errors.push(
        forbidden(`${path}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'"),
      );
    }
  } else if (strategy.type === "RollingUpdate") {
    if (!update) errors.push(required(`${path}.rollingUpdate`, "this should be defaulted and never be nil"));
    else {
      intOrPercent(update.maxUnavailable, `${path}.rollingUpdate.maxUnavailable`, errors);
      intOrPercent(update.maxSurge, `${path}.rollingUpdate.maxSurge`, errors);
      if (isZero(update.maxUnavailable) && isZero(update.maxSurge)) {
        errors.push(
          invalid(
            `${path}.rollingUpdate.maxUnavailable`,
            update.maxUnavailable ?? 0,
            "may not be 0 when `maxSurge` is 0",
          ),
        );
      }
      atMostAll(update.maxUnavailable, `${path}.rollingUpdate.maxUnavailable`, errors);
    }
  } else {
    // The message shows the original's internal spelling.
    const shown = { Type: strategy.type, RollingUpdate: strategy.rollingUpdate ?? null };
    errors.push(notSupported(path, shown, ["Recreate", "RollingUpdate"]));
  }
  notNegative(spec.minReadySeconds, "spec.minReadySeconds", errors);
  notNegative(spec.revisionHistoryLimit, "spec.revisionHistoryLimit", errors);
  const deadline = spec.progressDeadlineSeconds;
  if (deadline !== undefined) {
    notNegative(deadline, "spec.progressDeadlineSeconds", errors);
    if (deadline <= (spec.minReadySeconds ?? 0)) {
      errors.push(invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds"));
    }
  }
  return errors;
}

export function validateSelectorUpdate(
  each: Deployment | ReplicaSet | DaemonSet,
  old: typeof each,
): FieldError[] {
  const errors: FieldError[] = [];
  immutable("spec.selector", each.spec?.selector, old.spec?.selector, errors);
  return errors;
}

export function defaultReplicaSet(each: ReplicaSet): void {
  const spec = (each.spec ??= {} as Defaulted<ReplicaSet>);
  spec.replicas ??= 1;
  defaultPodTemplate((spec.template ??= {}));
}

export function validateReplicaSet(each: ReplicaSet): FieldError[] {
  const errors: FieldError[] = [];
  const spec = each.spec ?? { selector: {} };
  notNegative(spec.replicas, "spec.replicas", errors);
  notNegative(spec.minReadySeconds, "spec.minReadySeconds", errors);
  validateSelection(spec.selector, spec.template, { empty: "deployment", deadline: "ReplicaSet" }, errors);
  return errors;
}

export function defaultDaemonSet(each: DaemonSet): void {
  const spec = (each.spec ??= {} as Defaulted<DaemonSet>);
  spec.template ??= {};
  const strategy = (spec.updateStrategy ??= {});
  strategy.type ||= "RollingUpdate";
  if (strategy.type === "RollingUpdate") {
    strategy.rollingUpdate ??= {};
    strategy.rollingUpdate.maxUnavailable ??= 1;
    strategy.rollingUpdate.maxSurge ??= 0;
  }
  spec.revisionHistoryLimit ??= 10;
  defaultPodTemplate(spec.template);
  if (each.metadata) {
    each.metadata.annotations ??= {};
    each.metadata.annotations["deprecated.daemonset.template.generation"] ??= "1";
  }
}

export function validateDaemonSet(each: DaemonSet): FieldError[] {
  const errors: FieldError[] = [];
  const spec = each.spec ?? { selector: {}, template: {} };
  validateSelection(spec.selector, spec.template, { empty: "daemonset", deadline: "DaemonSet" }, errors);
  notNegative(spec.minReadySeconds, "spec.minReadySeconds", errors);
  notNegative(spec.revisionHistoryLimit, "spec.revisionHistoryLimit", errors);
  const path = "spec.updateStrategy";
  const { type, rollingUpdate } = spec.updateStrategy ?? {};
  if (type === "RollingUpdate") {
    if (!rollingUpdate) errors.push(required(`${path}.rollingUpdate`));
    else {
      const { maxUnavailable, maxSurge } = rollingUpdate;
      intOrPercent(maxUnavailable, `${path}.rollingUpdate.maxUnavailable`, errors);
      intOrPercent(maxSurge, `${path}.rollingUpdate.maxSurge`, errors);
      atMostAll(maxUnavailable, `${path}.rollingUpdate.maxUnavailable`, errors);
      atMostAll(maxSurge, `${path}.rollingUpdate.maxSurge`, errors);
      if (!isZero(maxUnavailable) && !isZero(maxSurge)) {
        errors.push(
          invalid(
            `${path}.rollingUpdate.maxSurge`,
            maxSurge,
            "may not be set when maxUnavailable is non-zero",
          ),
        );
      } else if (isZero(maxUnavailable) && isZero(maxSurge)) {
        errors.push(required(`${path}.rollingUpdate.maxUnavailable`, "cannot be 0 when maxSurge is 0"));
      }
    }
  } else if (type !== "OnDelete") {
    errors.push(notSupported(path, spec.updateStrategy ?? {}, ["RollingUpdate", "OnDelete"]));
  }
  return errors;
}

export function defaultStatefulSet(each: StatefulSet): void {
  const spec = (each.spec ??= {} as Defaulted<StatefulSet>);
  spec.template ??= {};
  spec.podManagementPolicy ||= "OrderedReady";
  const strategy = (spec.updateStrategy ??= {});
  if (!strategy.type) {
    strategy.type = "RollingUpdate";
    strategy.rollingUpdate ??= {};
  }
  if (strategy.type === "RollingUpdate" && strategy.rollingUpdate) strategy.rollingUpdate.partition ??= 0;
  const retention = (spec.persistentVolumeClaimRetentionPolicy ??= {});
  retention.whenDeleted ||= "Retain";
  retention.whenScaled ||= "Retain";
  spec.replicas ??= 1;
  spec.revisionHistoryLimit ??= 10;
  defaultPodTemplate(spec.template);
  for (const claim of spec.volumeClaimTemplates ?? []) {
    claim.apiVersion ??= "v1";
    claim.kind ??= "PersistentVolumeClaim";
    if (claim.spec) defaultClaimSpec(claim.spec);
    claim.status ??= {};
    claim.status.phase ||= "Pending";
  }
}

export function validateStatefulSet(each: StatefulSet): FieldError[] {
  const errors: FieldError[] = [];
  const spec = each.spec ?? { selector: {}, template: {} };
  const policy = spec.podManagementPolicy;
  if (!policy) errors.push(required("spec.podManagementPolicy"));
  else if (policy !== "OrderedReady" && policy !== "Parallel") {
    errors.push(invalid("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'"));
  }
  const { type, rollingUpdate } = spec.updateStrategy ?? {};
  if (!type) errors.push(required("spec.updateStrategy"));
  else if (type === "OnDelete") {
    if (rollingUpdate) {
      errors.push(
        invalid(
          "spec.updateStrategy.rollingUpdate",
          { Partition: rollingUpdate.partition ?? 0, MaxUnavailable: rollingUpdate.maxUnavailable ?? null },
          "only allowed for updateStrategy 'RollingUpdate'",
        ),
      );
    }
  } else if (type === "RollingUpdate") {
    notNegative(rollingUpdate?.partition, "spec.updateStrategy.rollingUpdate.partition", errors);
  } else {
    const shown = { Type: type, RollingUpdate: spec.updateStrategy?.rollingUpdate ?? null };
    errors.push(invalid("spec.updateStrategy", shown, "must be 'RollingUpdate' or 'OnDelete'"));
  }
  const retention = spec.persistentVolumeClaimRetentionPolicy ?? {};
  for (const member of ["whenDeleted", "whenScaled"] as const) {
    const value = retention[member];
    if (value !== undefined && !retentions.includes(value)) {
      errors.push(notSupported(`spec.persistentVolumeClaimRetentionPolicy.${member}`, value, retentions));
    }
  }
  notNegative(spec.replicas, "spec.replicas", errors);
  notNegative(spec.minReadySeconds, "spec.minReadySeconds", errors);
  notNegative(spec.ordinals?.start, "spec.ordinals.start", errors);
  validateSelection(spec.selector, spec.template, { empty: "statefulset", deadline: "StatefulSet" }, errors);
  return errors;
}

const retentions = ["Retain", "Delete"];

const statefulMutable = new Set([
  "replicas",
  "ordinals",
  "template",
  "updateStrategy",
  "revisionHistoryLimit",
  "persistentVolumeClaimRetentionPolicy",
  "minReadySeconds",
]);

export function validateStatefulSetUpdate(each: StatefulSet, old: StatefulSet): FieldError[] {
  const fixed = (set: StatefulSet): Record<string, unknown> =>
    Object.fromEntries(Object.entries(set.spec ?? {}).filter(([name]) => !statefulMutable.has(name)));
  if (deepEqual(fixed(each), fixed(old))) return [];
  return [
    forbidden(
      "spec",
      "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    ),
  ];
}

export function validateRevision(each: ControllerRevision): FieldError[] {
  const errors: FieldError[] = [];
  if (each.data === undefined || each.data === null) errors.push(required("data", "data is mandatory"));
  notNegative(each.revision, "revision", errors);
  return errors;
}

export function validateRevisionUpdate(each: ControllerRevision, old: ControllerRevision): FieldError[] {
  const errors: FieldError[] = [];
  immutable("data", each.data, old.data, errors);
  return errors;
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
