import type { Pod } from "../../api/index.ts";
import { isReady, readySince } from "./state.ts";

const deletionCost = "controller.kubernetes.io/pod-deletion-cost";
const phaseOrder: Record<string, number> = { Pending: 0, Unknown: 1, Running: 2 };

/**
 * Sorts pods for deletion, first those without a node, then pending, not ready, of low deletion cost, many on one node, ready
 * for a short time, often restarted, young. Times are compared by order of magnitude, so that the choice among pods of similar
 * age is arbitrary (KEP 2185). `related` are the pods counted per node.
 */
export function rankForDeletion(pods: readonly Pod[], related: readonly Pod[], now: number): Pod[] {
  const perNode = new Map<string, number>();
  for (const pod of related) {
    const node = pod.spec?.nodeName;
    if (node && isReady(pod)) perNode.set(node, (perNode.get(node) ?? 0) + 1);
  }
  const ranked = pods.map((pod) => {
    const ready = isReady(pod);
    return {
      pod,
      keys: [
        pod.spec?.nodeName ? 1 : 0,
        phaseOrder[pod.status?.phase ?? ""] ?? 0,
        ready ? 1 : 0,
        costOf(pod),
        -(perNode.get(pod.spec?.nodeName ?? "") ?? 0),
        ready ? magnitude(readySince(pod), now) : 0,
        -maxRestarts(pod),
        magnitude(Date.parse(pod.metadata?.creationTimestamp ?? ""), now),
      ],
    };
  });
  ranked.sort((a, b) => {
    for (let i = 0; i < a.keys.length; i++) {
      const difference = (a.keys[i] as number) - (b.keys[i] as number);
      if (difference !== 0) return difference;
    }
    return (a.pod.metadata?.uid ?? "") < (b.pod.metadata?.uid ?? "") ? -1 : 1;
  });
  return ranked.map(({ pod }) => pod);
}

/** Order of magnitude of an age: larger is older; an unknown time is the youngest. */
function magnitude(since: number, now: number): number {
  if (!since || Number.isNaN(since)) return -1;
  const seconds = (now - since) / 1000;
  return seconds < 1 ? 0 : Math.floor(Math.log2(seconds));
}

function costOf(pod: Pod): number {
  const text = pod.metadata?.annotations?.[deletionCost];
  return text !== undefined && /^[-+]?\d+$/.test(text) ? Number(text) : 0;
}

function maxRestarts(pod: Pod): number {
  return Math.max(0, ...(pod.status?.containerStatuses ?? []).map((status) => status.restartCount));
}
