import assert from "node:assert/strict";
import { test } from "node:test";
import type { Job, JobSpec, Pod } from "../../api/index.ts";
import type { ResourceClient } from "../../client/index.ts";
import { type Bench, startBench } from "../testing/bench.ts";
import { runJobs } from "./index.ts";
import { formatIndexes, parseIndexes } from "./indexes.ts";
import { isTracked } from "./pods.ts";
import { runJobExpiry } from "./ttl.ts";

const jobsOf = (bench: Bench): ResourceClient<Job> => bench.client.resource<Job>("batch", "v1", "jobs");

async function startJob(bench: Bench, spec: Partial<JobSpec>): Promise<() => Promise<Job>> {
  const jobs = jobsOf(bench);
  await jobs.create("default", {
    metadata: { name: "work" },
    spec: {
      template: { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "i" }] } },
      ...spec,
    },
  });
  await bench.settle();
  return () => jobs.get("default", "work");
}

const podsOf = async (bench: Bench): Promise<Pod[]> => (await bench.client.pods.list("default")).items;
const running = async (bench: Bench): Promise<Pod[]> =>
  (await podsOf(bench)).filter((pod) => !["Succeeded", "Failed"].includes(pod.status?.phase ?? ""));
const index = (pod: Pod): string | undefined =>
  pod.metadata?.annotations?.["batch.kubernetes.io/job-completion-index"];

async function end(bench: Bench, pod: Pod | undefined, phase: "Succeeded" | "Failed", exitCode = 1) {
  const state = { terminated: { exitCode, finishedAt: new Date(bench.clock.now()).toISOString() } };
  await bench.client.pods.patch(
    "default",
    pod?.metadata?.name ?? "",
    "merge",
    {
      status: {
        phase,
        containerStatuses: [{ name: "c", image: "i", imageID: "", ready: false, restartCount: 0, state }],
      },
    },
    { subresource: "status" },
  );
  await bench.settle();
}

const conditions = (job: Job): string[] =>
  (job.status?.conditions ?? [])
    .filter((each) => each.status === "True")
    .map((each) => `${each.type}/${each.reason}`);

test("runs as many as asked for, counts each once, and lets the pods go", async () => {
  const bench = await startBench(runJobs);
  const job = await startJob(bench, { completions: 3, parallelism: 2 });
  assert.equal((await podsOf(bench)).length, 2);
  for (let i = 0; i < 3; i++) await end(bench, (await running(bench))[0], "Succeeded", 0);
  const { status } = await job();
  assert.equal(status?.succeeded, 3);
  assert.equal(status?.failed ?? 0, 0);
  assert.ok(status?.completionTime);
  assert.deepEqual(conditions(await job()), [
    "SuccessCriteriaMet/CompletionsReached",
    "Complete/CompletionsReached",
  ]);
  const left = await podsOf(bench);
  assert.equal(left.length, 3);
  assert.ok(!left.some(isTracked));
  await bench.stop();
});

test("waits longer after each failure and gives up at the limit", async () => {
  const bench = await startBench(runJobs);
  const job = await startJob(bench, { backoffLimit: 1 });
  await end(bench, (await running(bench))[0], "Failed");
  assert.equal((await running(bench)).length, 0, "waits ten seconds");
  await bench.clock.run(10_000);
  assert.equal((await running(bench)).length, 1);
  await end(bench, (await running(bench))[0], "Failed");
  assert.deepEqual(conditions(await job()), [
    "FailureTarget/BackoffLimitExceeded",
    "Failed/BackoffLimitExceeded",
  ]);
  assert.equal((await job()).status?.failed, 2);
  await bench.stop();
});

test("indexed: each index once, with its own limit of failures", async () => {
  const bench = await startBench(runJobs);
  const job = await startJob(bench, {
    completionMode: "Indexed",
    completions: 4,
    parallelism: 4,
    backoffLimitPerIndex: 1,
  });
  const at = async (wanted: string) => (await running(bench)).find((pod) => index(pod) === wanted);
  assert.deepEqual((await running(bench)).map(index).sort(), ["0", "1", "2", "3"]);
  assert.equal((await at("2"))?.spec?.hostname, "work-2");
  await end(bench, await at("1"), "Failed");
  assert.equal(await at("1"), undefined);
  await bench.clock.run(10_000);
  const second = await at("1");
  assert.equal(second?.metadata?.annotations?.["batch.kubernetes.io/job-index-failure-count"], "1");
  await end(bench, second, "Failed");
  for (const each of ["0", "2", "3"]) await end(bench, await at(each), "Succeeded", 0);
  const done = await job();
  assert.equal(done.status?.completedIndexes, "0,2,3");
  assert.equal(done.status?.failedIndexes, "1");
  assert.equal(done.status?.failed, 2);
  assert.ok(conditions(done).includes("Failed/FailedIndexes"));
  await bench.stop();
});

