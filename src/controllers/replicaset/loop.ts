import type { Pod, ReplicaSet, ReplicationController } from "../../api/index.ts";
import {
  claimObjects,
  controllerOf,
  Expectations,
  keyOf,
  type Outcome,
  type ResourceClient,
  settled,
  splitKey,
} from "../../client/index.ts";
import type { Matcher } from "../../machinery/index.ts";
import { type ControllerContext, newQueue, runLoop } from "../context.ts";
import { ignoreMissing } from "../failures.ts";
import { queueOwners } from "../owners.ts";
import { podFromTemplate } from "../pods/from-template.ts";
import { PodControl } from "../pods/pod-control.ts";
import { indexByController, orphanPods, podsControlledBy } from "../pods/pod-index.ts";
import { isActive, isFinished, isLeaving } from "../pods/state.ts";
import { planReplicas, type ReplicaFailure, replicaSetStatus, sameStatus } from "./reconcile.ts";

/** A kind with a number of equal pods: ReplicaSet or ReplicationController. */
export type Replicated = ReplicaSet | ReplicationController;

export interface ReplicaKind<T extends Replicated> {
  /** The controller's name in logs. */
  name: string;
  apiVersion: string;
  kind: string;
  resource: ResourceClient<T>;
  selector(set: T): Matcher;
  /** Whether its status has `terminatingReplicas`. */
  countsLeaving: boolean;
}

/** Maintains `spec.replicas` pods; labels decide which pods belong to a set. */
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
  const control = new PodControl(client, recorder, expected);
  indexByController(pods);
  sets.addIndex("owner", (set) => [controllerOf(set)?.uid ?? ""]);

  sets.onChange((type, set) => {
    // A new set of the same name starts without expectations.
    if (type === "delete") expected.forget(keyOf(set));
    queue.add(keyOf(set));
  });
  queueOwners(pods, { kind, informer: sets, selector }, queue, expected);

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
      await ignoreMissing(resource.updateStatus(namespace, { ...set, status }));
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
    const plan = planReplicas(set, active, relatedPods(set, active), clock.now());
    const template = set.spec?.template ?? {};
    const error =
      plan.create > 0
        ? await control.create(key, set, plan.create, () => podFromTemplate(template, set, apiVersion, kind))
        : await control.delete(key, set, plan.remove);
    const reason = plan.create > 0 ? "FailedCreate" : "FailedDelete";
    return error && { what: { reason, message: error.message }, error };
  }

  /** Pods of all sets of the same Deployment, for ranking by pods per node. */
  function relatedPods(set: T, active: readonly Pod[]): readonly Pod[] {
    const owner = controllerOf(set)?.uid;
    if (!owner) return active;
    return sets.byIndex("owner", owner).flatMap((sibling) => podsControlledBy(pods, sibling.metadata?.uid));
  }
}
