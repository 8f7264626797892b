import type { Pod } from "../../api/index.ts";
import { keyOf, settled } from "../../client/index.ts";
import { formatTime } from "../../machinery/index.ts";
import { type Controller, type ControllerContext, newQueue, runLoop } from "../context.ts";
import { ignoreGone, ignoreMissing } from "../failures.ts";
import { indexByNode, podsOnNode } from "../pods/pod-index.ts";
import { isFinished, isLeaving } from "../pods/state.ts";

export interface PodGarbageOptions {
  /** Limit of finished pods; the oldest beyond it are deleted. Default 12500, as in Kubernetes; 0 keeps all. */
  terminatedThreshold?: number | undefined;
}

/** Delay of the second check for a missing node, which may just be registering. */
const quarantineMs = 40_000;
const outOfService = "node.kubernetes.io/out-of-service";
const thresholdKey = "threshold";

export function podGarbage(options: PodGarbageOptions = {}): Controller {
  return (context) => runPodGarbage(context, options);
}

/** Deletes pods of missing nodes, terminating unscheduled pods, and finished pods beyond the limit. */
async function runPodGarbage(context: ControllerContext, options: PodGarbageOptions): Promise<void> {
  const { client, informers, clock } = context;
  const threshold = options.terminatedThreshold ?? 12_500;
  const nodes = informers.of(client.nodes);
  const pods = informers.of(client.pods);
  const queue = newQueue(context);
  let finished = 0;
  indexByNode(pods);

  nodes.onChange((type, node) => {
    const tainted = node.spec?.taints?.some((taint) => taint.key === outOfService);
    if (type !== "delete" && !tainted) return;
    for (const pod of podsOnNode(pods, node.metadata?.name ?? "")) {
      if (type === "delete") queue.addAfter(keyOf(pod), quarantineMs);
      else queue.add(keyOf(pod));
    }
  });
  pods.onChange((type, pod, old) => {
    const before = old && isFinished(old) ? 1 : type === "delete" && isFinished(pod) ? 1 : 0;
    finished += (type !== "delete" && isFinished(pod) ? 1 : 0) - before;
    if (threshold > 0 && finished > threshold) queue.add(thresholdKey);
    if (type === "delete") return;
    const key = keyOf(pod);
    if (isLeaving(pod) && (!pod.spec?.nodeName || nodes.get(pod.spec.nodeName)?.spec?.taints)) queue.add(key);
    if (pod.spec?.nodeName && !nodes.get(pod.spec.nodeName)) queue.addAfter(key, quarantineMs);
  });

  await runLoop(context, {
    name: "pod-garbage",
    queue,
    workers: 2,
    needs: [nodes, pods],
    async reconcile(key) {
      if (key === thresholdKey) {
        await trim();
        return settled;
      }
      const pod = pods.get(key);
      if (pod) await look(pod);
      return settled;
    },
  });

  async function look(pod: Pod): Promise<void> {
    const nodeName = pod.spec?.nodeName;
    if (!nodeName) {
      if (isLeaving(pod)) await remove(pod);
      return;
    }
    const node = nodes.get(nodeName);
    if (!node) {
      // The cache may be behind a new node.
      if (await ignoreMissing(client.nodes.get(undefined, nodeName))) return;
      if (!isFinished(pod)) await fail(pod, "PodGC: node no longer exists");
      await remove(pod);
      return;
    }
    const shut =
      node.spec?.taints?.some((taint) => taint.key === outOfService) &&
      !node.status?.conditions?.some((each) => each.type === "Ready" && each.status === "True");
    if (shut && isLeaving(pod)) {
      if (!isFinished(pod)) await fail(pod, undefined);
      await remove(pod);
    }
  }

  async function trim(): Promise<void> {
    const done = pods.list().filter((pod) => isFinished(pod) && !isLeaving(pod));
    const surplus = done.length - threshold;
    if (surplus <= 0) return;
    done.sort((a, b) => created(a) - created(b));
    for (const pod of done.slice(0, surplus)) await remove(pod);
  }

  /** The state of pods of a lost node is unknown; they are set to Failed, so that their controllers count them. */
  async function fail(pod: Pod, disrupted: string | undefined): Promise<void> {
    const { namespace, name = "", uid } = pod.metadata ?? {};
    const condition = {
      type: "DisruptionTarget",
      status: "True",
      reason: "DeletionByPodGC",
      message: disrupted,
      lastTransitionTime: formatTime(clock.now()),
    };
    const status = { phase: "Failed", ...(disrupted ? { conditions: [condition] } : {}) };
    await ignoreGone(
      client.pods.patch(
        namespace,
        name,
        "strategic",
        { metadata: { uid }, status },
        { subresource: "status" },
      ),
    );
  }

  async function remove(pod: Pod): Promise<void> {
    const { namespace, name = "", uid } = pod.metadata ?? {};
    await ignoreGone(client.pods.delete(namespace, name, { gracePeriodSeconds: 0, preconditions: { uid } }));
  }
}

const created = (pod: Pod): number => Date.parse(pod.metadata?.creationTimestamp ?? "") || 0;
