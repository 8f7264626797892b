import type { LabelSelector, TopologySpreadConstraint } from "../../api/index.ts";
import { selectorFromObject } from "../../machinery/index.ts";
import { maxScore, type ScorePlugin } from "../plugin.ts";
import type { PodInfo } from "../pod-info.ts";
import type { Snapshot } from "../snapshot.ts";
import { countMatching, spreadRule } from "../topology.ts";

const hostname = "kubernetes.io/hostname";

/** Prefers nodes with fewer matching pods in their domains, by the pod's constraints or the default ones. */
export const podTopologySpreadScore: ScorePlugin = {
  name: "PodTopologySpread",
  weight: 2,
  score(pod, nodes, snapshot) {
    const { constraints, requireAll } = constraintsFor(pod, snapshot);
    if (constraints.length === 0) return undefined;
    const rules = constraints.map((constraint) => spreadRule(constraint, pod));
    const ignored = nodes.map(
      (node) => requireAll && rules.some((rule) => node.labels[rule.topologyKey] === undefined),
    );
    const raw = nodes.map(() => 0);
    for (const rule of rules) {
      const domains = new Map<string, number>();
      nodes.forEach((node, i) => {
        const domain = node.labels[rule.topologyKey];
        if (!ignored[i] && domain !== undefined) domains.set(domain, 0);
      });
      for (const node of snapshot.nodes.values()) {
        const domain = node.labels[rule.topologyKey];
        const sum = domain === undefined ? undefined : domains.get(domain);
        if (domain === undefined || sum === undefined || !rule.counts(node)) continue;
        domains.set(domain, sum + countMatching(rule, node, pod.namespace));
      }
      // Keys with many domains weigh more than keys with few.
      const size = rule.topologyKey === hostname ? ignored.filter((i) => !i).length : domains.size;
      const weight = Math.log(size + 2);
      nodes.forEach((node, i) => {
        const domain = node.labels[rule.topologyKey];
        if (ignored[i] || domain === undefined) return;
        raw[i] = (raw[i] ?? 0) + (domains.get(domain) ?? 0) * weight + (rule.maxSkew - 1);
      });
    }
    const rounded = raw.map(Math.round);
    const taking = rounded.filter((_, i) => !ignored[i]);
    const min = Math.min(...taking);
    const max = Math.max(...taking);
    return rounded.map((value, i) => {
      if (ignored[i]) return 0;
      return max === 0 ? maxScore : Math.floor((maxScore * (max + min - value)) / max);
    });
  },
};

function constraintsFor(
  pod: PodInfo,
  snapshot: Snapshot,
): { constraints: TopologySpreadConstraint[]; requireAll: boolean } {
  const own = pod.pod.spec?.topologySpreadConstraints ?? [];
  if (own.length > 0) {
    return { constraints: own.filter((c) => c.whenUnsatisfiable === "ScheduleAnyway"), requireAll: true };
  }
  const labelSelector = selectorOfOwners(pod, snapshot);
  if (!labelSelector) return { constraints: [], requireAll: false };
  const whenUnsatisfiable = "ScheduleAnyway";
  return {
    constraints: [
      { maxSkew: 3, topologyKey: hostname, whenUnsatisfiable, labelSelector },
      { maxSkew: 5, topologyKey: "topology.kubernetes.io/zone", whenUnsatisfiable, labelSelector },
    ],
    // Clusters without zones still spread over hosts.
    requireAll: false,
  };
}

/** The combined selectors of the pod's Services and ReplicaSet. */
function selectorOfOwners(pod: PodInfo, { owners }: Snapshot): LabelSelector | undefined {
  const matchLabels: Record<string, string> = {};
  const matchExpressions: NonNullable<LabelSelector["matchExpressions"]> = [];
  for (const service of owners.services(pod.namespace)) {
    const selector = service.spec?.selector;
    if (!selector || Object.keys(selector).length === 0) continue;
    if (selectorFromObject({ matchLabels: selector }).matches(pod.labels))
      Object.assign(matchLabels, selector);
  }
  const owner = pod.pod.metadata?.ownerReferences?.find((reference) => reference.controller);
  if (owner?.kind === "ReplicaSet") {
    const selector = owners.replicaSet(pod.namespace, owner.name)?.spec?.selector;
    Object.assign(matchLabels, selector?.matchLabels);
    matchExpressions.push(...(selector?.matchExpressions ?? []));
  }
  if (Object.keys(matchLabels).length === 0 && matchExpressions.length === 0) return undefined;
  return { matchLabels, matchExpressions };
}
