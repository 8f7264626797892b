import { maxScore, type ScorePlugin } from "../plugin.ts";
import type { NodeInfo } from "../node-info.ts";
import type { AffinityTerm } from "../pod-info.ts";

/** Weight of a required affinity term of an existing pod (hardPodAffinityWeight). */
const requiredWeight = 1;

/** Preferred affinity and anti-affinity, in both directions. */
export const interPodAffinityScore: ScorePlugin = {
  name: "InterPodAffinity",
  weight: 2,
  score(pod, nodes, snapshot) {
    const domains = new Map<string, number>();
    const add = (node: NodeInfo, term: AffinityTerm, weight: number): void => {
      const value = node.labels[term.topologyKey];
      if (value === undefined) return;
      const domain = `${term.topologyKey}=${value}`;
      domains.set(domain, (domains.get(domain) ?? 0) + weight);
    };
    const { preferredAffinity, preferredAntiAffinity } = pod;
    const asksAll = preferredAffinity.length + preferredAntiAffinity.length > 0;
    for (const node of snapshot.nodes.values()) {
      for (const other of asksAll ? node.pods.values() : node.withAffinity.values()) {
        const labels = snapshot.namespaceLabels;
        for (const { term, weight } of preferredAffinity)
          if (term.matches(other, labels)) add(node, term, weight);
        for (const { term, weight } of preferredAntiAffinity) {
          if (term.matches(other, labels)) add(node, term, -weight);
        }
        for (const term of other.requiredAffinity)
          if (term.matches(pod, labels)) add(node, term, requiredWeight);
        for (const { term, weight } of other.preferredAffinity) {
          if (term.matches(pod, labels)) add(node, term, weight);
        }
        for (const { term, weight } of other.preferredAntiAffinity) {
          if (term.matches(pod, labels)) add(node, term, -weight);
        }
      }
    }
    if (domains.size === 0) return undefined;
    const raw = nodes.map((node) =>
      Object.entries(node.labels).reduce(
        (sum, [key, value]) => sum + (domains.get(`${key}=${value}`) ?? 0),
        0,
      ),
    );
    const min = Math.min(...raw);
    const spread = Math.max(...raw) - min;
    return raw.map((value) => (spread === 0 ? 0 : Math.floor((maxScore * (value - min)) / spread)));
  },
};
