import type { Node, Pod } from "../../api/index.ts";
import { forEachParallel, keyOf, type Outcome, settled } from "../../client/index.ts";
import { formatTime } from "../../machinery/index.ts";
import { type ControllerContext, newQueue, runLoop } from "../context.ts";
import { ignoreGone } from "../failures.ts";
import { indexByNode, podsOnNode } from "../pods/pod-index.ts";
import { isReady } from "../pods/state.ts";
import { Heartbeats } from "./heartbeats.ts";
import { conditionStatus, wantedTaints } from "./taints.ts";
import { unknownConditions } from "./unknown.ts";

/** Grace period without heartbeats before a node becomes Unknown; Kubernetes' default. */
const graceMs = 50_000;
/** Grace period of a node that has never reported. */
const startupGraceMs = 60_000;
const leaseNamespace = "kube-node-lease";

/** Marks nodes without heartbeats and their pods, and taints unhealthy nodes. */
export async function runNodeLifecycle(context: ControllerContext): Promise<void> {
  const { client, informers, clock } = context;
  const nodes = informers.of(client.nodes);
  const leases = informers.of(client.leases);
  const pods = informers.of(client.pods);
  const recorder = context.recorder("node-controller");
  const heartbeats = new Heartbeats(clock);
  const queue = newQueue(context);
  indexByNode(pods);

  nodes.onChange((type, node, old) => {
    const key = keyOf(node);
    if (type !== "update") announce(type === "add", node);
    if (type === "delete") heartbeats.forget(key);
    else {
      const ready = node.status?.conditions?.find((condition) => condition.type === "Ready");
      if (ready?.status !== "Unknown") heartbeats.heard(key, "status", ready?.lastHeartbeatTime);
    }
    // Whether other nodes are healthy decides whether pods may be evicted from any.
    if (type !== "update" || isUp(node) !== (old ? isUp(old) : undefined)) {
      for (const each of nodes.list()) queue.add(keyOf(each));
    }
    queue.add(key);
  });
  leases.onChange((type, lease) => {
    if (type === "delete" || lease.metadata?.namespace !== leaseNamespace) return;
    const key = lease.metadata.name ?? "";
    const node = nodes.get(key);
    if (node) heartbeats.heard(key, "lease", lease.spec?.renewTime);
  });

  await runLoop(context, {
    name: "node-lifecycle",
    queue,
    workers: 4,
    needs: [nodes, leases, pods],
    async reconcile(key) {
      const node = nodes.get(key);
      return node ? await look(key, node) : settled;
    },
  });

  function announce(isNew: boolean, node: Node): void {
    const name = node.metadata?.name ?? "";
    const [reason, text] = isNew
      ? ["RegisteredNode", `Registered Node ${name} in Controller`]
      : ["RemovingNode", `Removing Node ${name} from Controller`];
    recorder.event(node, "Normal", reason, `Node ${name} event: ${text}`);
  }

  async function look(key: string, node: Node): Promise<Outcome> {
    const grace = conditionStatus(node, "Ready") === undefined ? startupGraceMs : graceMs;
    const left = grace - heartbeats.silence(key);
    let current = node;
    if (left <= 0) {
      const conditions = unknownConditions(node, clock.now());
      if (conditions) {
        current = await client.nodes.updateStatus(undefined, {
          ...node,
          status: { ...node.status, conditions },
        });
      }
    }
    await taint(current);
    const ready = conditionStatus(current, "Ready");
    if (ready === "False" || ready === "Unknown") await markPods(current);
    // The next heartbeat of an Unknown node changes its status, which triggers a sync.
    if (left <= 0) return settled;
    return { kind: "again", afterMs: left, why: "the node's next heartbeat is due" };
  }

  async function taint(node: Node): Promise<void> {
    // Without any healthy node, evicting pods would only do harm.
    const evict = nodes.list().some(isUp);
    const taints = wantedTaints(node, evict, clock.now());
    if (!taints) return;
    await client.nodes.patch(undefined, node.metadata?.name ?? "", "merge", {
      metadata: { uid: node.metadata?.uid, resourceVersion: node.metadata?.resourceVersion },
      spec: { taints },
    });
  }

  /** Sets pods of unreachable nodes to not ready, so that Services do not send traffic there. */
  async function markPods(node: Node): Promise<void> {
    const name = node.metadata?.name ?? "";
    const ready = podsOnNode(pods, name).filter(isReady);
    if (ready.length === 0) return;
    recorder.event(node, "Normal", "NodeNotReady", `Node ${name} status is now: NodeNotReady`);
    await forEachParallel(ready, 16, async (pod) => {
      recorder.event(pod, "Warning", "NodeNotReady", "Node is not ready");
      await markPod(pod);
    });
  }

  async function markPod(pod: Pod): Promise<void> {
    const { namespace, name = "", uid } = pod.metadata ?? {};
    const known = pod.status?.conditions?.find((condition) => condition.type === "Ready");
    await ignoreGone(
      client.pods.patch(
        namespace,
        name,
        "strategic",
        {
          metadata: { uid },
          status: {
            conditions: [
              { ...known, type: "Ready", status: "False", lastTransitionTime: formatTime(clock.now()) },
            ],
          },
        },
        { subresource: "status" },
      ),
    );
  }
}

const isUp = (node: Node): boolean => conditionStatus(node, "Ready") === "True";
