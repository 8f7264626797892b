import type { Job } from "../../api/index.ts";
import { keyOf, settled, splitKey } from "../../client/index.ts";
import { type ControllerContext, newQueue, runLoop } from "../context.ts";
import { ignoreMissing } from "../failures.ts";
import { conditionOf } from "./verdict.ts";

/** Deletes finished Jobs `ttlSecondsAfterFinished` after their end. */
export async function runJobExpiry(context: ControllerContext): Promise<void> {
  const { client, informers, clock } = context;
  const resource = client.resource<Job>("batch", "v1", "jobs");
  const jobs = informers.of(resource);
  const queue = newQueue(context);
  jobs.onChange((type, job) => {
    if (type !== "delete" && expiryOf(job) !== undefined) queue.add(keyOf(job));
  });
  await runLoop(context, {
    name: "ttl-after-finished",
    queue,
    workers: 1,
    needs: [jobs],
    reconcile: async (key) => {
      const { namespace, name } = splitKey(key);
      const known = jobs.get(key);
      const at = known && expiryOf(known);
      if (at === undefined) return settled;
      if (at > clock.now())
        return { kind: "again", afterMs: at - clock.now(), why: "it is kept for a while" };
      // The TTL may have been extended, which the cache does not show yet.
      const live = await ignoreMissing(resource.get(namespace, name));
      const liveAt = live && expiryOf(live);
      if (!live || liveAt === undefined || liveAt > clock.now()) return settled;
      const { uid, resourceVersion } = live.metadata ?? {};
      await ignoreMissing(
        resource.delete(namespace, name, {
          propagationPolicy: "Foreground",
          preconditions: { uid, resourceVersion },
        }),
      );
      return settled;
    },
  });
}

/** Epoch milliseconds; undefined while it runs, or without a TTL. */
function expiryOf(job: Job): number | undefined {
  const seconds = job.spec?.ttlSecondsAfterFinished;
  const end = conditionOf(job, "Complete") ?? conditionOf(job, "Failed");
  if (seconds === undefined || !end?.lastTransitionTime || job.metadata?.deletionTimestamp) return undefined;
  return Date.parse(end.lastTransitionTime) + seconds * 1000;
}
