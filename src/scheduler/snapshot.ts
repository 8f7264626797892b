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
 * All that one scheduling decision looks at. Deciding is synchronous, so the scheduler hands out its live cache and
 * a test hands out literals.
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
  /** Volumes that no claim has and that are not promised to one by a decision under way. */
  availableVolumes(storageClass: string): readonly PersistentVolume[];
}

/** What selects a pod from above; gives the default spreading its selector. */
export interface OwnerView {
  services(namespace: string): readonly Service[];
  replicaSet(namespace: string, name: string): ReplicaSet | undefined;
}

/** The same snapshot with one node in another state. */
export function withNode(snapshot: Snapshot, node: NodeInfo): Snapshot {
  const nodes = new Map(snapshot.nodes);
  nodes.set(node.name, node);
  return { ...snapshot, nodes };
}
