/** Validation of HorizontalPodAutoscalers. */
import {
  forbidden,
  invalid,
  isDns1123Label,
  isPathSegmentName,
  notSupported,
  parseQuantity,
  compareQuantity,
  required,
} from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import type {
  V2CrossVersionObjectReference,
  V2HorizontalPodAutoscaler,
  V2HPAScalingRules,
  V2MetricIdentifier,
  V2MetricSpec,
  V2MetricTarget,
} from "../generated/types.ts";
import { validateContainerResourceName } from "../core/resource-names.ts";
import { each, negativeText } from "../field-rules.ts";

function segment(value: string | undefined, path: string, errors: FieldError[], text = ""): void {
  if (!value) errors.push(required(path, text));
  else for (const problem of isPathSegmentName(value)) errors.push(invalid(path, value, problem));
}

/** How the apiVersion of a reference is validated. */
type VersionRule = "with group" | "any" | "unchecked";

function versionProblem(apiVersion: string, rule: VersionRule): string | undefined {
  if (rule === "unchecked") return undefined;
  const parts = apiVersion.split("/");
  if (parts.length > 2) return `unexpected GroupVersion string: ${apiVersion}`;
  const group = parts.length === 2 ? parts[0] : "";
  return group === "" && rule === "with group" ? "apiVersion must specify API group" : undefined;
}

function validateReference(
  reference: V2CrossVersionObjectReference | undefined,
  path: string,
  rule: VersionRule,
  errors: FieldError[],
): void {
  segment(reference?.kind, `${path}.kind`, errors);
  segment(reference?.name, `${path}.name`, errors);
  const version = reference?.apiVersion ?? "";
  const problem = versionProblem(version, rule);
  if (problem) errors.push(invalid(`${path}.apiVersion`, version, problem));
}

function validateIdentifier(
  metric: V2MetricIdentifier | undefined,
  path: string,
  errors: FieldError[],
): void {
  segment(metric?.name, `${path}.name`, errors, "must specify a metric name");
}

const positive = (quantity: string): boolean => compareQuantity(parseQuantity(quantity), "0") > 0;

function validateTarget(target: V2MetricTarget | undefined, path: string, errors: FieldError[]): void {
  const type = target?.type ?? "";
  if (type === "") errors.push(required(`${path}.type`, "must specify a metric target type"));
  if (type !== "Utilization" && type !== "Value" && type !== "AverageValue") {
    errors.push(invalid(`${path}.type`, type, "must be either Utilization, Value, or AverageValue"));
  }
  if (target?.value !== undefined && !positive(target.value))
    errors.push(invalid(`${path}.value`, target.value, "must be positive"));
  if (target?.averageValue !== undefined && !positive(target.averageValue))
    errors.push(invalid(`${path}.averageValue`, target.averageValue, "must be positive"));
  if (target?.averageUtilization !== undefined && target.averageUtilization < 1)
    errors.push(invalid(`${path}.averageUtilization`, target.averageUtilization, "must be greater than 0"));
}

function validateResourceTarget(
  target: V2MetricTarget | undefined,
  path: string,
  errors: FieldError[],
): void {
  validateTarget(target, path, errors);
  const { averageUtilization, averageValue } = target ?? {};
  if (averageUtilization === undefined && averageValue === undefined) {
    const text = "must set either a target raw value or a target utilization";
    errors.push(required(`${path}.averageUtilization`, text));
  }
  if (averageUtilization !== undefined && averageValue !== undefined) {
    const text = "may not set both a target raw value and a target utilization";
    errors.push(forbidden(`${path}.averageValue`, text));
  }
}

type SourceRule = (metric: V2MetricSpec, path: string, version: VersionRule, errors: FieldError[]) => void;

