import type { PersistentVolumeClaim, Pod, StatefulSet } from "../../api/index.ts";
import { claimObjects, controllerRef, keyOf, type Outcome, settled, splitKey } from "../../client/index.ts";
import { deepEqual, isReason, type Matcher, selectorFromObject } from "../../machinery/index.ts";
import { type ControllerContext, newQueue, runLoop } from "../context.ts";
import { ignoreMissing, namespaceGoes, unlessNamespaceGoes } from "../failures.ts";
import { revisionsOf, syncRevisions, trimRevisions } from "../history/history.ts";
import { templateOf } from "../history/plan.ts";
import { queueOwners } from "../owners.ts";
import { indexByController, orphanPods, podsControlledBy } from "../pods/pod-index.ts";
import { claimsOf, ordinalOf, podOf, revisionLabel } from "./identity.ts";
import { planStatefulSet, type StatefulPlan } from "./reconcile.ts";

const kind = "StatefulSet";

/** Pods with ordinals, created, updated and deleted in order, each with its own claims. */
export async function runStatefulSets(context: ControllerContext): Promise<void> {
  const { client, informers, clock } = context;
  const resource = client.resource<StatefulSet>("apps", "v1", "statefulsets");
  const sets = informers.of(resource);
  const pods = informers.of(client.pods);
  const claims = informers.of(client.persistentVolumeClaims);
  const revisions = revisionsOf(context);
  const recorder = context.recorder("statefulset-controller");
  const queue = newQueue(context);
  indexByController(pods);

  sets.onChange((_type, set) => queue.add(keyOf(set)));
  const selector = (set: StatefulSet): Matcher => selectorFromObject(set.spec?.selector);
  queueOwners(pods, { kind, informer: sets, selector }, queue);

  await runLoop(context, {
    name: "statefulset",
    queue,
    workers: 4,
    needs: [sets, pods, claims, revisions],
    async reconcile(key) {
      const set = sets.get(key);
      return set ? await unlessNamespaceGoes(sync(key, set)) : settled;
    },
  });

  async function sync(key: string, set: StatefulSet): Promise<Outcome> {
    const { namespace, name } = splitKey(key);
    const liveOwner = (): Promise<StatefulSet | undefined> => ignoreMissing(resource.get(namespace, name));
    const owner = {
      object: set,
      kind,
      hashLabel: "controller.kubernetes.io/hash",
      collisionCount: set.status?.collisionCount,
    };
    const history = await syncRevisions(context, revisions, owner, liveOwner, (collisionCount) =>
      resource.updateStatus(namespace, { ...set, status: { replicas: 0, ...set.status, collisionCount } }),
    );
    const own = await claimObjects<Pod>({
      owner: set,
      apiVersion: "apps/v1",
      kind,
      selector: selector(set),
      resource: client.pods,
      candidates: [
        ...podsControlledBy(pods, set.metadata?.uid),
        ...orphanPods(pods, namespace).filter((pod) => ordinalOf(set, pod) >= 0),
      ],
      liveOwner,
    });
    const update = history.update.metadata?.name ?? "";
    const wanted = set.status?.currentRevision ?? update;
    const current = history.all.find((each) => each.metadata?.name === wanted) ?? history.update;
    const plan = planStatefulSet({
      set,
      pods: own,
      current: current.metadata?.name ?? "",
      update,
      now: clock.now(),
    });
    await retain(set, own);
    await Promise.all([
      ...plan.create.map((each) =>
        createPod(
          set,
          podOf(set, templateOf(each.current ? current : history.update), revisionName(each), each.ordinal),
          each.ordinal,
        ),
      ),
      ...plan.remove.map((pod) => removePod(set, pod)),
    ]);
    await writeStatus(set, plan);
    const inUse = new Set([
      update,
      plan.status.currentRevision ?? "",
      ...own.map((pod) => pod.metadata?.labels?.[revisionLabel] ?? ""),
    ]);
    await trimRevisions(context, history.all, inUse, set.spec?.revisionHistoryLimit ?? 10);
    if (plan.nextMs === undefined) return settled;
    return { kind: "again", afterMs: plan.nextMs, why: "a pod becomes available" };

    function revisionName(each: { current: boolean }): string {
      return (each.current ? current : history.update).metadata?.name ?? "";
    }
  }

  async function createPod(set: StatefulSet, pod: Pod, ordinal: number): Promise<void> {
    const namespace = set.metadata?.namespace;
    const name = pod.metadata?.name ?? "";
    try {
      for (const claim of claimsOf(set, ordinal)) await ensureClaim(set, claim, name);
      await client.pods.create(namespace, pod);
      tell(
        set,
        "Normal",
        "SuccessfulCreate",
        `Create Pod ${name} in StatefulSet ${set.metadata?.name} successful`,
      );
    } catch (error) {
      // The cache is behind, or another pod has the name: its deletion triggers a sync.
      if (isReason(error, "AlreadyExists")) return;
      const text = `Create Pod ${name} in StatefulSet ${set.metadata?.name} failed error: ${(error as Error).message}`;
      if (!namespaceGoes(error)) tell(set, "Warning", "FailedCreate", text);
      throw error;
    }
  }

  async function ensureClaim(set: StatefulSet, claim: PersistentVolumeClaim, pod: string): Promise<void> {
    if (claims.get(keyOf(claim))) return;
    try {
      await client.persistentVolumeClaims.create(claim.metadata?.namespace, claim);
      const name = claim.metadata?.name;
      tell(
        set,
        "Normal",
        "SuccessfulCreate",
        `Create Claim ${name} Pod ${pod} in StatefulSet ${set.metadata?.name} success`,
      );
    } catch (error) {
      if (!isReason(error, "AlreadyExists")) throw error;
    }
  }

  async function removePod(set: StatefulSet, pod: Pod): Promise<void> {
    const { namespace, name = "", uid } = pod.metadata ?? {};
    try {
      await client.pods.delete(namespace, name, { preconditions: { uid } });
      tell(
        set,
        "Normal",
        "SuccessfulDelete",
        `Delete Pod ${name} in StatefulSet ${set.metadata?.name} successful`,
      );
    } catch (error) {
      if (!isReason(error, "NotFound") && !isReason(error, "Conflict")) throw error;
    }
  }

  /** Sets owners of claims by the retention policy: the set, or the pod that is being scaled down. */
  async function retain(set: StatefulSet, own: readonly Pod[]): Promise<void> {
    const { whenDeleted, whenScaled } = set.spec?.persistentVolumeClaimRetentionPolicy ?? {};
    if (whenDeleted !== "Delete" && whenScaled !== "Delete") return;
    const start = set.spec?.ordinals?.start ?? 0;
    const end = start + (set.spec?.replicas ?? 1);
    for (const pod of own) {
      const ordinal = ordinalOf(set, pod);
      const surplus = ordinal < start || ordinal >= end;
      for (const claim of claimsOf(set, ordinal)) {
        const stored = claims.get(keyOf(claim));
        if (!stored || stored.metadata?.deletionTimestamp) continue;
        const others = (stored.metadata?.ownerReferences ?? []).filter(
          (reference) => reference.uid !== set.metadata?.uid && reference.uid !== pod.metadata?.uid,
        );
        const wanted = [...others];
        if (whenDeleted === "Delete") wanted.push(plainRef(set, "apps/v1", kind));
        else if (whenScaled === "Delete" && surplus) wanted.push(plainRef(pod, "v1", "Pod"));
        if (whenDeleted === "Delete" && whenScaled === "Delete" && surplus) {
          wanted.splice(others.length, wanted.length, plainRef(pod, "v1", "Pod"));
        }
        if (deepEqual(wanted, stored.metadata?.ownerReferences ?? [])) continue;
        await client.persistentVolumeClaims.patch(
          claim.metadata?.namespace,
          claim.metadata?.name ?? "",
          "merge",
          {
            metadata: {
              uid: stored.metadata?.uid,
              resourceVersion: stored.metadata?.resourceVersion,
              ownerReferences: wanted,
            },
          },
        );
      }
    }
  }

  function tell(set: StatefulSet, type: "Normal" | "Warning", reason: string, message: string): void {
    recorder.event(set, type, reason, message);
  }

  async function writeStatus(set: StatefulSet, plan: StatefulPlan): Promise<void> {
    if (deepEqual({ replicas: 0, ...set.status }, plan.status)) return;
    await ignoreMissing(resource.updateStatus(set.metadata?.namespace, { ...set, status: plan.status }));
  }
}

function plainRef(object: Parameters<typeof controllerRef>[0], apiVersion: string, ownerKind: string) {
  const {
    controller: _controller,
    blockOwnerDeletion: _block,
    ...reference
  } = controllerRef(object, apiVersion, ownerKind);
  return reference;
}
