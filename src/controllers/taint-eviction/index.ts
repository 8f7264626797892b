import type { Node, Pod, Taint } from "../../api/index.ts";
import { keyOf, settled } from "../../client/index.ts";
import { deepEqual, formatTime, isReason } from "../../machinery/index.ts";
import { type ControllerContext, newQueue, runLoop } from "../context.ts";
import { indexByNode, podsOnNode } from "../pods/pod-index.ts";
import { isLeaving } from "../pods/state.ts";
import { mayStayMs } from "./reconcile.ts";

/** Deletes pods from nodes with NoExecute taints when their tolerations expire. */
export async function runTaintEviction(context: ControllerContext): Promise<void> {
  const { client, informers, clock } = context;
  const nodes = informers.of(client.nodes);
  const pods = informers.of(client.pods);
  const recorder = context.recorder("taint-eviction-controller");
  const queue = newQueue(context);
  /** When each pod's toleration began, by UID. */
  const since = new Map<string, number>();
  indexByNode(pods);

  nodes.onChange((_type, node, old) => {
    const before = old ? noExecute(old) : [];
    if (deepEqual(before, noExecute(node))) return;
    for (const pod of podsOnNode(pods, node.metadata?.name ?? "")) queue.add(keyOf(pod));
  });
  pods.onChange((type, pod, old) => {
    if (type === "delete") since.delete(pod.metadata?.uid ?? "");
    const placed = pod.spec?.nodeName !== old?.spec?.nodeName;
    const same = !placed && deepEqual(pod.spec?.tolerations, old?.spec?.tolerations);
    if (type !== "delete" && pod.spec?.nodeName && !same) queue.add(keyOf(pod));
  });

  await runLoop(context, {
    name: "taint-eviction",
    queue,
    workers: 4,
    needs: [nodes, pods],
    async reconcile(key) {
      const pod = pods.get(key);
      if (!pod || isLeaving(pod)) return settled;
      const uid = pod.metadata?.uid ?? "";
      const node = nodes.get(pod.spec?.nodeName ?? "");
      const stay = mayStayMs(pod, node ? noExecute(node) : []);
      const start = since.get(uid);
      if (stay === undefined) {
        if (since.delete(uid)) tell(pod, `Cancelling deletion of Pod ${key}`);
        return settled;
      }
      const from = start ?? clock.monotonic();
      since.set(uid, from);
      const left = from + stay - clock.monotonic();
      if (left > 0) return { kind: "again", afterMs: left, why: "its toleration runs out" };
      tell(pod, `Marking for deletion Pod ${key}`);
      await evict(pod);
      return settled;
    },
  });

  function tell(pod: Pod, message: string): void {
    recorder.event(pod, "Normal", "TaintManagerEviction", message);
  }

  async function evict(pod: Pod): Promise<void> {
    const { namespace, name = "", uid } = pod.metadata ?? {};
    try {
      await client.pods.patch(
        namespace,
        name,
        "strategic",
        {
          metadata: { uid },
          status: {
            conditions: [
              {
                type: "DisruptionTarget",
                status: "True",
                reason: "DeletionByTaintManager",
                message: "Taint manager: deleting due to NoExecute taint",
                lastTransitionTime: formatTime(clock.now()),
              },
            ],
          },
        },
        { subresource: "status" },
      );
      await client.pods.delete(namespace, name, { preconditions: { uid } });
    } catch (error) {
      // Already deleted, or replaced by a pod of the same name.
      if (!isReason(error, "NotFound") && !isReason(error, "Conflict")) throw error;
    }
  }
}

const noExecute = (node: Node): Taint[] =>
  (node.spec?.taints ?? []).filter((taint) => taint.effect === "NoExecute");
