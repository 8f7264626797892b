import type { Job, Pod } from "../../api/index.ts";
import {
  claimObjects,
  controllerOf,
  Expectations,
  forEachParallel,
  isControlledBy,
  keyOf,
  type Outcome,
  settled,
  slowStart,
  splitKey,
} from "../../client/index.ts";
import { isReason, selectorFromObject } from "../../machinery/index.ts";
import { type ControllerContext, newQueue, runLoop } from "../context.ts";
import { ignoreMissing, namespaceGoes } from "../failures.ts";
import { indexByController, orphanPods, podsControlledBy } from "../pods/pod-index.ts";
import { isActive, isLeaving } from "../pods/state.ts";
import { FailureRecord } from "./failure-record.ts";
import { orphanRelease } from "./orphans.ts";
import { isTracked, podOfJob, trackingFinalizer } from "./pods.ts";
import { type JobPlan, type NewPod, planJob, sameJobStatus } from "./reconcile.ts";
import { isOver } from "./verdict.ts";

const width = 10;

/** Runs pods until enough of them have succeeded, and counts each exactly once. */
export async function runJobs(context: ControllerContext): Promise<void> {
  const { client, informers, clock } = context;
  const resource = client.resource<Job>("batch", "v1", "jobs");
  const jobs = informers.of(resource);
  const pods = informers.of(client.pods);
  const recorder = context.recorder("job-controller");
  const queue = newQueue(context);
  const expected = new Expectations(clock);
  const failures = new FailureRecord();
  /** As it was when we wrote it last, until the cache has caught up: counters must never be read from before. */
  const written = new Map<string, Job>();
  /** UIDs of pods whose finalizer we took off and whose event has not come yet. */
  const released = new Set<string>();
  indexByController(pods);
  jobs.addIndex("namespace", (job) => [job.metadata?.namespace ?? ""]);
  const orphans = orphanRelease(context, resource, jobs, pods);

  jobs.onChange((type, job) => {
    const key = keyOf(job);
    if (type === "delete") {
      expected.forget(key);
      failures.forget(key);
      written.delete(key);
      for (const pod of podsControlledBy(pods, job.metadata?.uid)) if (isTracked(pod)) orphans.add(pod);
    } else if (!isOlder(job, written.get(key))) written.delete(key);
    queue.add(key);
  });
  pods.onChange((type, pod, old) => {
    const uid = pod.metadata?.uid ?? "";
    if (type === "delete" || !isTracked(pod)) released.delete(uid);
    const key = ownerKey(pod);
    if (old && controllerOf(old)?.uid !== controllerOf(pod)?.uid) {
      const before = ownerKey(old);
      if (before) queue.add(before);
    }
    if (key) {
      if (type === "delete" || isLeaving(pod)) expected.deleted(key, uid);
      else if (type === "add") expected.created(key);
      queue.add(key);
    } else if (type !== "delete") {
      if (isTracked(pod)) orphans.add(pod);
      if (controllerOf(pod) || !isActive(pod)) return;
      for (const job of jobs.byIndex("namespace", pod.metadata?.namespace ?? "")) {
        if (selectorFromObject(job.spec?.selector).matches(pod.metadata?.labels)) queue.add(keyOf(job));
      }
    }
  });

  const loop = runLoop(context, {
    name: "job",
    queue,
    workers: 5,
    needs: [jobs, pods],
    reconcile: async (key) => {
      const cached = jobs.get(key);
      const mine = written.get(key);
      const job = cached && mine && isOlder(cached, mine) ? mine : cached;
      const manager = job?.spec?.managedBy;
      if (!job || (manager !== undefined && manager !== "kubernetes.io/job-controller")) return settled;
      try {
        return await sync(key, job);
      } catch (error) {
        if (namespaceGoes(error) || isReason(error, "NotFound")) return settled;
        throw error;
      }
    },
  });
  await Promise.all([loop, orphans.run()]);

  async function sync(key: string, job: Job): Promise<Outcome> {
    const { namespace, name } = splitKey(key);
    const trusted = expected.met(key);
    if (isOver(job)) {
      failures.forget(key);
      await release(podsControlledBy(pods, job.metadata?.uid).filter(tracked));
      return settled;
    }
    const own = await claimObjects<Pod>({
      owner: job,
      apiVersion: "batch/v1",
      kind: "Job",
      finalizer: trackingFinalizer,
      selector: selectorFromObject(job.spec?.selector),
      resource: client.pods,
      candidates: [
        ...podsControlledBy(pods, job.metadata?.uid),
        ...orphanPods(pods, namespace).filter(isActive),
      ],
      liveOwner: () => ignoreMissing(resource.get(namespace, name)),
    });
    const now = clock.now();
    const state = { job, pods: own, tracked, now };
    let plan = planJob({ ...state, notBefore: failures.notBefore(key) });
    // What was just seen to fail makes the next pod wait.
    if (failures.note(key, plan.count.ended, now)) {
      plan = planJob({ ...state, notBefore: failures.notBefore(key) });
    }
    const failure = trusted ? await manage(key, job, plan) : undefined;
    await writeStatus(key, job, plan);
    // Only now, as the status names them.
    await release(plan.count.release);
    if (failure !== undefined) throw failure;
    if (!trusted) {
      return { kind: "again", afterMs: expected.patience(key), why: "events of own writes are missing" };
    }
    if (plan.nextMs === undefined) return settled;
    return { kind: "again", afterMs: plan.nextMs, why: "a deadline or a wait after failures" };
  }

  function tracked(pod: Pod): boolean {
    return isTracked(pod) && !released.has(pod.metadata?.uid ?? "");
  }

  async function writeStatus(key: string, job: Job, { status, verdict }: JobPlan): Promise<void> {
    if (sameJobStatus(job.status, status)) return;
    const made = await resource.updateStatus(job.metadata?.namespace, { ...job, status });
    written.set(key, made);
    const has = (of: Job, type: string, value: string): boolean =>
      of.status?.conditions?.some((each) => each.type === type && each.status === value) ?? false;
    const gained = (type: string, value = "True"): boolean =>
      has(made, type, value) && !has(job, type, value);
    if (gained("Suspended")) recorder.event(job, "Normal", "Suspended", "Job suspended");
    if (gained("Suspended", "False")) recorder.event(job, "Normal", "Resumed", "Job resumed");
    if (gained("Complete")) recorder.event(job, "Normal", "Completed", "Job completed");
    if (gained("Failed")) recorder.event(job, "Warning", verdict?.reason ?? "", verdict?.message ?? "");
    queue.add(key);
  }

  async function manage(key: string, job: Job, plan: JobPlan): Promise<unknown> {
    const { create, remove } = plan;
    if (remove.length > 0) {
      expected.deletions(
        key,
        remove.map((pod) => pod.metadata?.uid ?? ""),
      );
      await forEachParallel(remove, width, (pod) => removePod(key, job, pod));
    }
    if (create.length === 0) return undefined;
    expected.creations(key, create.length);
    const { succeeded, error } = await slowStart(create.length, 1, (i) =>
      createPod(job, create[i] as NewPod),
    );
    for (let missing = create.length - succeeded; missing > 0; missing--) expected.created(key);
    return error !== undefined && !namespaceGoes(error) ? error : undefined;
  }

  async function createPod(job: Job, { index, history }: NewPod): Promise<void> {
    try {
      const made = await client.pods.create(job.metadata?.namespace, podOfJob(job, index, history));
      recorder.event(job, "Normal", "SuccessfulCreate", `Created pod: ${made.metadata?.name}`);
    } catch (error) {
      if (!namespaceGoes(error)) {
        recorder.event(job, "Warning", "FailedCreate", `Error creating: ${(error as Error).message}`);
      }
      throw error;
    }
  }

  async function removePod(key: string, job: Job, pod: Pod): Promise<void> {
    const { namespace, name = "", uid = "" } = pod.metadata ?? {};
    try {
      await client.pods.delete(namespace, name, { preconditions: { uid } });
      recorder.event(job, "Normal", "SuccessfulDelete", `Deleted pod: ${name}`);
    } catch (error) {
      expected.deleted(key, uid);
      if (isReason(error, "NotFound") || isReason(error, "Conflict")) return;
      throw error;
    }
  }

  async function release(which: readonly Pod[]): Promise<void> {
    await forEachParallel(which, width, async (pod) => {
      released.add(pod.metadata?.uid ?? "");
      try {
        await orphans.release(pod);
      } catch (error) {
        released.delete(pod.metadata?.uid ?? "");
        throw error;
      }
    });
  }

  function ownerKey(pod: Pod): string | undefined {
    const owner = controllerOf(pod);
    if (owner?.kind !== "Job") return undefined;
    const job = jobs.get(`${pod.metadata?.namespace}/${owner.name}`);
    return job && isControlledBy(pod, job) ? keyOf(job) : undefined;
  }
}

/** Revisions of one store compare as numbers. */
function isOlder(job: Job, than: Job | undefined): boolean {
  if (!than || than.metadata?.uid !== job.metadata?.uid) return false;
  return BigInt(job.metadata?.resourceVersion ?? 0) < BigInt(than.metadata?.resourceVersion ?? 0);
}