/** Validators of each source by field, in order. */
const sources: readonly [type: string, field: keyof V2MetricSpec, rule: SourceRule][] = [
  [
    "Object",
    "object",
    ({ object }, path, version, errors) => {
      validateReference(object?.describedObject, `${path}.describedObject`, version, errors);
      validateIdentifier(object?.metric, `${path}.metric`, errors);
      validateTarget(object?.target, `${path}.target`, errors);
      if (object?.target?.value === undefined && object?.target?.averageValue === undefined)
        errors.push(
          required(`${path}.target.averageValue`, "must set either a target value or averageValue"),
        );
    },
  ],
  [
    "External",
    "external",
    ({ external }, path, _version, errors) => {
      validateIdentifier(external?.metric, `${path}.metric`, errors);
      validateTarget(external?.target, `${path}.target`, errors);
      const { value, averageValue } = external?.target ?? {};
      if (value === undefined && averageValue === undefined) {
        const text = "must set either a target value for metric or a per-pod target";
        errors.push(required(`${path}.target.averageValue`, text));
      }
      if (value !== undefined && averageValue !== undefined) {
        const text = "may not set both a target value for metric and a per-pod target";
        errors.push(forbidden(`${path}.target.value`, text));
      }
    },
  ],
  [
    "Pods",
    "pods",
    ({ pods }, path, _version, errors) => {
      validateIdentifier(pods?.metric, `${path}.metric`, errors);
      validateTarget(pods?.target, `${path}.target`, errors);
      if (pods?.target?.averageValue === undefined)
        errors.push(required(`${path}.target.averageValue`, "must specify a positive target averageValue"));
    },
  ],
  [
    "Resource",
    "resource",
    ({ resource }, path, _version, errors) => {
      if (!resource?.name) errors.push(required(`${path}.name`, "must specify a resource name"));
      validateResourceTarget(resource?.target, `${path}.target`, errors);
    },
  ],
  [
    "ContainerResource",
    "containerResource",
    ({ containerResource }, path, _version, errors) => {
      const { name, container, target } = containerResource ?? {};
      if (name) validateContainerResourceName(name, `${path}.name`, errors);
      else errors.push(required(`${path}.name`, "must specify a resource name"));
      if (container) each(isDns1123Label, `${path}.container`, container, errors);
      else errors.push(required(`${path}.container`, "must specify a container"));
      validateResourceTarget(target, `${path}.target`, errors);
    },
  ],
];

const metricTypes = sources.map(([type]) => type).toSorted();

/** Only the first source is validated; more than one is an error anyway. */
function validateMetric(
  metric: V2MetricSpec,
  path: string,
  version: VersionRule,
  errors: FieldError[],
): void {
  const type = metric.type ?? "";
  const unknown = notSupported(`${path}.type`, type, metricTypes);
  const wanted = sources.find(([name]) => name === type)?.[1];
  if (type === "") errors.push(required(`${path}.type`, "must specify a metric source type"));
  if (!wanted) errors.push(unknown);
  const present = sources.filter(([, field]) => metric[field] !== undefined);
  const [first] = present;
  if (first) first[2](metric, `${path}.${first[1]}`, version, errors);
  if (!wanted) errors.push(unknown);
  else if (metric[wanted] === undefined)
    errors.push(required(`${path}.${wanted}`, "must populate information for the given metric source"));
  if (present.length < 2) return;
  for (const [, field] of present) {
    if (field !== wanted)
      errors.push(forbidden(`${path}.${field}`, "must populate the given metric source only"));
  }
}

const longestWindow = 3600;
const longestPeriod = 1800;

function validateBehavior(rules: V2HPAScalingRules | undefined, path: string, errors: FieldError[]): void {
  if (!rules) return;
  const { stabilizationWindowSeconds: window, selectPolicy, policies = [] } = rules;
  if (window !== undefined && window < 0)
    errors.push(
      invalid(`${path}.stabilizationWindowSeconds`, window, "must be greater than or equal to zero"),
    );
  if (window !== undefined && window > longestWindow) {
    errors.push(
      invalid(`${path}.stabilizationWindowSeconds`, window, `must be less than or equal to ${longestWindow}`),
    );
  }
  const selections = ["Disabled", "Max", "Min"];
  if (selectPolicy !== undefined && !selections.includes(selectPolicy))
    errors.push(notSupported(`${path}.selectPolicy`, selectPolicy, selections));
  if (policies.length === 0) errors.push(required(`${path}.policies`, "must specify at least one Policy"));
  for (const [i, { type, value, periodSeconds }] of policies.entries()) {
    const here = `${path}.policies[${i}]`;
    if (type !== "Percent" && type !== "Pods")
      errors.push(notSupported(`${here}.type`, type ?? "", ["Percent", "Pods"]));
    if ((value ?? 0) <= 0) errors.push(invalid(`${here}.value`, value ?? 0, "must be greater than zero"));
    const period = periodSeconds ?? 0;
    if (period <= 0) errors.push(invalid(`${here}.periodSeconds`, period, "must be greater than zero"));
    if (period > longestPeriod)
      errors.push(invalid(`${here}.periodSeconds`, period, `must be less than or equal to ${longestPeriod}`));
  }
  const { tolerance } = rules;
  if (tolerance !== undefined && compareQuantity(tolerance, "0") < 0)
    errors.push(invalid(`${path}.tolerance`, tolerance, negativeText));
}

