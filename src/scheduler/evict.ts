import type { PodDisruptionBudget } from "../api/index.ts";
import type { Client } from "../client/index.ts";
import { type Clock, formatTime, isReason } from "../machinery/index.ts";
import type { PodInfo } from "./pod-info.ts";

/** Deletes a preemption victim gracefully, after setting its condition DisruptionTarget (KEP-3329). */
export async function evict(
  victim: PodInfo,
  schedulerName: string,
  client: Client,
  clock: Clock,
): Promise<void> {
  const name = victim.pod.metadata?.name ?? "";
  if (victim.pod.metadata?.deletionTimestamp) return;
  try {
    await client.pods.patch(
      victim.namespace,
      name,
      "strategic",
      {
        metadata: { uid: victim.uid },
        status: {
          conditions: [
            {
              type: "DisruptionTarget",
              status: "True",
              reason: "PreemptionByScheduler",
              message: `${schedulerName}: preempting to accommodate a higher priority pod`,
              lastTransitionTime: formatTime(clock.now()),
              observedGeneration: victim.pod.metadata?.generation,
            },
          ],
        },
      },
      { subresource: "status" },
    );
    await client.pods.delete(victim.namespace, name, { preconditions: { uid: victim.uid } });
  } catch (error) {
    if (!isReason(error, "NotFound") && !isReason(error, "Conflict")) throw error;
  }
}

/** Read only for preemptions, which are rare; a server without the kind has no budgets. */
export async function listBudgets(client: Client): Promise<PodDisruptionBudget[]> {
  try {
    const list = await client
      .resource<PodDisruptionBudget>("policy", "v1", "poddisruptionbudgets", true)
      .list(undefined);
    return list.items;
  } catch (error) {
    if (isReason(error, "NotFound") || isReason(error, "Forbidden")) return [];
    throw error;
  }
}
