import type { Pod, ReplicaSet, ReplicationController } from "../../api/index.ts";
import {
  claimObjects,
  controllerOf,
  Expectations,
  isControlledBy,
  keyOf,
  type Outcome,
  type ResourceClient,
  settled,
  slowStart,
  splitKey,
} from "../../client/index.ts";
import { isReason, type Matcher } from "../../machinery/index.ts";
import { type ControllerContext, newQueue, runLoop } from "../context.ts";
import { ignoreMissing, namespaceGoes } from "../failures.ts";
import { podFromTemplate } from "../pods/from-template.ts";
import { indexByController, orphanPods, podsControlledBy } from "../pods/pod-index.ts";
import { isActive, isFinished, isLeaving } from "../pods/state.ts";
import { planReplicas, type ReplicaFailure, replicaSetStatus, sameStatus } from "./reconcile.ts";

/** A kind that keeps a number of equal pods. */
export type Replicated = ReplicaSet | ReplicationController;

export interface ReplicaKind<T extends Replicated> {
  /** Of the loop in logs. */
  name: string;
  apiVersion: string;
  kind: string;
  resource: ResourceClient<T>;
  selector(set: T): Matcher;
  /** Its status has `terminatingReplicas`. */
  countsLeaving: boolean;
}

/** Keeps as many pods as `spec.replicas` says; labels decide which pods are a set's own. */
export async function runReplicas<T extends Replicated>(
  context: ControllerContext,
  { name: loopName, apiVersion, kind, resource, selector, countsLeaving }: ReplicaKind<T>,
): Promise<void> {
  const { client, informers, clock } = context;
  const sets = informers.of(resource);
  const pods = informers.of(client.pods);
  const recorder = context.recorder(`${loopName}-controller`);
  const queue = newQueue(context);
  const expected = new Expectations(clock);
  indexByController(pods);
  sets.addIndex("namespace", (set) => [set.metadata?.namespace ?? ""]);
  sets.addIndex("owner", (set) => [controllerOf(set)?.uid ?? ""]);

  sets.onChange((type, set) => {
    // A set of that name that comes later starts without the old one's debts.
    if (type === "delete") expected.forget(keyOf(set));
    queue.add(keyOf(set));
  });
  pods.onChange((type, pod, old) => {
    const key = ownerKey(pod);
    if (old && controllerOf(old)?.uid !== controllerOf(pod)?.uid) {
      const before = ownerKey(old);
      if (before) queue.add(before);
    }
    if (key) {
      if (type === "delete" || isLeaving(pod)) expected.deleted(key, pod.metadata?.uid ?? "");
      else if (type === "add") expected.created(key);
      queue.add(key);
    } else if (type !== "delete" && !controllerOf(pod) && isActive(pod)) {
      for (const set of sets.byIndex("namespace", pod.metadata?.namespace ?? "")) {
        if (selector(set).matches(pod.metadata?.labels)) queue.add(keyOf(set));
      }
    }
  });

  await runLoop(context, {
    name: loopName,
    queue,
    workers: 5,
    needs: [sets, pods],
    reconcile: async (key) => {
      const set = sets.get(key);
      if (!set) return settled;
      return await sync(key, set);
    },
  });

  async function sync(key: string, set: T): Promise<Outcome> {
    const { namespace, name } = splitKey(key);
    const trusted = expected.met(key);
    const owned = podsControlledBy(pods, set.metadata?.uid);
    const active = await claimObjects({
      owner: set,
      apiVersion,
      kind,
      selector: selector(set),
      resource: client.pods,
      candidates: [...owned, ...orphanPods(pods, namespace)].filter(isActive),
      liveOwner: () => ignoreMissing(resource.get(namespace, name)),
    });
    let failure: { what: ReplicaFailure; error: unknown } | undefined;
    if (trusted && !set.metadata?.deletionTimestamp) failure = await manage(key, set, active);

    const terminating = countsLeaving
      ? owned.filter((pod) => isLeaving(pod) && !isFinished(pod)).length
      : undefined;
    const { status, nextMs } = replicaSetStatus(set, active, terminating, failure?.what, clock.now());
    if (!sameStatus(set.status, status)) {
      try {
        await resource.updateStatus(namespace, { ...set, status });
      } catch (error) {
        if (!isReason(error, "NotFound")) throw error;
      }
    }
    if (failure) throw failure.error;
    if (!trusted) {
      return { kind: "again", afterMs: expected.patience(key), why: "events of own writes are missing" };
    }
    if (nextMs === undefined) return settled;
    return { kind: "again", afterMs: nextMs, why: "a pod becomes available" };
  }

  async function manage(
    key: string,
    set: T,
    active: readonly Pod[],
  ): Promise<{ what: ReplicaFailure; error: unknown } | undefined> {
    const namespace = set.metadata?.namespace;
    const plan = planReplicas(set, active, relatedPods(set, active), clock.now());
    if (plan.create > 0) {
      expected.creations(key, plan.create);
      const template = set.spec?.template ?? {};
      const { succeeded, error } = await slowStart(plan.create, 1, async () => {
        try {
          const made = await client.pods.create(namespace, podFromTemplate(template, set, apiVersion, kind));
          recorder.event(set, "Normal", "SuccessfulCreate", `Created pod: ${made.metadata?.name}`);
        } catch (failed) {
          if (!namespaceGoes(failed)) {
            recorder.event(set, "Warning", "FailedCreate", `Error creating: ${(failed as Error).message}`);
          }
          throw failed;
        }
      });
      for (let missing = plan.create - succeeded; missing > 0; missing--) expected.created(key);
      if (error !== undefined && !namespaceGoes(error)) {
        return { what: { reason: "FailedCreate", message: (error as Error).message }, error };
      }
      return undefined;
    }
    if (plan.remove.length === 0) return undefined;
    expected.deletions(
      key,
      plan.remove.map((pod) => pod.metadata?.uid ?? ""),
    );
    const results = await Promise.all(plan.remove.map((pod) => removePod(key, set, pod)));
    const error = results.find((each) => each !== undefined);
    return error && { what: { reason: "FailedDelete", message: error.message }, error };
  }

  async function removePod(key: string, set: T, pod: Pod): Promise<Error | undefined> {
    const { namespace, name = "", uid = "" } = pod.metadata ?? {};
    try {
      await client.pods.delete(namespace, name, { preconditions: { uid } });
      recorder.event(set, "Normal", "SuccessfulDelete", `Deleted pod: ${name}`);
    } catch (error) {
      expected.deleted(key, uid);
      // Gone already, or another pod of that name: it is not there to be counted either way.
      if (isReason(error, "NotFound") || isReason(error, "Conflict")) return undefined;
      recorder.event(set, "Warning", "FailedDelete", `Error deleting: ${(error as Error).message}`);
      return error as Error;
    }
    return undefined;
  }

  /** Pods of all sets of the same Deployment: a node that holds many of them is crowded. */
  function relatedPods(set: T, active: readonly Pod[]): readonly Pod[] {
    const owner = controllerOf(set)?.uid;
    if (!owner) return active;
    return sets.byIndex("owner", owner).flatMap((sibling) => podsControlledBy(pods, sibling.metadata?.uid));
  }

  function ownerKey(pod: Pod): string | undefined {
    const owner = controllerOf(pod);
    if (owner?.kind !== kind) return undefined;
    const set = sets.get(`${pod.metadata?.namespace}/${owner.name}`);
    return set && isControlledBy(pod, set) ? keyOf(set) : undefined;
  }
}
