/**
 * autoscaling/v1 HorizontalPodAutoscaler: the older spelling, which knows CPU alone (`kubectl autoscale` writes it).
 * Stored as v2; metrics it cannot say travel in an annotation, as Kubernetes does it.
 */
import { isObject } from "../machinery/index.ts";
import type { HorizontalPodAutoscaler, V2HorizontalPodAutoscaler, V2MetricSpec } from "./generated/types.ts";

const metricsAnnotation = "autoscaling.alpha.kubernetes.io/metrics";

const isCpuShare = (metric: V2MetricSpec): boolean =>
  metric.type === "Resource" &&
  metric.resource?.name === "cpu" &&
  metric.resource.target?.type === "Utilization";

/** v1 to v2, in place. */
export function toV2(object: object): void {
  const from = object as HorizontalPodAutoscaler;
  const to = object as unknown as V2HorizontalPodAutoscaler;
  const share = from.spec?.targetCPUUtilizationPercentage;
  const metrics: V2MetricSpec[] = [];
  if (share !== undefined) {
    metrics.push({
      type: "Resource",
      resource: { name: "cpu", target: { type: "Utilization", averageUtilization: share } },
    });
  }
  metrics.push(...takeOthers(from));
  if (to.spec) {
    delete from.spec?.targetCPUUtilizationPercentage;
    if (metrics.length > 0) to.spec.metrics = metrics;
  }
  const now = from.status?.currentCPUUtilizationPercentage;
  if (to.status) {
    delete from.status?.currentCPUUtilizationPercentage;
    if (now !== undefined) {
      to.status.currentMetrics = [
        { type: "Resource", resource: { name: "cpu", current: { averageUtilization: now } } },
      ];
    }
  }
  to.apiVersion = "autoscaling/v2";
}

function takeOthers(from: HorizontalPodAutoscaler): V2MetricSpec[] {
  const text = from.metadata?.annotations?.[metricsAnnotation];
  if (text === undefined) return [];
  delete from.metadata?.annotations?.[metricsAnnotation];
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? parsed.filter((each): each is V2MetricSpec => isObject(each)) : [];
  } catch {
    // An annotation anybody may write; what cannot be read is dropped.
    return [];
  }
}

/** v2 to v1, in place. */
export function fromV2(object: object): void {
  const from = object as V2HorizontalPodAutoscaler;
  const to = object as unknown as HorizontalPodAutoscaler;
  const metrics = from.spec?.metrics ?? [];
  const cpu = metrics.find(isCpuShare);
  const others = metrics.filter((metric) => metric !== cpu);
  if (from.spec) {
    delete from.spec.metrics;
    delete from.spec.behavior;
  }
  const share = cpu?.resource?.target.averageUtilization;
  if (to.spec && share !== undefined) to.spec.targetCPUUtilizationPercentage = share;
  if (others.length > 0 && to.metadata) {
    to.metadata.annotations = { ...to.metadata.annotations, [metricsAnnotation]: JSON.stringify(others) };
  }
  const now = from.status?.currentMetrics?.find((each) => each.resource?.name === "cpu")?.resource?.current;
  if (from.status) {
    delete from.status.currentMetrics;
    delete from.status.conditions;
  }
  if (to.status && now?.averageUtilization !== undefined) {
    to.status.currentCPUUtilizationPercentage = now.averageUtilization;
  }
  to.apiVersion = "autoscaling/v1";
}
