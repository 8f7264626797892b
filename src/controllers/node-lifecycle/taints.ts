import type { Node, Taint } from "../../api/index.ts";
import { formatTime } from "../../machinery/index.ts";

const prefix = "node.kubernetes.io/";
/** Condition states that taint a node, with the taints' keys. */
const byCondition: readonly [type: string, status: string, key: string][] = [
  ["Ready", "False", `${prefix}not-ready`],
  ["Ready", "Unknown", `${prefix}unreachable`],
  ["MemoryPressure", "True", `${prefix}memory-pressure`],
  ["DiskPressure", "True", `${prefix}disk-pressure`],
  ["PIDPressure", "True", `${prefix}pid-pressure`],
  ["NetworkUnavailable", "True", `${prefix}network-unavailable`],
];
const unschedulable = `${prefix}unschedulable`;
const ours = new Set([...byCondition.map(([, , key]) => key), unschedulable]);
const evicting = new Set([`${prefix}not-ready`, `${prefix}unreachable`]);

const isOurs = ({ key, effect }: Taint): boolean =>
  (effect === "NoSchedule" && ours.has(key)) || (effect === "NoExecute" && evicting.has(key));

export const conditionStatus = (node: Node, type: string): string | undefined =>
  node.status?.conditions?.find((condition) => condition.type === type)?.status;

/**
 * The node's taints by its conditions; undefined when they are right already. `evict`: pods are evicted from a node that is not
 * ready. Other taints stay.
 */
export function wantedTaints(node: Node, evict: boolean, now: number): Taint[] | undefined {
  const keys = byCondition
    .filter(([type, status]) => conditionStatus(node, type) === status)
    .map(([, , key]) => key);
  const wanted: Taint[] = keys.map((key) => ({ key, effect: "NoSchedule" }));
  if (node.spec?.unschedulable) wanted.push({ key: unschedulable, effect: "NoSchedule" });
  if (evict) for (const key of keys) if (evicting.has(key)) wanted.push({ key, effect: "NoExecute" });

  const current = node.spec?.taints ?? [];
  const same = (a: Taint, b: Taint): boolean => a.key === b.key && a.effect === b.effect;
  const kept = current.filter((taint) => !isOurs(taint) || wanted.some((each) => same(each, taint)));
  const added = wanted.filter((each) => !current.some((taint) => same(each, taint)));
  if (added.length === 0 && kept.length === current.length) return undefined;
  return [...kept, ...added.map((taint) => ({ ...taint, timeAdded: formatTime(now) }))];
}
