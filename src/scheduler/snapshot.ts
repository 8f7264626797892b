import type {
  PersistentVolume,
  PersistentVolumeClaim,
  ReplicaSet,
  Service,
  StorageClass,
} from "../api/index.ts";
import type { NodeInfo } from "./node-info.ts";
import type { NamespaceLabels } from "./pod-info.ts";

/**
 * The input of one scheduling decision. Decisions are synchronous, so the scheduler passes its live cache and tests pass
 * literals.
 */
export interface Snapshot {
  readonly nodes: ReadonlyMap<string, NodeInfo>;
  readonly namespaceLabels: NamespaceLabels;
  readonly storage: StorageView;
  readonly owners: OwnerView;
}

export interface StorageView {
  claim(namespace: string, name: string): PersistentVolumeClaim | undefined;
  volume(name: string): PersistentVolume | undefined;
  storageClass(name: string): StorageClass | undefined;
  /** Volumes not bound to a claim and not reserved by a pending decision. */
  availableVolumes(storageClass: string): readonly PersistentVolume[];
}

/** Objects that select pods; the default spreading uses their selectors. */
export interface OwnerView {
  services(namespace: string): readonly Service[];
  replicaSet(namespace: string, name: string): ReplicaSet | undefined;
}

/** The same snapshot with another state of one node. */
export function withNode(snapshot: Snapshot, node: NodeInfo): Snapshot {
  const nodes = new Map(snapshot.nodes);
  nodes.set(node.name, node);
  return { ...snapshot, nodes };
}
