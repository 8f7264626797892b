import { filterPlugins } from "./filter/plugins.ts";
import { NodeInfo } from "./node-info.ts";
import type { FilterPlugin, NodeFilter, Refusal } from "./plugin.ts";
import type { PodInfo } from "./pod-info.ts";
import { scorePlugins } from "./score/plugins.ts";
import { type Snapshot, withNode } from "./snapshot.ts";

/** The node for a pod, or why there is none. */
export type Decision = { kind: "node"; node: string } | { kind: "unschedulable"; diagnosis: Diagnosis };

export interface Diagnosis {
  nodes: number;
  /** Set when no node was checked, since the reason does not depend on nodes. */
  overall: Refusal | undefined;
  perNode: Map<string, Refusal>;
  /** Plugins that rejected the pod; their events queue it again. */
  plugins: Set<FilterPlugin>;
}

export interface DecideOptions {
  /** 0 <= x < 1; breaks ties. */
  random(): number;
  /** Unbound pods nominated to nodes by preemption. */
  nominated?(node: string): readonly PodInfo[];
  /** Start of the search, so that large clusters fill evenly. `decide` advances it. */
  cursor?: { at: number };
}

/** Chooses a node for one pod. Pure except for the cursor. */
export function decide(pod: PodInfo, snapshot: Snapshot, options: DecideOptions): Decision {
  const diagnosis: Diagnosis = {
    nodes: snapshot.nodes.size,
    overall: undefined,
    perNode: new Map(),
    plugins: new Set(),
  };
  const filters = prepareFilters(pod, snapshot, diagnosis);
  if (!filters) return { kind: "unschedulable", diagnosis };
  const all = [...snapshot.nodes.values()];

  // The node that preemption nominated for this pod is tried first, alone.
  const nominated = snapshot.nodes.get(pod.pod.status?.nominatedNodeName ?? "");
  if (nominated && !refusalOf(nominated, filters, pod, snapshot, options)) {
    return { kind: "node", node: nominated.name };
  }

  const fitting: NodeInfo[] = [];
  const enough = nodesToFind(all.length);
  const start = options.cursor ? options.cursor.at % Math.max(1, all.length) : 0;
  let looked = 0;
  for (; looked < all.length && fitting.length < enough; looked++) {
    const node = all[(start + looked) % all.length];
    if (!node) break;
    const refusal = refusalOf(node, filters, pod, snapshot, options);
    if (!refusal) fitting.push(node);
    else {
      diagnosis.perNode.set(node.name, refusal.refusal);
      diagnosis.plugins.add(refusal.plugin);
    }
  }
  if (options.cursor) options.cursor.at = start + looked;
  const [only] = fitting;
  if (!only) return { kind: "unschedulable", diagnosis };
  if (fitting.length === 1) return { kind: "node", node: only.name };
  return { kind: "node", node: best(pod, fitting, snapshot, options.random).name };
}

/** Whether the pod fits this node in the snapshot; used to try preemption. */
export function fits(pod: PodInfo, node: NodeInfo, snapshot: Snapshot): Refusal | undefined {
  const changed = withNode(snapshot, node);
  for (const plugin of filterPlugins) {
    const filter = plugin.prepare(pod, changed);
    if (!filter) continue;
    const refusal = typeof filter === "function" ? filter(node) : filter;
    if (refusal) return refusal;
  }
  return undefined;
}

interface Prepared {
  plugin: FilterPlugin;
  filter: NodeFilter;
}

function prepareFilters(pod: PodInfo, snapshot: Snapshot, diagnosis: Diagnosis): Prepared[] | undefined {
  const prepared: Prepared[] = [];
  for (const plugin of filterPlugins) {
    const filter = plugin.prepare(pod, snapshot);
    if (typeof filter === "function") prepared.push({ plugin, filter });
    else if (filter) {
      diagnosis.overall = filter;
      diagnosis.plugins.add(plugin);
      return undefined;
    }
  }
  return prepared;
}

function refusalOf(
  node: NodeInfo,
  filters: readonly Prepared[],
  pod: PodInfo,
  snapshot: Snapshot,
  options: DecideOptions,
): { plugin: FilterPlugin; refusal: Refusal } | undefined {
  for (const { plugin, filter } of filters) {
    const refusal = filter(node);
    if (refusal) return { plugin, refusal };
  }
  // It must fit with and without the nominated pods, which may or may not be scheduled there.
  const rivals = (options.nominated?.(node.name) ?? []).filter(
    (other) => other.priority >= pod.priority && other.uid !== pod.uid && !node.pods.has(other.uid),
  );
  if (rivals.length === 0) return undefined;
  const crowded = node.clone();
  for (const rival of rivals) crowded.add(rival);
  const changed = withNode(snapshot, crowded);
  for (const { plugin } of filters) {
    const filter = plugin.prepare(pod, changed);
    const refusal = typeof filter === "function" ? filter(crowded) : filter;
    if (refusal) return { plugin, refusal };
  }
  return undefined;
}

/** All of up to 100 nodes; of more, a share that falls from 50 % to 5 % with the cluster's size, but at least 100. */
function nodesToFind(total: number): number {
  if (total < 100) return total;
  const percent = Math.max(5, 50 - Math.floor(total / 125));
  return Math.max(100, Math.floor((total * percent) / 100));
}

function best(pod: PodInfo, nodes: readonly NodeInfo[], snapshot: Snapshot, random: () => number): NodeInfo {
  const totals = nodes.map(() => 0);
  for (const plugin of scorePlugins) {
    plugin.score(pod, nodes, snapshot)?.forEach((score, i) => {
      totals[i] = (totals[i] ?? 0) + score * plugin.weight;
    });
  }
  const top = Math.max(...totals);
  const winners = nodes.filter((_, i) => totals[i] === top);
  const winner = winners[Math.floor(random() * winners.length)] ?? nodes[0];
  if (!winner) throw new Error("there is no node to choose from");
  return winner;
}
