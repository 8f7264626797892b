import type { Node, PersistentVolume, Pod } from "../api/index.ts";
import { NodeInfo } from "./node-info.ts";
import { type PodInfo, podInfo } from "./pod-info.ts";
import type { ClusterEvent } from "./plugin.ts";

/**
 * The scheduler's view of nodes and their pods: the informers' state, plus pods it has just scheduled (assumed) until the API
 * server confirms them.
 */
export class ClusterState {
  readonly nodes = new Map<string, NodeInfo>();
  /** Pods on unknown nodes, by node. */
  readonly #strays = new Map<string, Map<string, PodInfo>>();
  /** The node by UID of every counted pod. */
  readonly #placed = new Map<string, string>();
  readonly #assumed = new Set<string>();
  /** Volumes reserved for a claim by a pending decision: volume name to claim key. */
  readonly promised = new Map<string, string>();

  setNode(node: Node): ClusterEvent[] {
    const name = node.metadata?.name ?? "";
    const known = this.nodes.get(name);
    if (!known) {
      const info = new NodeInfo(node);
      for (const pod of this.#strays.get(name)?.values() ?? []) info.add(pod);
      this.#strays.delete(name);
      this.nodes.set(name, info);
      return ["NodeAdd"];
    }
    const events = changes(known.node, node);
    known.setNode(node);
    return events;
  }

  removeNode(name: string): void {
    const known = this.nodes.get(name);
    if (!known) return;
    this.nodes.delete(name);
    if (known.pods.size > 0) this.#strays.set(name, new Map(known.pods));
  }

  /** A scheduled pod from the API server. Finished pods use no resources. */
  setPod(pod: Pod): void {
    const node = pod.spec?.nodeName;
    const uid = pod.metadata?.uid ?? "";
    if (!node || isFinished(pod)) {
      this.removePod(uid);
      return;
    }
    this.#assumed.delete(uid);
    this.#place(podInfo(pod), node);
  }

  removePod(uid: string): boolean {
    const node = this.#placed.get(uid);
    if (node === undefined) return false;
    this.#placed.delete(uid);
    this.#assumed.delete(uid);
    this.nodes.get(node)?.remove(uid);
    this.#strays.get(node)?.delete(uid);
    return true;
  }

  /** Counts the pod on the node before the API server knows it. */
  assume(info: PodInfo, node: string): void {
    this.#place(info, node);
    this.#assumed.add(info.uid);
  }

  /** The binding failed. */
  forget(uid: string): void {
    if (this.#assumed.has(uid)) this.removePod(uid);
  }

  has(uid: string): boolean {
    return this.#placed.has(uid);
  }

  isAssumed(uid: string): boolean {
    return this.#assumed.has(uid);
  }

  isAvailable(volume: PersistentVolume): boolean {
    return (
      !this.promised.has(volume.metadata?.name ?? "") && (volume.status?.phase ?? "Available") === "Available"
    );
  }

  #place(info: PodInfo, node: string): void {
    this.removePod(info.uid);
    this.#placed.set(info.uid, node);
    const known = this.nodes.get(node);
    if (known) {
      known.add(info);
      return;
    }
    const strays = this.#strays.get(node) ?? new Map<string, PodInfo>();
    strays.set(info.uid, info);
    this.#strays.set(node, strays);
  }
}

export function isFinished(pod: Pod): boolean {
  return pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
}

/** True for changes that affect scheduling; heartbeats do not. */
function changes(old: Node, now: Node): ClusterEvent[] {
  const events: ClusterEvent[] = [];
  const differs = (a: unknown, b: unknown): boolean =>
    JSON.stringify(a ?? null) !== JSON.stringify(b ?? null);
  if (differs(old.status?.allocatable, now.status?.allocatable)) events.push("NodeAllocatable");
  if (differs(old.metadata?.labels, now.metadata?.labels)) events.push("NodeLabels");
  if (differs(old.spec?.taints, now.spec?.taints) || old.spec?.unschedulable !== now.spec?.unschedulable) {
    events.push("NodeTaints");
  }
  return events;
}
