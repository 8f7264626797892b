import { type Pod, type Taint, tolerates } from "../../api/index.ts";

/**
 * How long the pod may stay on a node with these taints: 0 is not at all, undefined is forever. All NoExecute taints must be
 * tolerated; the shortest time of the tolerations used counts.
 */
export function mayStayMs(pod: Pod, taints: readonly Taint[]): number | undefined {
  let shortest: number | undefined;
  for (const taint of taints) {
    if (taint.effect !== "NoExecute") continue;
    const used = (pod.spec?.tolerations ?? []).filter((toleration) => tolerates(toleration, taint));
    if (used.length === 0) return 0;
    for (const { tolerationSeconds } of used) {
      if (tolerationSeconds === undefined) continue;
      const ms = Math.max(0, tolerationSeconds) * 1000;
      shortest = Math.min(ms, shortest ?? ms);
    }
  }
  return shortest;
}
