import type { Job, Pod } from "../../api/index.ts";
import { controllerOf, type Informer, keyOf, type ResourceClient, settled } from "../../client/index.ts";
import { type ControllerContext, newQueue, runLoop } from "../context.ts";
import { ignoreGone, ignoreMissing } from "../failures.ts";
import { isTracked, trackingFinalizer } from "./pods.ts";

/** Removes the finalizer of pods whose Job is gone. */
export function orphanRelease(
  context: ControllerContext,
  resource: ResourceClient<Job>,
  jobs: Informer<Job>,
  pods: Informer<Pod>,
) {
  const queue = newQueue(context);

  async function release(pod: Pod): Promise<void> {
    const { namespace, name = "", uid } = pod.metadata ?? {};
    await ignoreGone(
      context.client.pods.patch(namespace, name, "strategic", {
        metadata: { uid, "$deleteFromPrimitiveList/finalizers": [trackingFinalizer] },
      }),
    );
  }

  return {
    release,
    add: (pod: Pod): void => queue.add(keyOf(pod)),
    run: () =>
      runLoop(context, {
        name: "job-orphans",
        queue,
        workers: 1,
        needs: [jobs, pods],
        reconcile: async (key) => {
          const pod = pods.get(key);
          if (!pod || !isTracked(pod)) return settled;
          const owner = controllerOf(pod);
          if (owner?.kind === "Job") {
            // The Job cache may be behind the pod cache.
            const live = await ignoreMissing(resource.get(pod.metadata?.namespace, owner.name));
            if (live?.metadata?.uid === owner.uid) return settled;
          }
          await release(pod);
          return settled;
        },
      }),
  };
}
