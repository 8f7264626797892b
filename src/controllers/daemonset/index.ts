import type { DaemonSet, DaemonSetStatus, Pod } from "../../api/index.ts";
import { claimObjects, Expectations, keyOf, type Outcome, settled, splitKey } from "../../client/index.ts";
import { deepEqual, type Matcher, selectorFromObject } from "../../machinery/index.ts";
import { type ControllerContext, newQueue, runLoop } from "../context.ts";
import { ignoreMissing, unlessNamespaceGoes } from "../failures.ts";
import { revisionsOf, syncRevisions, trimRevisions } from "../history/history.ts";
import { queueOwners } from "../owners.ts";
import { podFromTemplate } from "../pods/from-template.ts";
import { PodControl } from "../pods/pod-control.ts";
import { indexByController, orphanPods, podsControlledBy } from "../pods/pod-index.ts";
import { daemonTolerations, pinnedTo } from "./placement.ts";
import { type DaemonPlan, hashLabel, planDaemonSet } from "./reconcile.ts";

const kind = "DaemonSet";
/** Maximum backoff before a failed daemon pod is recreated. */
const maxFailureWaitMs = 900_000;

/** One pod on every eligible node. */
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
  const control = new PodControl(client, recorder, expected);
  /** By DaemonSet and node: the backoff before the next failed pod is deleted. */
  const failures = new Map<string, { waitMs: number; until: number }>();
  indexByController(pods);

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
  const selector = (set: DaemonSet): Matcher => selectorFromObject(set.spec?.selector);
  queueOwners(pods, { kind, informer: sets, selector }, queue, expected);

  await runLoop(context, {
    name: "daemonset",
    queue,
    workers: 2,
    needs: [sets, pods, nodes, revisions],
    async reconcile(key) {
      const set = sets.get(key);
      return set ? await unlessNamespaceGoes(sync(key, set)) : settled;
    },
  });

  async function sync(key: string, set: DaemonSet): Promise<Outcome> {
    const { namespace, name } = splitKey(key);
    const liveOwner = (): Promise<DaemonSet | undefined> => ignoreMissing(resource.get(namespace, name));
    const owner = { object: set, kind, hashLabel, collisionCount: set.status?.collisionCount };
    const history = await syncRevisions(context, revisions, owner, liveOwner, (collisionCount) => {
      const { status } = planDaemonSet({ set, nodes: [], pods: [], hash: "", now: clock.now() });
      return resource.updateStatus(namespace, {
        ...set,
        status: { ...status, ...set.status, collisionCount },
      });
    });
    const hash = history.update.metadata?.labels?.[hashLabel] ?? "";
    const trusted = expected.met(key);
    const own = await claimObjects<Pod>({
      owner: set,
      apiVersion: "apps/v1",
      kind,
      selector: selector(set),
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

  /** Returns when a waiting failed pod may be deleted. */
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
    const notDeleted = await control.delete(key, set, remove);
    const notCreated = await control.create(key, set, plan.create.length, (index) =>
      podFor(set, plan.create[index] ?? "", hash),
    );
    const failure = notCreated ?? notDeleted;
    if (failure) throw failure;
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

  async function writeStatus(set: DaemonSet, status: DaemonSetStatus): Promise<void> {
    if (deepEqual(set.status, status)) return;
    await ignoreMissing(resource.updateStatus(set.metadata?.namespace, { ...set, status }));
  }
}

const templateGeneration = (set: DaemonSet): string =>
  set.metadata?.annotations?.["deprecated.daemonset.template.generation"] ??
  String(set.metadata?.generation ?? 1);

function podFor(set: DaemonSet, node: string, hash: string): Pod {
  const pod = podFromTemplate(set.spec?.template ?? {}, set, "apps/v1", kind);
  const spec = { containers: [], ...pod.spec };
  const labels = {
    ...pod.metadata?.labels,
    [hashLabel]: hash,
    "pod-template-generation": templateGeneration(set),
  };
  return {
    ...pod,
    metadata: { ...pod.metadata, labels },
    spec: { ...pinnedTo(node, spec), tolerations: daemonTolerations(spec) },
  };
}
