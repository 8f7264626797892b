/** Defaults of autoscalers. */
import { emptiedMembers } from "../../machinery/index.ts";
import type { V2HorizontalPodAutoscaler, V2HPAScalingRules } from "../generated/types.ts";

/** At least one replica; 80 % of the requested CPU. */
export function fillMetrics(autoscaler: V2HorizontalPodAutoscaler): void {
  autoscaler.spec ??= {} as NonNullable<V2HorizontalPodAutoscaler["spec"]>;
  autoscaler.spec.minReplicas ??= 1;
  fillShare(autoscaler);
}

/** The default of the older version without metrics. */
export function fillShare(autoscaler: V2HorizontalPodAutoscaler): void {
  autoscaler.spec ??= {} as NonNullable<V2HorizontalPodAutoscaler["spec"]>;
  if (autoscaler.spec.metrics?.length) return;
  const target = { type: "Utilization", averageUtilization: 80 };
  autoscaler.spec.metrics = [{ type: "Resource", resource: { name: "cpu", target } }];
}

/** Scaling rules for both directions, if there is a behavior. */
export function fillRules(autoscaler: V2HorizontalPodAutoscaler): void {
  const behavior = autoscaler.spec?.behavior;
  if (!behavior) return;
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
  behavior.scaleUp = filled(behavior.scaleUp, up);
  behavior.scaleDown = filled(behavior.scaleDown, down);
}

/** An empty list of policies differs from a missing one: it is kept and rejected. */
function filled(given: V2HPAScalingRules = {}, rules: V2HPAScalingRules): V2HPAScalingRules {
  const none = emptiedMembers(given).includes("policies") ? { policies: [] } : {};
  return { ...rules, ...none, ...given };
}