interface Rules {
  target: VersionRule;
  objects: VersionRule;
}

function validateSpec(autoscaler: V2HorizontalPodAutoscaler, rules: Rules): FieldError[] {
  const errors: FieldError[] = [];
  const spec = autoscaler.spec;
  const { minReplicas, metrics = [] } = spec ?? {};
  const maxReplicas = spec?.maxReplicas ?? 0;
  if (minReplicas !== undefined && minReplicas < 1)
    errors.push(invalid("spec.minReplicas", minReplicas, "must be greater than or equal to 1"));
  if (maxReplicas === 0) errors.push(required("spec.maxReplicas", "must be set and greater than 0"));
  if (maxReplicas < 0)
    errors.push(invalid("spec.maxReplicas", maxReplicas, "must be greater than or equal to 1"));
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    errors.push(invalid("spec.maxReplicas", maxReplicas, "must be greater than or equal to `minReplicas`"));
  }
  validateReference(spec?.scaleTargetRef, "spec.scaleTargetRef", rules.target, errors);
  for (const [i, metric] of metrics.entries())
    validateMetric(metric, `spec.metrics[${i}]`, rules.objects, errors);
  const toZero = metrics.some(({ type }) => type === "Object" || type === "External");
  if (minReplicas === 0 && !toZero) {
    const text = "must specify at least one Object or External metric to support scaling to zero replicas";
    errors.push(forbidden("spec.metrics", text));
  }
  validateBehavior(spec?.behavior?.scaleUp, "spec.behavior.scaleUp", errors);
  validateBehavior(spec?.behavior?.scaleDown, "spec.behavior.scaleDown", errors);
  return errors;
}

/** The only scalable kind of the core group. */
const isController = ({ spec }: V2HorizontalPodAutoscaler): boolean =>
  spec?.scaleTargetRef?.kind === "ReplicationController";

export function validateAutoscaler(autoscaler: V2HorizontalPodAutoscaler): FieldError[] {
  return validateSpec(autoscaler, {
    target: isController(autoscaler) ? "any" : "with group",
    objects: "any",
  });
}

/** Invalid references of the old object may stay. */
export function validateAutoscalerChange(
  autoscaler: V2HorizontalPodAutoscaler,
  old: V2HorizontalPodAutoscaler,
): FieldError[] {
  const now = autoscaler.spec?.scaleTargetRef;
  const before = old.spec?.scaleTargetRef;
  const same = now?.kind === before?.kind && (now?.apiVersion ?? "") === (before?.apiVersion ?? "");
  const wrongBefore = old.spec?.metrics?.some(
    ({ type, object }) =>
      type === "Object" && versionProblem(object?.describedObject.apiVersion ?? "", "any") !== undefined,
  );
  return validateSpec(autoscaler, {
    target: same ? "unchecked" : isController(autoscaler) ? "any" : "with group",
    objects: wrongBefore ? "unchecked" : "any",
  });
}

export function validateAutoscalerStatus({ status }: V2HorizontalPodAutoscaler): FieldError[] {
  const errors: FieldError[] = [];
  for (const name of ["currentReplicas", "desiredReplicas"] as const) {
    const value = status?.[name] ?? 0;
    if (value < 0) errors.push(invalid(`status.${name}`, value, negativeText));
  }
  return errors;
}
