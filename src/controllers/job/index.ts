import type { Job, Pod } from "../../api/index.ts";
import {
  claimObjects,
  Expectations,
  forEachParallel,
  keyOf,
  type Outcome,
  settled,
  splitKey,
} from "../../client/index.ts";
import { isReason, type Matcher, selectorFromObject } from "../../machinery/index.ts";
import { type ControllerContext, newQueue, runLoop } from "../context.ts";
import { ignoreMissing, namespaceGoes } from "../failures.ts";
import { ownerOf, queueOwners } from "../owners.ts";
import { PodControl } from "../pods/pod-control.ts";
import { indexByController, orphanPods, podsControlledBy } from "../pods/pod-index.ts";
import { isActive } from "../pods/state.ts";
import { FailureRecord } from "./failure-record.ts";
import { orphanRelease } from "./orphans.ts";
import { isTracked, podOfJob, trackingFinalizer } from "./pods.ts";
import { type JobPlan, type NewPod, planJob, sameJobStatus } from "./reconcile.ts";
import { isOver } from "./verdict.ts";

const width = 10;

/** Runs pods until enough have succeeded, and counts each exactly once. */
export async function runJobs(context: ControllerContext): Promise<void> {
  const { client, informers, clock } = context;
  const resource = client.resource<Job>("batch", "v1", "jobs");
  const jobs = informers.of(resource);
  const pods = informers.of(client.pods);
  const recorder = context.recorder("job-controller");
  const queue = newQueue(context);
  const expected = new Expectations(clock);
  const control = new PodControl(client, recorder, expected);
  const failures = new FailureRecord();
  /** The Job as last written, until the cache has caught up: counters must not be computed from older versions. */
  const written = new Map<string, Job>();
  /** UIDs of pods whose finalizer was removed, until the event arrives. */
  const released = new Set<string>();
  indexByController(pods);
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
  const owners = {
    kind: "Job",
    informer: jobs,
    selector: (job: Job): Matcher => selectorFromObject(job.spec?.selector),
  };
  queueOwners(pods, owners, queue, expected);
  pods.onChange((type, pod) => {
    if (type === "delete" || !isTracked(pod)) released.delete(pod.metadata?.uid ?? "");
    else if (!ownerOf(owners, pod)) orphans.add(pod);
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
      selector: owners.selector(job),
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
    // New failures delay the next pod.
    if (failures.note(key, plan.count.ended, now)) {
      plan = planJob({ ...state, notBefore: failures.notBefore(key) });
    }
    const failure = trusted ? await manage(key, job, plan) : undefined;
    await writeStatus(key, job, plan);
    // Only now, after the status includes them.
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

  /** Returns the errors of creations. */
  async function manage(key: string, job: Job, { create, remove }: JobPlan): Promise<Error | undefined> {
    const failure = await control.delete(key, job, remove);
    if (failure) throw failure;
    return control.create(key, job, create.length, (i) => {
      const { index, history } = create[i] as NewPod;
      return podOfJob(job, index, history);
    });
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
}

/** Resource versions of one store compare as numbers. */
function isOlder(job: Job, than: Job | undefined): boolean {
  if (!than || than.metadata?.uid !== job.metadata?.uid) return false;
  return BigInt(job.metadata?.resourceVersion ?? 0) < BigInt(than.metadata?.resourceVersion ?? 0);
}
