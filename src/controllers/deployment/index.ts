import type { Deployment, Pod, ReplicaSet } from "../../api/index.ts";
import { claimObjects, isControlledBy, keyOf, type Outcome, settled, splitKey } from "../../client/index.ts";
import { deepEqual, isReason, type Matcher, selectorFromObject } from "../../machinery/index.ts";
import { type ControllerContext, newQueue, runLoop } from "../context.ts";
import { ignoreMissing, namespaceGoes } from "../failures.ts";
import { ownerOf, queueOwners } from "../owners.ts";
import { indexByController, podsControlledBy } from "../pods/pod-index.ts";
import { replicasOf } from "./bounds.ts";
import { timeLeft, withCondition } from "./conditions.ts";
import { type DeploymentPlan, planDeployment, sameTemplate } from "./reconcile.ts";
import { revisionAnnotation } from "./revision.ts";
import { sameStatus } from "./status.ts";

const apiVersion = "apps/v1";
const kind = "Deployment";

/** Rolls out templates by scaling ReplicaSets: one per template, named by its hash. */
export async function runDeployments(context: ControllerContext): Promise<void> {
  const { client, informers, clock } = context;
  const deployments = informers.of(client.deployments);
  const sets = informers.of(client.replicaSets);
  const pods = informers.of(client.pods);
  const recorder = context.recorder("deployment-controller");
  const queue = newQueue(context);
  indexByController(pods);
  sets.addIndex("namespace", (set) => [set.metadata?.namespace ?? ""]);

  deployments.onChange((_type, deployment) => queue.add(keyOf(deployment)));
  const owners = {
    kind,
    informer: deployments,
    selector: (deployment: Deployment): Matcher => selectorFromObject(deployment.spec?.selector),
  };
  queueOwners(sets, owners, queue);
  // Recreate waits for the last old pod, which ReplicaSets' status does not show.
  pods.onChange((type, pod) => {
    if (type === "add") return;
    const set = ownerOf({ kind: "ReplicaSet", informer: sets }, pod);
    const owner = set && ownerOf(owners, set);
    if (owner?.spec?.strategy?.type === "Recreate") queue.add(keyOf(owner));
  });

  await runLoop(context, {
    name: "deployment",
    queue,
    workers: 5,
    needs: [deployments, sets, pods],
    reconcile: async (key) => {
      const deployment = deployments.get(key);
      return deployment ? await sync(key, deployment) : settled;
    },
  });

  async function sync(key: string, deployment: Deployment): Promise<Outcome> {
    const { namespace, name } = splitKey(key);
    const selector = owners.selector(deployment);
    if (selector.empty) {
      const message = "This deployment is selecting all pods. A non-empty selector is required.";
      recorder.event(deployment, "Warning", "SelectingAll", message);
      return settled;
    }
    const own = await claimObjects<ReplicaSet>({
      owner: deployment,
      apiVersion,
      kind,
      selector,
      resource: client.replicaSets,
      candidates: sets.byIndex("namespace", namespace ?? ""),
      liveOwner: () => ignoreMissing(client.deployments.get(namespace, name)),
    });
    const ownPods: Pod[] = own.flatMap((set) => podsControlledBy(pods, set.metadata?.uid));
    const plan = planDeployment({ deployment, sets: own, pods: ownPods, now: clock.now() });
    if (plan.create && !(await create(deployment, plan.create))) return settled;
    for (const { from, to } of plan.update) await resize(deployment, from, to);
    for (const set of plan.remove) await removeSet(set);
    await writeStatus(deployment, plan);
    const left = timeLeft(deployment, plan.status.conditions, clock.now());
    if (left === undefined) return settled;
    // A second later, since conditions have whole seconds.
    return { kind: "again", afterMs: left + 1000, why: "the progress deadline" };
  }

  /** False when the namespace is terminating. A hash collision increases the collision count. */
  async function create(deployment: Deployment, set: ReplicaSet): Promise<boolean> {
    const namespace = deployment.metadata?.namespace;
    const name = set.metadata?.name ?? "";
    try {
      await client.replicaSets.create(namespace, set);
    } catch (error) {
      if (namespaceGoes(error)) return false;
      if (isReason(error, "AlreadyExists")) {
        const there = await client.replicaSets.get(namespace, name);
        // Our own, not yet in the cache.
        if (isControlledBy(there, deployment) && sameTemplate(deployment, there)) return true;
        const collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
        await client.deployments.updateStatus(namespace, {
          ...deployment,
          status: { ...deployment.status, collisionCount },
        });
        throw error;
      }
      const message = `Failed to create new replica set "${name}": ${(error as Error).message}`;
      recorder.event(deployment, "Warning", "ReplicaSetCreateError", message);
      await noteFailure(deployment, message);
      throw error;
    }
    const size = replicasOf(set);
    if (size > 0) scaled(deployment, set, 0, size);
    return true;
  }

  async function noteFailure(deployment: Deployment, message: string): Promise<void> {
    const conditions = withCondition(
      deployment.status?.conditions,
      { type: "Progressing", status: "False", reason: "ReplicaSetCreateError", message },
      clock.now(),
    );
    if (deepEqual(conditions, deployment.status?.conditions)) return;
    await client.deployments.updateStatus(deployment.metadata?.namespace, {
      ...deployment,
      status: { ...deployment.status, conditions },
    });
  }

  async function resize(deployment: Deployment, from: ReplicaSet, to: ReplicaSet): Promise<void> {
    await client.replicaSets.update(from.metadata?.namespace, to);
    if (replicasOf(from) !== replicasOf(to)) scaled(deployment, from, replicasOf(from), replicasOf(to));
  }

  function scaled(deployment: Deployment, set: ReplicaSet, from: number, to: number): void {
    const direction = to > from ? "up" : "down";
    const message = `Scaled ${direction} replica set ${set.metadata?.name} from ${from} to ${to}`;
    recorder.event(deployment, "Normal", "ScalingReplicaSet", message);
  }

  async function removeSet(set: ReplicaSet): Promise<void> {
    const { namespace, name = "", uid } = set.metadata ?? {};
    await ignoreMissing(
      client.replicaSets.delete(namespace, name, {
        preconditions: { uid, resourceVersion: set.metadata?.resourceVersion },
      }),
    );
  }

  async function writeStatus(deployment: Deployment, plan: DeploymentPlan): Promise<void> {
    const revision = String(plan.revision);
    const annotations = deployment.metadata?.annotations;
    const sameRevision = plan.revision === 0n || annotations?.[revisionAnnotation] === revision;
    if (sameRevision && sameStatus(deployment.status, plan.status)) return;
    // One write: /status leaves the spec alone but takes annotations.
    await ignoreMissing(
      client.deployments.updateStatus(deployment.metadata?.namespace, {
        ...deployment,
        metadata: {
          ...deployment.metadata,
          annotations: sameRevision
            ? (annotations ?? {})
            : { ...annotations, [revisionAnnotation]: revision },
        },
        status: plan.status,
      }),
    );
  }
}
