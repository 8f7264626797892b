import type { Node, NodeCondition } from "../../api/index.ts";
import { formatTime } from "../../machinery/index.ts";

const watched = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

/** The conditions of a node without heartbeats; undefined when they are right already. */
export function unknownConditions(node: Node, now: number): NodeCondition[] | undefined {
  const current = node.status?.conditions ?? [];
  const time = formatTime(now);
  let changed = false;
  const next = current.map((condition) => {
    if (!watched.includes(condition.type) || condition.status === "Unknown") return condition;
    changed = true;
    return {
      ...condition,
      status: "Unknown",
      reason: "NodeStatusUnknown",
      message: "Kubelet stopped posting node status.",
      lastTransitionTime: time,
    };
  });
  for (const type of watched) {
    if (current.some((condition) => condition.type === type)) continue;
    changed = true;
    next.push({
      type,
      status: "Unknown",
      reason: "NodeStatusNeverUpdated",
      message: "Kubelet never posted node status.",
      lastHeartbeatTime: node.metadata?.creationTimestamp ?? time,
      lastTransitionTime: time,
    });
  }
  return changed ? next : undefined;
}