test("podFailurePolicy: ignored failures do not count, a fatal one ends the Job", async () => {
  const bench = await startBench(runJobs);
  const job = await startJob(bench, {
    backoffLimit: 0,
    podFailurePolicy: {
      rules: [
        { action: "Ignore", onExitCodes: { operator: "In", values: [7] } },
        { action: "FailJob", onExitCodes: { operator: "In", values: [42] } },
      ],
    },
  });
  await end(bench, (await running(bench))[0], "Failed", 7);
  await bench.clock.run(10_000);
  const [next] = await running(bench);
  await end(bench, next, "Failed", 42);
  const failed = await job();
  assert.equal(failed.status?.failed, 1);
  const condition = failed.status?.conditions?.find((each) => each.type === "Failed");
  assert.equal(condition?.reason, "PodFailurePolicy");
  assert.equal(
    condition?.message,
    `Container c for pod default/${next?.metadata?.name} failed with exit code 42 matching FailJob rule at index 1`,
  );
  await bench.stop();
});

test("successPolicy: enough indexes end the rest without counting them as failed", async () => {
  const bench = await startBench(runJobs);
  const job = await startJob(bench, {
    completionMode: "Indexed",
    completions: 5,
    parallelism: 5,
    successPolicy: { rules: [{ succeededIndexes: "0-1", succeededCount: 1 }] },
  });
  const first = (await running(bench)).find((pod) => index(pod) === "0");
  await end(bench, first, "Succeeded", 0);
  for (const pod of await podsOf(bench)) {
    if (pod.metadata?.deletionTimestamp)
      await bench.client.pods.delete("default", pod.metadata.name ?? "", { gracePeriodSeconds: 0 });
  }
  await bench.settle();
  const done = await job();
  assert.deepEqual(conditions(done), ["SuccessCriteriaMet/SuccessPolicy", "Complete/SuccessPolicy"]);
  assert.equal(done.status?.failed ?? 0, 0);
  assert.equal((await podsOf(bench)).length, 1);
  await bench.stop();
});

test("suspended it has no pods and no start; resumed it begins; its deadline ends it", async () => {
  const bench = await startBench(runJobs);
  const job = await startJob(bench, { suspend: true, activeDeadlineSeconds: 60 });
  assert.deepEqual(conditions(await job()), ["Suspended/JobSuspended"]);
  assert.equal((await job()).status?.startTime, undefined);
  await jobsOf(bench).patch("default", "work", "merge", { spec: { suspend: false } });
  await bench.settle();
  assert.equal((await running(bench)).length, 1);
  await bench.clock.run(61_000);
  assert.ok(conditions(await job()).includes("Failed/DeadlineExceeded"));
  await bench.stop();
});

test("labels decide: a pod that loses them is released with its finalizer, and taken back", async () => {
  const bench = await startBench(runJobs);
  await startJob(bench, { parallelism: 2, completions: 2 });
  const [first] = await podsOf(bench);
  const name = first?.metadata?.name ?? "";
  await bench.client.pods.patch("default", name, "json", [{ op: "remove", path: "/metadata/labels" }]);
  await bench.settle();
  const gone = await bench.client.pods.get("default", name);
  assert.deepEqual(gone.metadata?.ownerReferences ?? [], []);
  assert.ok(!isTracked(gone));
  const labels = first?.metadata?.labels ?? {};
  await bench.client.pods.patch("default", name, "merge", { metadata: { labels } });
  await bench.settle();
  const back = await bench.client.pods.get("default", name);
  assert.equal(back.metadata?.ownerReferences?.[0]?.name, "work");
  assert.ok(isTracked(back));
  await bench.stop();
});

test("goes away when its time is over", async () => {
  const bench = await startBench(runJobs, runJobExpiry);
  await startJob(bench, { ttlSecondsAfterFinished: 100 });
  await end(bench, (await running(bench))[0], "Succeeded", 0);
  await bench.clock.run(90_000);
  assert.equal((await jobsOf(bench).list("default")).items.length, 1);
  await bench.clock.run(20_000);
  const [job] = (await jobsOf(bench).list("default")).items;
  assert.ok(!job || job.metadata?.deletionTimestamp);
  await bench.stop();
});

test("sets of indexes as text", () => {
  assert.equal(formatIndexes([7, 1, 3, 4, 5]), "1,3-5,7");
  assert.equal(formatIndexes([0, 1]), "0,1");
  assert.equal(formatIndexes([]), "");
  assert.deepEqual([...parseIndexes("1,3-5,7", 5)], [1, 3, 4]);
});
