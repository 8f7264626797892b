import type { Condition, Pod, PodDisruptionBudget, PodDisruptionBudgetStatus } from "../../api/index.ts";
import { deepEqual, formatTime, scaledValue } from "../../machinery/index.ts";
import { isFinished, isLeaving, isReady } from "../pods/state.ts";

/** An allowed eviction expires if the pod still exists after this time. */
const evictionMs = 120_000;

export interface BudgetFacts {
  budget: PodDisruptionBudget;
  /** The selected pods. */
  pods: readonly Pod[];
  /** The expected number of pods by their controllers; an error when it is unknown. */
  expected: number | Error;
  now: number;
}

/** The status for these pods; `nextMs`: when the next allowed eviction expires. */
export function budgetStatus({ budget, pods, expected, now }: BudgetFacts): {
  status: PodDisruptionBudgetStatus;
  nextMs: number | undefined;
} {
  const { spec, metadata } = budget;
  const generation = metadata?.generation ?? 0;
  const old = budget.status;
  if (expected instanceof Error) {
    return {
      nextMs: undefined,
      status: {
        currentHealthy: 0,
        desiredHealthy: 0,
        expectedPods: 0,
        ...old,
        disruptionsAllowed: 0,
        observedGeneration: generation,
        conditions: withAllowed(old?.conditions ?? [], "SyncFailed", expected.message, generation, now),
      },
    };
  }
  let desired: number;
  if (spec?.maxUnavailable !== undefined) {
    desired = Math.max(0, expected - scaledValue(spec.maxUnavailable, expected, true));
  } else {
    desired = scaledValue(spec?.minAvailable ?? 1, expected, true);
  }
  const { disrupted, nextMs } = stillDisrupted(old?.disruptedPods ?? {}, pods, now);
  const healthy = pods.filter(
    (pod) => !isLeaving(pod) && !isFinished(pod) && isReady(pod) && !disrupted[pod.metadata?.name ?? ""],
  ).length;
  const allowed = expected > 0 ? Math.max(0, healthy - desired) : 0;
  const reason = allowed > 0 ? "SufficientPods" : "InsufficientPods";
  return {
    nextMs,
    status: {
      currentHealthy: healthy,
      desiredHealthy: desired,
      expectedPods: expected,
      disruptionsAllowed: allowed,
      observedGeneration: generation,
      ...(Object.keys(disrupted).length > 0 ? { disruptedPods: disrupted } : {}),
      conditions: withAllowed(old?.conditions ?? [], reason, "", generation, now),
    },
  };
}

/** Pods with an allowed eviction that have not begun to terminate. */
function stillDisrupted(
  noted: Readonly<Record<string, string>>,
  pods: readonly Pod[],
  now: number,
): { disrupted: Record<string, string>; nextMs: number | undefined } {
  const disrupted: Record<string, string> = {};
  let nextMs: number | undefined;
  for (const pod of pods) {
    const name = pod.metadata?.name ?? "";
    const time = noted[name];
    if (time === undefined || isLeaving(pod)) continue;
    const left = Date.parse(time) + evictionMs - now;
    if (left <= 0) continue;
    disrupted[name] = time;
    nextMs = Math.min(left, nextMs ?? left);
  }
  return { disrupted, nextMs };
}

function withAllowed(
  conditions: readonly Condition[],
  reason: string,
  message: string,
  generation: number,
  now: number,
): Condition[] {
  const type = "DisruptionAllowed";
  const status = reason === "SufficientPods" ? "True" : "False";
  const known = conditions.find((each) => each.type === type);
  const lastTransitionTime = known?.status === status ? known.lastTransitionTime : formatTime(now);
  const made: Condition = {
    type,
    status,
    reason,
    message,
    lastTransitionTime,
    observedGeneration: generation,
  };
  return known ? conditions.map((each) => (each === known ? made : each)) : [...conditions, made];
}

export function sameBudgetStatus(
  a: PodDisruptionBudgetStatus | undefined,
  b: PodDisruptionBudgetStatus,
): boolean {
  const plain = (status: PodDisruptionBudgetStatus | undefined): unknown => ({
    ...status,
    disruptedPods: status?.disruptedPods ?? {},
    conditions: (status?.conditions ?? []).map((each) => ({ ...each, message: each.message ?? "" })),
  });
  return a !== undefined && deepEqual(plain(a), plain(b));
}
