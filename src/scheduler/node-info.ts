import type { Node } from "../api/index.ts";
import type { HostPort, PodInfo } from "./pod-info.ts";
import { addResources, parseResources, type Resources } from "./resources.ts";

/** A node, its pods (including assumed ones) and their sums. */
export class NodeInfo {
  readonly name: string;
  node: Node;
  allocatable: Resources;
  /** Image sizes in bytes by every name. */
  images: Map<string, number>;
  readonly pods = new Map<string, PodInfo>();
  readonly requested: Resources = new Map();
  readonly scoringRequested: Resources = new Map();
  /** The few pods with required anti-affinity, which are checked for every new pod. */
  readonly withAntiAffinity = new Map<string, PodInfo>();
  readonly withAffinity = new Map<string, PodInfo>();

  constructor(node: Node) {
    this.name = node.metadata?.name ?? "";
    this.node = node;
    this.allocatable = parseResources(node.status?.allocatable);
    this.images = imageSizes(node);
  }

  setNode(node: Node): void {
    this.node = node;
    this.allocatable = parseResources(node.status?.allocatable);
    this.images = imageSizes(node);
  }

  get labels(): Readonly<Record<string, string>> {
    return this.node.metadata?.labels ?? {};
  }

  get usedPorts(): HostPort[] {
    const out: HostPort[] = [];
    for (const pod of this.pods.values()) out.push(...pod.ports);
    return out;
  }

  add(pod: PodInfo): void {
    if (this.pods.has(pod.uid)) this.remove(pod.uid);
    this.pods.set(pod.uid, pod);
    addResources(this.requested, pod.requests);
    addResources(this.scoringRequested, pod.scoringRequests);
    if (pod.requiredAntiAffinity.length > 0) this.withAntiAffinity.set(pod.uid, pod);
    if (pod.requiredAffinity.length + pod.preferredAffinity.length + pod.preferredAntiAffinity.length > 0) {
      this.withAffinity.set(pod.uid, pod);
    }
  }

  remove(uid: string): void {
    const pod = this.pods.get(uid);
    if (!pod) return;
    this.pods.delete(uid);
    this.withAntiAffinity.delete(uid);
    this.withAffinity.delete(uid);
    addResources(this.requested, pod.requests, -1);
    addResources(this.scoringRequested, pod.scoringRequests, -1);
  }

  /** A copy whose pods can be changed independently; to try preemption and nominations. */
  clone(): NodeInfo {
    const copy = new NodeInfo(this.node);
    for (const pod of this.pods.values()) copy.add(pod);
    return copy;
  }
}

function imageSizes(node: Node): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const image of node.status?.images ?? []) {
    for (const name of image.names ?? []) sizes.set(name, image.sizeBytes ?? 0);
  }
  return sizes;
}
