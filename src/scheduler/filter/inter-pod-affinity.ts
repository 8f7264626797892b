import type { NodeInfo } from "../node-info.ts";
import type { AffinityTerm, PodInfo } from "../pod-info.ts";
import type { FilterPlugin } from "../plugin.ts";
import type { Snapshot } from "../snapshot.ts";

/** Number of pods by topology domain: `key=value`. */
type Domains = Map<string, number>;

/** Required pod affinity and anti-affinity, of the new pod and of existing ones. */
export const interPodAffinity: FilterPlugin = {
  name: "InterPodAffinity",
  wakesOn: ["NodeAdd", "NodeLabels", "PodAdd", "PodLabels", "PodDelete", "Namespace"],
  prepare(pod, snapshot) {
    const closed = domainsClosedByOthers(pod, snapshot);
    const wanted = pod.requiredAffinity;
    const unwanted = pod.requiredAntiAffinity;
    if (closed.size === 0 && wanted.length === 0 && unwanted.length === 0) return undefined;
    const near = count(wanted, snapshot, (other) =>
      wanted.every((term) => term.matches(other, snapshot.namespaceLabels)) ? wanted : [],
    );
    const far = count(unwanted, snapshot, (other) =>
      unwanted.filter((term) => term.matches(other, snapshot.namespaceLabels)),
    );
    // The first pod of a group with affinity to itself may go anywhere.
    const first = near.size === 0 && wanted.every((term) => term.matches(pod, snapshot.namespaceLabels));
    return (node) => {
      if (!wanted.every((term) => hasDomain(node, term) && (first || inDomain(near, node, term)))) {
        return { reasons: ["node(s) didn't match pod affinity rules"], curable: false };
      }
      if (unwanted.some((term) => inDomain(far, node, term))) {
        return { reasons: ["node(s) didn't match pod anti-affinity rules"], curable: true };
      }
      if (closed.size > 0 && Object.entries(node.labels).some(([k, v]) => closed.has(`${k}=${v}`))) {
        return { reasons: ["node(s) didn't satisfy existing pods anti-affinity rules"], curable: true };
      }
      return undefined;
    };
  },
};

function domainsClosedByOthers(pod: PodInfo, snapshot: Snapshot): Domains {
  const closed: Domains = new Map();
  for (const node of snapshot.nodes.values()) {
    for (const other of node.withAntiAffinity.values()) {
      for (const term of other.requiredAntiAffinity) {
        if (term.matches(pod, snapshot.namespaceLabels)) addDomain(closed, node, term);
      }
    }
  }
  return closed;
}

function count(
  terms: readonly AffinityTerm[],
  snapshot: Snapshot,
  matching: (other: PodInfo) => readonly AffinityTerm[],
): Domains {
  const domains: Domains = new Map();
  if (terms.length === 0) return domains;
  for (const node of snapshot.nodes.values()) {
    for (const other of node.pods.values()) {
      for (const term of matching(other)) addDomain(domains, node, term);
    }
  }
  return domains;
}

function addDomain(domains: Domains, node: NodeInfo, term: AffinityTerm): void {
  const value = node.labels[term.topologyKey];
  if (value === undefined) return;
  const domain = `${term.topologyKey}=${value}`;
  domains.set(domain, (domains.get(domain) ?? 0) + 1);
}

function hasDomain(node: NodeInfo, term: AffinityTerm): boolean {
  return node.labels[term.topologyKey] !== undefined;
}

function inDomain(domains: Domains, node: NodeInfo, term: AffinityTerm): boolean {
  return hasDomain(node, term) && domains.has(`${term.topologyKey}=${node.labels[term.topologyKey]}`);
}
