import type { PodInfo } from "../pod-info.ts";
import type { FilterPlugin, Refusal } from "../plugin.ts";
import type { Snapshot } from "../snapshot.ts";
import { countMatching, type SpreadRule, spreadRule } from "../topology.ts";

const refused = "node(s) didn't match pod topology spread constraints";

/** topologySpreadConstraints with whenUnsatisfiable DoNotSchedule. */
export const podTopologySpread: FilterPlugin = {
  name: "PodTopologySpread",
  wakesOn: ["NodeAdd", "NodeLabels", "NodeTaints", "PodAdd", "PodLabels", "PodDelete"],
  prepare(pod, snapshot) {
    const constraints = (pod.pod.spec?.topologySpreadConstraints ?? []).filter(
      (c) => c.whenUnsatisfiable === "DoNotSchedule",
    );
    if (constraints.length === 0) return undefined;
    const rules = constraints.map((constraint) => spreadRule(constraint, pod));
    const counted = rules.map((rule) => ({ rule, ...countDomains(rule, rules, pod, snapshot) }));
    return (node): Refusal | undefined => {
      for (const { rule, domains, least } of counted) {
        const domain = node.labels[rule.topologyKey];
        if (domain === undefined) {
          return { reasons: [`${refused} (missing required label)`], curable: false };
        }
        const self = rule.matches(pod.labels) ? 1 : 0;
        const skew = (domains.get(domain) ?? 0) + self - least;
        if (skew > rule.maxSkew) return { reasons: [refused], curable: true };
      }
      return undefined;
    };
  },
};

/** Only nodes with the keys of all constraints form domains. */
function countDomains(
  rule: SpreadRule,
  all: readonly SpreadRule[],
  pod: PodInfo,
  snapshot: Snapshot,
): { domains: Map<string, number>; least: number } {
  const domains = new Map<string, number>();
  for (const node of snapshot.nodes.values()) {
    if (!all.every((other) => node.labels[other.topologyKey] !== undefined) || !rule.counts(node)) continue;
    const domain = node.labels[rule.topologyKey] ?? "";
    domains.set(domain, (domains.get(domain) ?? 0) + countMatching(rule, node, pod.namespace));
  }
  // With fewer domains than minDomains the minimum is 0 (KEP-3022).
  const least = domains.size < rule.minDomains || domains.size === 0 ? 0 : Math.min(...domains.values());
  return { domains, least };
}
