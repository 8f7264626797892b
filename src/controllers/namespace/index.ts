import type { Namespace } from "../../api/index.ts";
import { keyOf, type Outcome, settled } from "../../client/index.ts";
import { deepEqual, isReason } from "../../machinery/index.ts";
import { type ControllerContext, newQueue, runLoop } from "../context.ts";
import { isLeaving } from "../pods/state.ts";
import { deletionConditions, noObstacles, type Obstacles } from "./conditions.ts";
import { emptyNamespace } from "./content.ts";

const ownFinalizer = "kubernetes";
/** Growing delays of retries while finalizers of others block deletion. */
const firstLookMs = 100;
const lastLookMs = 10_000;

/** Deletes the content of terminating namespaces, then finalizes them. */
export async function runNamespaces(context: ControllerContext): Promise<void> {
  const { client, informers, clock, log } = context;
  const namespaces = informers.of(client.namespaces);
  const pods = informers.of(client.pods);
  const queue = newQueue(context);
  const looks = new Map<string, number>();
  namespaces.onChange((type, namespace) => {
    const key = keyOf(namespace);
    if (type === "delete") looks.delete(key);
    else if (namespace.metadata?.deletionTimestamp) queue.add(key);
  });
  // Namespaces mostly wait for pods to terminate.
  pods.onChange((type, pod) => {
    const key = pod.metadata?.namespace ?? "";
    if (type === "delete" && isLeaving(pod) && namespaces.get(key)?.metadata?.deletionTimestamp)
      queue.add(key);
  });

  await runLoop(context, {
    name: "namespace",
    queue,
    workers: 5,
    needs: [namespaces, pods],
    async reconcile(key, signal) {
      const namespace = namespaces.get(key);
      if (!namespace?.metadata?.deletionTimestamp) return settled;
      if (!namespace.spec?.finalizers?.includes(ownFinalizer)) return settled;
      return await end(key, namespace, signal);
    },
  });

  async function end(key: string, namespace: Namespace, signal: AbortSignal): Promise<Outcome> {
    const { empty, obstacles } = await emptyNamespace(client, key, signal);
    if (empty) {
      await finalize(namespace);
      return settled;
    }
    await writeConditions(namespace, obstacles);
    const look = looks.get(key) ?? 0;
    looks.set(key, look + 1);
    const afterMs = Math.min(firstLookMs * 2 ** look, lastLookMs);
    log.debug("namespace is not empty yet", { namespace: key, remaining: obstacles.remaining });
    return { kind: "again", afterMs, why: "objects remain" };
  }

  async function writeConditions(namespace: Namespace, obstacles: Obstacles): Promise<void> {
    const conditions = deletionConditions(namespace.status?.conditions, obstacles, clock.now());
    if (deepEqual(conditions, namespace.status?.conditions)) return;
    await client.namespaces.updateStatus(undefined, {
      ...namespace,
      status: { ...namespace.status, phase: "Terminating", conditions },
    });
  }

  async function finalize(namespace: Namespace): Promise<void> {
    const name = namespace.metadata?.name ?? "";
    const others = (namespace.spec?.finalizers ?? []).filter((each) => each !== ownFinalizer);
    try {
      if (others.length > 0 || (namespace.metadata?.finalizers ?? []).length > 0) {
        await writeConditions(namespace, noObstacles);
        const fresh = await client.namespaces.get(undefined, name);
        if (fresh.metadata?.uid !== namespace.metadata?.uid) return;
        await putFinalizers(fresh, others);
      } else await putFinalizers(namespace, others);
    } catch (error) {
      if (!isReason(error, "NotFound")) throw error;
    }
  }

  async function putFinalizers(namespace: Namespace, finalizers: string[]): Promise<void> {
    const body = {
      ...namespace,
      apiVersion: "v1",
      kind: "Namespace",
      spec: { ...namespace.spec, finalizers },
    };
    await client.namespaces.subresource(undefined, namespace.metadata?.name ?? "", "finalize", "PUT", body);
  }
}
