import type { CronJob, CronJobStatus, Job, ObjectReference } from "../../api/index.ts";
import {
  controllerOf,
  controllerRef,
  isControlledBy,
  keyOf,
  type Outcome,
  settled,
} from "../../client/index.ts";
import { deepClone, deepEqual, formatTime, isReason } from "../../machinery/index.ts";
import { type ControllerContext, newQueue, runLoop } from "../context.ts";
import { ignoreMissing, namespaceGoes, unlessNamespaceGoes } from "../failures.ts";
import { isOver } from "../job/verdict.ts";
import { isActive, planCronJob } from "./reconcile.ts";

const scheduledFor = "batch.kubernetes.io/cronjob-scheduled-timestamp";

/** Creates Jobs by schedule. Their names follow from the time, so that none is created twice. */
export async function runCronJobs(context: ControllerContext): Promise<void> {
  const { client, informers, clock } = context;
  const resource = client.resource<CronJob>("batch", "v1", "cronjobs");
  const jobClient = client.resource<Job>("batch", "v1", "jobs");
  const crons = informers.of(resource);
  const jobs = informers.of(jobClient);
  const recorder = context.recorder("cronjob-controller");
  const queue = newQueue(context);
  jobs.addIndex("cron", (job) => [controllerOf(job)?.uid ?? ""]);

  crons.onChange((_type, cron) => queue.add(keyOf(cron)));
  jobs.onChange((_type, job) => {
    const owner = controllerOf(job);
    if (owner?.kind === "CronJob") queue.add(`${job.metadata?.namespace}/${owner.name}`);
  });

  await runLoop(context, {
    name: "cronjob",
    queue,
    workers: 3,
    needs: [crons, jobs],
    reconcile: async (key) => {
      const cron = crons.get(key);
      if (!cron || cron.metadata?.deletionTimestamp) return settled;
      return await unlessNamespaceGoes(sync(cron));
    },
  });

  async function sync(seen: CronJob): Promise<Outcome> {
    const cron = await withOwnStatus(seen);
    if (!cron) return settled;
    const namespace = cron.metadata?.namespace;
    const own = await ownJobs(cron);
    const plan = planCronJob(cron, own, clock.now());
    for (const job of own) {
      if (!isOver(job)) {
        if (!isActive(cron, job)) recorder.event(cron, "Warning", "UnexpectedJob", unexpected(job));
        continue;
      }
      if (!isActive(cron, job)) continue;
      const type = job.status?.conditions?.findLast((each) => each.status === "True")?.type;
      const message = `Saw completed job: ${job.metadata?.name}, condition: ${type}`;
      recorder.event(cron, "Normal", "SawCompletedJob", message);
    }
    if (plan.note) recorder.event(cron, plan.note.type, plan.note.reason, plan.note.message);
    for (const job of [...plan.replace, ...plan.remove]) await remove(cron, job);
    let active = plan.active.filter((job) => !plan.replace.includes(job));
    if (plan.start !== undefined) active = [...active, await start(cron, plan.start)];
    const { active: _, ...kept } = cron.status ?? {};
    const status: CronJobStatus = {
      ...kept,
      ...(active.length > 0 ? { active: active.map(referenceTo) } : {}),
      ...(plan.start === undefined ? {} : { lastScheduleTime: formatTime(plan.start) }),
      ...(plan.lastSuccessful ? { lastSuccessfulTime: plan.lastSuccessful } : {}),
    };
    if (!sameStatus(cron.status, status)) {
      await ignoreMissing(resource.updateStatus(namespace, { ...cron, status }));
    }
    if (plan.nextMs === undefined) return settled;
    return { kind: "again", afterMs: plan.nextMs, why: "the next time" };
  }

  /** Jobs missing in its status: either the cache is behind, or users created them. */
  async function withOwnStatus(cron: CronJob): Promise<CronJob | undefined> {
    const own = jobs.byIndex("cron", cron.metadata?.uid ?? "");
    if (own.every((job) => isOver(job) || isActive(cron, job))) return cron;
    const { namespace, name = "", uid } = cron.metadata ?? {};
    const live = await ignoreMissing(resource.get(namespace, name));
    return live?.metadata?.uid === uid && !live?.metadata?.deletionTimestamp ? live : undefined;
  }

  /** The cache may lack Jobs in the status. */
  async function ownJobs(cron: CronJob): Promise<Job[]> {
    const found = jobs.byIndex("cron", cron.metadata?.uid ?? "");
    const known = new Set(found.map((job) => job.metadata?.uid));
    for (const { uid, name = "" } of cron.status?.active ?? []) {
      if (known.has(uid)) continue;
      const live = await ignoreMissing(jobClient.get(cron.metadata?.namespace, name));
      if (live && live.metadata?.uid === uid && isControlledBy(live, cron)) found.push(live);
      else recorder.event(cron, "Normal", "MissingJob", `Active job went missing: ${name}`);
    }
    return found;
  }

  async function start(cron: CronJob, at: number): Promise<Job> {
    const { namespace, name = "" } = cron.metadata ?? {};
    const template = cron.spec?.jobTemplate;
    const made: Job = {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: {
        name: `${name}-${Math.floor(at / 60_000)}`,
        ...(template?.metadata?.labels ? { labels: { ...template.metadata.labels } } : {}),
        annotations: { ...template?.metadata?.annotations, [scheduledFor]: formatTime(at) },
        ownerReferences: [controllerRef(cron, "batch/v1", "CronJob")],
      },
      ...(template?.spec ? { spec: deepClone(template.spec) } : {}),
    };
    try {
      const job = await jobClient.create(namespace, made);
      recorder.event(cron, "Normal", "SuccessfulCreate", `Created job ${job.metadata?.name}`);
      return job;
    } catch (error) {
      if (isReason(error, "AlreadyExists")) {
        const live = await ignoreMissing(jobClient.get(namespace, made.metadata?.name ?? ""));
        // Created by a run that ended before it wrote the status.
        if (live && isControlledBy(live, cron)) return live;
      }
      if (!namespaceGoes(error)) {
        recorder.event(cron, "Warning", "FailedCreate", `Error creating job: ${(error as Error).message}`);
      }
      throw error;
    }
  }

  async function remove(cron: CronJob, job: Job): Promise<void> {
    const { namespace, name = "", uid } = job.metadata ?? {};
    try {
      await jobClient.delete(namespace, name, { propagationPolicy: "Background", preconditions: { uid } });
      recorder.event(cron, "Normal", "SuccessfulDelete", `Deleted job ${name}`);
    } catch (error) {
      if (!isReason(error, "NotFound") && !isReason(error, "Conflict")) throw error;
    }
  }
}

const unexpected = (job: Job): string =>
  `Saw a job that the controller did not create or forgot: ${job.metadata?.name}`;

const referenceTo = ({ metadata }: Job): ObjectReference => ({
  apiVersion: "batch/v1",
  kind: "Job",
  ...(metadata?.name ? { name: metadata.name } : {}),
  ...(metadata?.namespace ? { namespace: metadata.namespace } : {}),
  ...(metadata?.uid ? { uid: metadata.uid } : {}),
  ...(metadata?.resourceVersion ? { resourceVersion: metadata.resourceVersion } : {}),
});

function sameStatus(a: CronJobStatus | undefined, b: CronJobStatus): boolean {
  const plain = (status: CronJobStatus | undefined): unknown => ({
    active: (status?.active ?? []).map((each) => each.uid),
    last: status?.lastScheduleTime,
    success: status?.lastSuccessfulTime,
  });
  return deepEqual(plain(a), plain(b));
}
