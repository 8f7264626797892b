import { statfs } from "node:fs/promises";
import type { ContainerImage, Node, NodeStatus } from "../../api/index.ts";
import { type Client, createInformer } from "../../client/index.ts";
import type { ImageService, RuntimeService } from "../../cri/index.ts";
import { type Clock, isReason, type Logger } from "../../machinery/index.ts";
import type { MachineFacts } from "./facts.ts";
import { nodeLabels, nodeStatus, sameNodeStatus } from "./node-status.ts";

export interface NodeAgentOptions {
  client: Client;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
  runtime: RuntimeService;
  images: ImageService;
  machine: MachineFacts;
  name: string;
  addresses: { type: string; address: string }[];
  labels: Record<string, string>;
  taints: { key: string; value?: string; effect: string }[];
  podCidr: string | undefined;
  maxPods: number;
  kubeletPort: number;
  reserved: { milliCpu: number; memoryBytes: number };
  /** Directory on the node's ephemeral storage. */
  root: string;
  runtimeInfo: { name: string; version: string };
  simulated: boolean;
}

/** Interval of status checks, and of writes of an unchanged status. */
const checkMs = 10_000;
const reportMs = 300_000;
/** Limit of images in the status (nodeStatusMaxImages). */
const maxImages = 50;

/** Registers the node and maintains its status. */
export class NodeAgent {
  readonly #options: NodeAgentOptions;
  #node: Node | undefined;
  #writtenAt = 0;

  constructor(options: NodeAgentOptions) {
    this.#options = options;
  }

  /** Creates the Node, or adopts the existing one, and sets it to Ready. */
  async register(): Promise<Node> {
    const { client, name, machine, taints, podCidr } = this.#options;
    const labels = { ...nodeLabels(name, machine.hostname, machine.architecture), ...this.#options.labels };
    const status = await this.#status([]);
    const fresh: Node = {
      apiVersion: "v1",
      kind: "Node",
      metadata: {
        name,
        labels,
        annotations: { "volumes.kubernetes.io/controller-managed-attach-detach": "true" },
      },
      spec: {
        ...(podCidr ? { podCIDR: podCidr, podCIDRs: [podCidr] } : {}),
        ...(taints.length > 0 ? { taints } : {}),
      },
      status,
    };
    try {
      this.#node = await client.nodes.create(undefined, fresh);
    } catch (error) {
      if (!isReason(error, "AlreadyExists")) throw error;
      this.#node = await client.nodes.patch(undefined, name, "merge", { metadata: { labels } });
    }
    const now = await this.#status(this.#node.status?.conditions ?? []);
    // A new node already has its status.
    if (!sameNodeStatus(this.#node.status, now)) await this.#write(now);
    this.#writtenAt = this.#options.clock.now();
    return this.#node;
  }

  get node(): Node | undefined {
    return this.#node;
  }

  /** Maintains the status until the signal, and a copy of the node: its labels decide which pods are admitted. */
  async run(): Promise<void> {
    const { client, clock, signal, log, name } = this.#options;
    const own = createInformer({
      resource: client.nodes,
      fieldSelector: `metadata.name=${name}`,
      clock,
      log,
      signal,
    });
    own.onChange((type, node) => {
      if (type !== "delete" && isNewer(node, this.#node)) this.#node = node;
    });
    while (!signal.aborted) {
      try {
        await clock.sleep(checkMs, signal);
        await this.update();
      } catch (error) {
        if (!signal.aborted) log.warn("node status not written", { error });
      }
    }
  }

  /** Checks the status, and writes it when it has changed or the last report is old. */
  async update(): Promise<void> {
    const { client, name, clock } = this.#options;
    const status = await this.#status(this.#node?.status?.conditions ?? []);
    const old = clock.now() - this.#writtenAt > reportMs;
    if (!old && sameNodeStatus(this.#node?.status, status)) return;
    try {
      this.#node = await client.nodes.get(undefined, name);
    } catch (error) {
      if (!isReason(error, "NotFound")) throw error;
      await this.register(); // deleted while the kubelet is running
      return;
    }
    await this.#write(status);
  }

  async #write(status: NodeStatus): Promise<void> {
    const { client, name, clock } = this.#options;
    this.#node = await client.nodes.patch(
      undefined,
      name,
      "strategic",
      { status },
      { subresource: "status" },
    );
    this.#writtenAt = clock.now();
  }

  async #status(before: NonNullable<NodeStatus["conditions"]>): Promise<NodeStatus> {
    const { runtime, machine, clock, root, runtimeInfo } = this.#options;
    const [state, images, disk] = await Promise.all([
      runtime.status(),
      this.#images(),
      statfs(root).catch(() => undefined),
    ]);
    const broken = [state.runtimeReady, state.networkReady].find((c) => !c.status);
    return nodeStatus({
      machine,
      addresses: this.#options.addresses,
      maxPods: this.#options.maxPods,
      reserved: this.#options.reserved,
      ephemeralBytes: disk ? disk.blocks * disk.bsize : 0,
      kubeletPort: this.#options.kubeletPort,
      runtime: {
        ...runtimeInfo,
        ready: state.runtimeReady.status,
        networkReady: state.networkReady.status,
        message: broken ? `container runtime is not ready: ${broken.reason}: ${broken.message}` : "",
      },
      images,
      // Disk pressure below a tenth of free space (imagefs/nodefs thresholds).
      pressure: { memory: false, disk: disk !== undefined && disk.bavail < disk.blocks * 0.02, pid: false },
      now: clock.now(),
      before,
      simulated: this.#options.simulated,
    });
  }

  async #images(): Promise<ContainerImage[]> {
    const images = await this.#options.images.listImages();
    return images
      .sort((a, b) => b.size - a.size)
      .slice(0, maxImages)
      .map((i) => ({ names: [...i.repoDigests, ...i.repoTags].slice(0, 5), sizeBytes: i.size }))
      .filter((i) => i.names.length > 0);
  }
}

/** Resource versions grow with every write. */
function isNewer(node: Node, than: Node | undefined): boolean {
  return Number(node.metadata?.resourceVersion ?? 0) > Number(than?.metadata?.resourceVersion ?? 0);
}
