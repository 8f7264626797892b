/**
 * autoscaling/v1 HorizontalPodAutoscaler: the older version, with CPU only (`kubectl autoscale` uses it). Stored as v2; other
 * fields are carried in annotations, as in Kubernetes.
 */
import { isObject } from "../../machinery/index.ts";
import type { HorizontalPodAutoscaler, V2HorizontalPodAutoscaler, V2MetricSpec } from "../generated/types.ts";
import { conform } from "../conform.ts";
import { internalForm } from "../internal-form.ts";
import { carried, carriers, carry, dropCarried } from "./carried.ts";
import { fillShare } from "./defaults.ts";
import {
  conditionFrom1,
  conditionTo1,
  listFrom,
  specFrom1,
  specTo1,
  statusFrom1,
  statusTo1,
} from "./version1-metrics.ts";

type Behavior = NonNullable<NonNullable<V2HorizontalPodAutoscaler["spec"]>["behavior"]>;

const isCpuShare = (metric: V2MetricSpec): boolean =>
  metric.type === "Resource" &&
  metric.resource?.name === "cpu" &&
  metric.resource.target?.averageUtilization !== undefined;

/** v1 to v2, in place. */
export function toV2(object: object): void {
  const from = object as HorizontalPodAutoscaler;
  const to = object as unknown as V2HorizontalPodAutoscaler;
  if (from.spec) {
    const share = from.spec.targetCPUUtilizationPercentage;
    delete from.spec.targetCPUUtilizationPercentage;
    const metrics: V2MetricSpec[] = listFrom(carried(from, carriers.metrics), specFrom1) ?? [];
    if (share !== undefined) {
      const target = { type: "Utilization", averageUtilization: share };
      metrics.push({ type: "Resource", resource: { name: "cpu", target } });
    }
    if (to.spec && metrics.length > 0) to.spec.metrics = metrics;
    const behavior = behaviorFrom(carried(from, carriers.behavior));
    if (to.spec && behavior) to.spec.behavior = behavior;
  }
  fillShare(to);
  const now = from.status?.currentCPUUtilizationPercentage;
  delete from.status?.currentCPUUtilizationPercentage;
  const current =
    listFrom(carried(from, carriers.currentMetrics), statusFrom1) ??
    (now === undefined
      ? undefined
      : [{ type: "Resource", resource: { name: "cpu", current: { averageUtilization: now } } }]);
  const conditions = listFrom(carried(from, carriers.conditions), conditionFrom1);
  if (current?.length || conditions?.length) {
    to.status ??= {} as NonNullable<V2HorizontalPodAutoscaler["status"]>;
    if (current?.length) to.status.currentMetrics = current;
    if (conditions?.length) to.status.conditions = conditions;
  }
  dropCarried(to);
  to.apiVersion = "autoscaling/v2";
}

/** v2 to v1, in place. */
export function fromV2(object: object): void {
  const from = object as V2HorizontalPodAutoscaler;
  const to = object as unknown as HorizontalPodAutoscaler;
  const { metrics = [], behavior } = from.spec ?? {};
  const { currentMetrics, conditions } = from.status ?? {};
  const share = metrics.find(isCpuShare)?.resource?.target.averageUtilization;
  const others = metrics.filter((metric) => !isCpuShare(metric));
  delete from.spec?.metrics;
  delete from.spec?.behavior;
  delete from.status?.currentMetrics;
  delete from.status?.conditions;
  if (to.spec && share !== undefined) to.spec.targetCPUUtilizationPercentage = share;
  if (others.length > 0) carry(to, carriers.metrics, others.map(specTo1));
  if (currentMetrics?.length) carry(to, carriers.currentMetrics, currentMetrics.map(statusTo1));
  if (behavior)
    carry(to, carriers.behavior, internalForm("autoscaling.HorizontalPodAutoscalerBehavior", behavior));
  if (conditions?.length) carry(to, carriers.conditions, conditions.map(conditionTo1));
  const now = currentMetrics?.findLast(
    ({ type, resource }) =>
      type === "Resource" && resource?.name === "cpu" && resource.current?.averageUtilization !== undefined,
  )?.resource?.current?.averageUtilization;
  if (to.status && now !== undefined) to.status.currentCPUUtilizationPercentage = now;
  to.apiVersion = "autoscaling/v1";
}

/** Converts the internal type's JSON (Go's names, nulls for unset fields) to v2; like Go it ignores case in names. */
function behaviorFrom(value: unknown): Behavior | undefined {
  const plain = lowered(value);
  if (!isObject(plain)) return undefined;
  const { problem } = conform("io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerBehavior", plain);
  return problem === undefined && Object.keys(plain).length > 0 ? (plain as Behavior) : undefined;
}

const behaviorNames = new Map(
  [
    "scaleUp",
    "scaleDown",
    "stabilizationWindowSeconds",
    "selectPolicy",
    "policies",
    "tolerance",
    "type",
    "value",
    "periodSeconds",
  ].map((name) => [name.toLowerCase(), name]),
);

function lowered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lowered);
  if (!isObject(value)) return value;
  const entries = Object.entries(value)
    .filter(([, each]) => each !== null)
    .map(([name, each]) => [behaviorNames.get(name.toLowerCase()) ?? name, lowered(each)]);
  return Object.fromEntries(entries) as unknown;
}
