import type { DaemonSet, DaemonSetStatus, Pod } from "../../api/index.ts";
import {
  claimObjects,
  controllerOf,
  Expectations,
  type Informer,
  isControlledBy,
  keyOf,
  type Outcome,
  settled,
  slowStart,
  splitKey,
} from "../../client/index.ts";
import { deepEqual, isReason, selectorFromObject } from "../../machinery/index.ts";
import { type ControllerContext, newQueue, runLoop } from "../context.ts";
import { ignoreMissing, namespaceGoes } from "../failures.ts";
import { RevisionCollision, revisionsOf, syncRevisions, trimRevisions } from "../history/history.ts";
import { podFromTemplate } from "../pods/from-template.ts";
import { indexByController, orphanPods, podsControlledBy } from "../pods/pod-index.ts";
import { isLeaving } from "../pods/state.ts";
import { daemonTolerations, pinnedTo } from "./placement.ts";
import { type DaemonPlan, hashLabel, planDaemonSet } from "./reconcile.ts";

const kind = "DaemonSet";
/** A daemon that keeps failing is made again after a wait that doubles up to this. */
const maxFailureWaitMs = 900_000;

/** One pod on every node that the template fits. */
export async function runDaemonSets(context: ControllerContext): Promise<void> {
  const { client, informers, clock } = context;
  const resource = client.resource<DaemonSet>("apps", "v1", "daemonsets");
  const sets = informers.of(resource);
  const pods = informers.of(client.pods);
  const nodes = informers.of(client.nodes);
  const revisions = revisionsOf(context);
  const recorder = context.recorder("daemonset-controller");
  const queue = newQueue(context);
  const expected = new Expectations(clock);
  /** By set and node: how long the next failed pod waits for its removal. */
  const failures = new Map<string, { waitMs: number; until: number }>();
  indexByController(pods);
  sets.addIndex("namespace", (set) => [set.metadata?.namespace ?? ""]);

  sets.onChange((type, set) => {
    if (type === "delete") expected.forget(keyOf(set));
    queue.add(keyOf(set));
  });
  nodes.onChange((type, node, old) => {
    const same =
      type === "update" &&
      deepEqual(old?.metadata?.labels, node.metadata?.labels) &&
      deepEqual(old?.spec?.taints, node.spec?.taints);
    if (!same) for (const set of sets.list()) queue.add(keyOf(set));
  });
  pods.onChange((type, pod, old) => {
    const owner = ownerOf(pod, sets);
    if (old && controllerOf(old)?.uid !== controllerOf(pod)?.uid) {
      const before = ownerOf(old, sets);
      if (before) queue.add(keyOf(before));
    }
    if (owner) {
      const key = keyOf(owner);
      if (type === "delete" || isLeaving(pod)) expected.deleted(key, pod.metadata?.uid ?? "");
      else if (type === "add") expected.created(key);
      queue.add(key);
    } else if (type !== "delete" && !controllerOf(pod)) {
      for (const set of sets.byIndex("namespace", pod.metadata?.namespace ?? "")) {
        if (selectorFromObject(set.spec?.selector).matches(pod.metadata?.labels)) queue.add(keyOf(set));
      }
    }
  });

  await runLoop(context, {
    name: "daemonset",
    queue,
    workers: 2,
    needs: [sets, pods, nodes, revisions],
    async reconcile(key) {
      const set = sets.get(key);
      return set ? await sync(key, set) : settled;
    },
  });

  async function sync(key: string, set: DaemonSet): Promise<Outcome> {
    const { namespace, name } = splitKey(key);
    const liveOwner = (): Promise<DaemonSet | undefined> => ignoreMissing(resource.get(namespace, name));
    const collisionCount = set.status?.collisionCount;
    let history: Awaited<ReturnType<typeof syncRevisions>>;
    try {
      history = await syncRevisions(
        context,
        revisions,
        { object: set, kind, hashLabel, collisionCount },
        liveOwner,
      );
    } catch (error) {
      if (namespaceGoes(error)) return settled;
      if (error instanceof RevisionCollision) {
        const status = planDaemonSet({ set, nodes: [], pods: [], hash: "", now: clock.now() }).status;
        await resource.updateStatus(namespace, {
          ...set,
          status: { ...status, ...set.status, collisionCount: (collisionCount ?? 0) + 1 },
        });
      }
      throw error;
    }
    const hash = history.update.metadata?.labels?.[hashLabel] ?? "";
    const trusted = expected.met(key);
    const own = await claimObjects<Pod>({
      owner: set,
      apiVersion: "apps/v1",
      kind,
      selector: selectorFromObject(set.spec?.selector),
      resource: client.pods,
      candidates: [...podsControlledBy(pods, set.metadata?.uid), ...orphanPods(pods, namespace)],
      liveOwner,
    });
    const plan = planDaemonSet({ set, nodes: nodes.list(), pods: own, hash, now: clock.now() });
    const againMs = trusted ? await apply(key, set, plan, hash) : expected.patience(key);
    await writeStatus(set, plan.status);
    const used = new Set(
      history.all
        .filter((each) =>
          own.some((pod) => pod.metadata?.labels?.[hashLabel] === each.metadata?.labels?.[hashLabel]),
        )
        .map((each) => each.metadata?.name ?? ""),
    );
    used.add(history.update.metadata?.name ?? "");
    await trimRevisions(context, history.all, used, set.spec?.revisionHistoryLimit ?? 10);
    const next = Math.min(againMs ?? Infinity, plan.nextMs ?? Infinity);
    return next === Infinity ? settled : { kind: "again", afterMs: next, why: "a pod becomes due" };
  }

  /** Answers when a failed pod that has to wait may go. */
  async function apply(
    key: string,
    set: DaemonSet,
    plan: DaemonPlan,
    hash: string,
  ): Promise<number | undefined> {
    let nextMs: number | undefined;
    const remove = plan.remove.filter((pod) => {
      if (!plan.failed.includes(pod)) return true;
      const wait = failureWait(`${key}/${pod.spec?.nodeName}`, set, pod);
      if (wait > 0) nextMs = Math.min(wait, nextMs ?? wait);
      return wait === 0;
    });
    expected.deletions(
      key,
      remove.map((pod) => pod.metadata?.uid ?? ""),
    );
    const removed = await Promise.allSettled(remove.map((pod) => removePod(key, set, pod)));
    expected.creations(key, plan.create.length);
    const { succeeded, error } = await slowStart(plan.create.length, 1, (index) =>
      createPod(set, plan.create[index] ?? "", hash),
    );
    for (let missing = plan.create.length - succeeded; missing > 0; missing--) expected.created(key);
    if (error !== undefined && !namespaceGoes(error)) throw error;
    for (const result of removed) if (result.status === "rejected") throw result.reason;
    return nextMs;
  }

  function failureWait(key: string, set: DaemonSet, pod: Pod): number {
    const now = clock.monotonic();
    const known = failures.get(key);
    if (known && known.until > now) return known.until - now;
    const waitMs =
      known && now - known.until < 2 * maxFailureWaitMs ? Math.min(known.waitMs * 2, maxFailureWaitMs) : 1000;
    failures.set(key, { waitMs, until: now + waitMs });
    const node = pod.spec?.nodeName;
    const finished = pod.status?.phase === "Failed" ? "failed" : "succeeded";
    const message = `Found ${finished} daemon pod ${pod.metadata?.namespace}/${pod.metadata?.name} on node ${node}, will try to ${finished === "failed" ? "kill" : "delete"} it`;
    if (finished === "failed") recorder.event(set, "Warning", "FailedDaemonPod", message);
    else recorder.event(set, "Normal", "SucceededDaemonPod", message);
    return 0;
  }

  async function createPod(set: DaemonSet, node: string, hash: string): Promise<void> {
    const pod = podFromTemplate(set.spec?.template ?? {}, set, "apps/v1", kind);
    const spec = { containers: [], ...pod.spec };
    try {
      const made = await client.pods.create(set.metadata?.namespace, {
        ...pod,
        metadata: {
          ...pod.metadata,
          labels: {
            ...pod.metadata?.labels,
            [hashLabel]: hash,
            "pod-template-generation": templateGeneration(set),
          },
        },
        spec: { ...pinnedTo(node, spec), tolerations: daemonTolerations(spec) },
      });
      recorder.event(set, "Normal", "SuccessfulCreate", `Created pod: ${made.metadata?.name}`);
    } catch (error) {
      if (!namespaceGoes(error)) {
        recorder.event(set, "Warning", "FailedCreate", `Error creating: ${(error as Error).message}`);
      }
      throw error;
    }
  }

  async function removePod(key: string, set: DaemonSet, pod: Pod): Promise<void> {
    const { namespace, name = "", uid = "" } = pod.metadata ?? {};
    try {
      await client.pods.delete(namespace, name, { preconditions: { uid } });
      recorder.event(set, "Normal", "SuccessfulDelete", `Deleted pod: ${name}`);
    } catch (error) {
      expected.deleted(key, uid);
      if (!isReason(error, "NotFound") && !isReason(error, "Conflict")) throw error;
    }
  }

  async function writeStatus(set: DaemonSet, status: DaemonSetStatus): Promise<void> {
    if (deepEqual(set.status, status)) return;
    try {
      await resource.updateStatus(set.metadata?.namespace, { ...set, status });
    } catch (error) {
      if (!isReason(error, "NotFound")) throw error;
    }
  }
}

const templateGeneration = (set: DaemonSet): string =>
  set.metadata?.annotations?.["deprecated.daemonset.template.generation"] ??
  String(set.metadata?.generation ?? 1);

function ownerOf(pod: Pod, sets: Informer<DaemonSet>): DaemonSet | undefined {
  const reference = controllerOf(pod);
  if (reference?.kind !== kind) return undefined;
  const set = sets.get(`${pod.metadata?.namespace}/${reference.name}`);
  return set && isControlledBy(pod, set) ? set : undefined;
}
