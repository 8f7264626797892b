import { filterPlugins } from "./filter/plugins.ts";
import { NodeInfo } from "./node-info.ts";
import type { FilterPlugin, NodeFilter, Refusal } from "./plugin.ts";
import type { PodInfo } from "./pod-info.ts";
import { scorePlugins } from "./score/plugins.ts";
import { type Snapshot, withNode } from "./snapshot.ts";

/** Where a pod goes, or why it goes nowhere. */
export type Decision = { kind: "node"; node: string } | { kind: "unschedulable"; diagnosis: Diagnosis };

export interface Diagnosis {
  nodes: number;
  /** Set when no node was looked at, because nothing about the nodes would matter. */
  overall: Refusal | undefined;
  perNode: Map<string, Refusal>;
  /** Plugins that refused; their events wake the pod. */
  plugins: Set<FilterPlugin>;
}

export interface DecideOptions {
  /** 0 up to, not including, 1; breaks ties. */
  random(): number;
  /** Pods that preemption made room for on a node, which are not bound yet. */
  nominated?(node: string): readonly PodInfo[];
  /** Where the search starts, so that large clusters fill evenly. Kept and moved on by `decide`. */
  cursor?: { at: number };
}

/** Chooses a node for one pod. Pure but for the cursor. */
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

  // Room made by preemption for this very pod is looked at first and alone.
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

/** Whether the pod fits this node as the snapshot has it; used to try preemption. */
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
  // It must fit with the nominated pods there as well: they may or may not come.
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

/** All of up to 100 nodes; of more, a share that falls from 50 % to 5 % as the cluster grows, but 100 at least. */
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
