/** What a HorizontalPodAutoscaler may ask for. */
import {
  forbidden,
  invalid,
  isPathSegmentName,
  notSupported,
  parseQuantity,
  compareQuantity,
  required,
} from "../machinery/index.ts";
import type { FieldError } from "./definition.ts";
import type {
  V2CrossVersionObjectReference,
  V2HorizontalPodAutoscaler,
  V2HPAScalingRules,
  V2MetricIdentifier,
  V2MetricSpec,
  V2MetricTarget,
} from "./generated/types.ts";
import { validateLabelSelector } from "./metadata.ts";

function segment(value: string | undefined, path: string, errors: FieldError[], text = ""): void {
  if (!value) errors.push(required(path, text));
  else for (const problem of isPathSegmentName(value)) errors.push(invalid(path, value, problem));
}

function validateReference(
  reference: V2CrossVersionObjectReference | undefined,
  path: string,
  errors: FieldError[],
): void {
  segment(reference?.kind, `${path}.kind`, errors);
  segment(reference?.name, `${path}.name`, errors);
}

function validateIdentifier(
  metric: V2MetricIdentifier | undefined,
  path: string,
  errors: FieldError[],
): void {
  segment(metric?.name, `${path}.name`, errors, "must specify a metric name");
  validateLabelSelector(metric?.selector, `${path}.selector`, errors);
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

function validateResource(
  resource: { name?: string; target?: V2MetricTarget },
  path: string,
  errors: FieldError[],
): void {
  const { name, target } = resource;
  if (!name) errors.push(required(`${path}.name`, "must specify a resource name"));
  validateTarget(target, `${path}.target`, errors);
  if (target?.averageUtilization === undefined && target?.averageValue === undefined) {
    errors.push(
      required(
        `${path}.target.averageUtilization`,
        "must set either a target raw value or a target utilization",
      ),
    );
  }
  if (target?.averageUtilization !== undefined && target.averageValue !== undefined) {
    errors.push(
      forbidden(
        `${path}.target.averageValue`,
        "may not set both a target raw value and a target utilization",
      ),
    );
  }
}

const metricTypes = ["ContainerResource", "External", "Object", "Pods", "Resource"];

function validateMetric(metric: V2MetricSpec, path: string, errors: FieldError[]): void {
  const type = metric.type ?? "";
  if (type === "") errors.push(required(`${path}.type`, "must specify a metric source type"));
  if (!metricTypes.includes(type)) errors.push(notSupported(`${path}.type`, type, metricTypes));
  const sources = {
    Object: metric.object,
    Pods: metric.pods,
    Resource: metric.resource,
    ContainerResource: metric.containerResource,
    External: metric.external,
  };
  const member = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1);
  let wanted = metricTypes.includes(type);
  for (const [name, source] of Object.entries(sources)) {
    if (!source) continue;
    if (name === type) wanted = false;
    else if (metricTypes.includes(type)) {
      errors.push(forbidden(`${path}.${member(name)}`, "must populate the given metric source only"));
    }
  }
  if (wanted) {
    errors.push(required(`${path}.${member(type)}`, "must populate information for the given metric source"));
  }
  if (metric.object) {
    const here = `${path}.object`;
    validateReference(metric.object.describedObject, `${here}.describedObject`, errors);
    validateIdentifier(metric.object.metric, `${here}.metric`, errors);
    const target = metric.object.target;
    validateTarget(target, `${here}.target`, errors);
    if (target?.value === undefined && target?.averageValue === undefined)
      errors.push(required(`${here}.target.averageValue`, "must set either a target value or averageValue"));
  }
  if (metric.external) {
    const here = `${path}.external`;
    validateIdentifier(metric.external.metric, `${here}.metric`, errors);
    const target = metric.external.target;
    validateTarget(target, `${here}.target`, errors);
    if (target?.value === undefined && target?.averageValue === undefined) {
      errors.push(
        required(
          `${here}.target.averageValue`,
          "must set either a target value for metric or a per-pod target",
        ),
      );
    } else if (target.value !== undefined && target.averageValue !== undefined) {
      errors.push(
        forbidden(`${here}.target.value`, "may not set both a target value for metric and a per-pod target"),
      );
    }
  }
  if (metric.pods) {
    const here = `${path}.pods`;
    validateIdentifier(metric.pods.metric, `${here}.metric`, errors);
    const target = metric.pods.target;
    validateTarget(target, `${here}.target`, errors);
    if (target?.averageValue === undefined || !positive(target.averageValue))
      errors.push(required(`${here}.target.averageValue`, "must specify a positive target averageValue"));
  }
  if (metric.resource) validateResource(metric.resource, `${path}.resource`, errors);
  if (metric.containerResource) {
    const { container } = metric.containerResource;
    if (!container) {
      errors.push(required(`${path}.containerResource.container`, "must specify a container"));
    }
    validateResource(metric.containerResource, `${path}.containerResource`, errors);
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
}

/** Rules that the server adds where the client gave a behavior without policies. */
export function defaultBehavior(autoscaler: V2HorizontalPodAutoscaler): void {
  const behavior = autoscaler.spec?.behavior;
  if (!behavior) return;
  const fill = (rules: V2HPAScalingRules | undefined, made: V2HPAScalingRules): V2HPAScalingRules => ({
    ...made,
    ...rules,
  });
  const up: V2HPAScalingRules = {
    stabilizationWindowSeconds: 0,
    selectPolicy: "Max",
    policies: [
      { type: "Pods", value: 4, periodSeconds: 15 },
      { type: "Percent", value: 100, periodSeconds: 15 },
    ],
  };
  const down: V2HPAScalingRules = {
    selectPolicy: "Max",
    policies: [{ type: "Percent", value: 100, periodSeconds: 15 }],
  };
  behavior.scaleUp = fill(behavior.scaleUp, up);
  behavior.scaleDown = fill(behavior.scaleDown, down);
}

export function validateAutoscaler(autoscaler: V2HorizontalPodAutoscaler): FieldError[] {
  const errors: FieldError[] = [];
  const spec = autoscaler.spec;
  const { minReplicas, metrics = [] } = spec ?? {};
  const maxReplicas = spec?.maxReplicas ?? 0;
  if (minReplicas !== undefined && minReplicas < 1)
    errors.push(invalid("spec.minReplicas", minReplicas, "must be greater than or equal to 1"));
  if (maxReplicas < 1) errors.push(required("spec.maxReplicas", "must be set and greater than 0"));
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    errors.push(invalid("spec.maxReplicas", maxReplicas, "must be greater than or equal to `minReplicas`"));
  }
  validateReference(spec?.scaleTargetRef, "spec.scaleTargetRef", errors);
  const version = spec?.scaleTargetRef?.apiVersion ?? "";
  const core = version === "v1" && spec?.scaleTargetRef?.kind === "ReplicationController";
  if (!core && !version.includes("/"))
    errors.push(invalid("spec.scaleTargetRef.apiVersion", version, "apiVersion must specify API group"));
  for (const [i, metric] of metrics.entries()) validateMetric(metric, `spec.metrics[${i}]`, errors);
  const toZero = metrics.some(({ type }) => type === "Object" || type === "External");
  if (minReplicas === 0 && !toZero) {
    errors.push(
      forbidden(
        "spec.metrics",
        "must specify at least one Object or External metric to support scaling to zero replicas",
      ),
    );
  }
  validateBehavior(spec?.behavior?.scaleUp, "spec.behavior.scaleUp", errors);
  validateBehavior(spec?.behavior?.scaleDown, "spec.behavior.scaleDown", errors);
  return errors;
}
