import assert from "node:assert/strict";
import { test } from "node:test";
import type { CoreV1Event, CronJob, CronJobSpec, Job } from "../../api/index.ts";
import { parseSchedule } from "../../machinery/index.ts";
import { type Bench, startBench } from "../testing/bench.ts";
import { runCronJobs } from "./index.ts";
import { latestTime, nextTime } from "./schedule.ts";

const at = (text: string): number => Date.parse(text);
const next = (schedule: string, after: string, zone = "UTC"): string | undefined => {
  const found = nextTime(parseSchedule(schedule), at(after), zone);
  return found === undefined ? undefined : new Date(found).toISOString();
};

test("when it is next", () => {
  for (const [schedule, after, wanted, zone] of [
    ["*/5 * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:05:00.000Z"],
    ["0 9-17/4 * * mon-fri", "2026-01-02T13:00:00Z", "2026-01-02T17:00:00.000Z"],
    ["0 0 13 * 5", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00.000Z"],
    ["30 2 29 feb *", "2026-01-01T00:00:00Z", "2028-02-29T02:30:00.000Z"],
    ["@daily", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00.000Z"],
    ["@every 90s", "2026-01-01T00:00:00Z", "2026-01-01T00:01:30.000Z"],
    ["0 8 * * *", "2026-07-01T00:00:00Z", "2026-07-01T06:00:00.000Z", "Europe/Berlin"],
    ["0 8 * * *", "2026-07-01T00:00:00Z", "2026-07-01T06:00:00.000Z", "right/Europe/Berlin"],
    // Half past two does not exist that night, and exists twice in autumn.
    ["30 2 * * *", "2026-03-28T12:00:00Z", "2026-03-30T00:30:00.000Z", "Europe/Berlin"],
    ["30 2 * * *", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00.000Z", "Europe/Berlin"],
  ] as const) {
    assert.equal(next(schedule, after, zone), wanted, schedule);
  }
  assert.equal(next("0 0 30 2 *", "2026-01-01T00:00:00Z"), undefined);
  assert.throws(() => next("* * * * *", "2026-01-01T00:00:00Z", "Nowhere/City"), RangeError);
  const years = latestTime(
    parseSchedule("* * * * *"),
    at("2020-01-01T00:00:00Z"),
    at("2026-01-01T00:00:30Z"),
    "UTC",
  );
  assert.equal(years, at("2026-01-01T00:00:00Z"));
});

async function startCron(spec: Partial<CronJobSpec>): Promise<{
  bench: Bench;
  jobs: () => Promise<Job[]>;
  cron: () => Promise<CronJob>;
  end: (job: Job | undefined) => Promise<void>;
}> {
  const bench = await startBench(runCronJobs);
  const crons = bench.client.resource<CronJob>("batch", "v1", "cronjobs");
  const jobs = bench.client.resource<Job>("batch", "v1", "jobs");
  const template = { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "i" }] } };
  await crons.create("default", {
    metadata: { name: "tick" },
    spec: { schedule: "* * * * *", jobTemplate: { spec: { template } }, ...spec },
  });
  await bench.settle();
  return {
    bench,
    cron: () => crons.get("default", "tick"),
    jobs: async () => (await jobs.list("default")).items,
    end: async (job) => {
      const time = new Date(bench.clock.now()).toISOString().replace(/\.\d+/, "");
      const conditions = ["SuccessCriteriaMet", "Complete"].map((type) => ({ type, status: "True" }));
      const status = { conditions, startTime: time, completionTime: time, uncountedTerminatedPods: {} };
      await jobs.patch("default", job?.metadata?.name ?? "", "merge", { status }, { subresource: "status" });
      await bench.settle();
    },
  };
}

test("Allow: one each minute; the old ones that ended go", async () => {
  const { bench, jobs, cron, end } = await startCron({ successfulJobsHistoryLimit: 1 });
  await bench.clock.run(125_000);
  assert.equal((await jobs()).length, 2);
  assert.equal((await cron()).status?.active?.length, 2);
  for (const job of await jobs()) {
    await bench.clock.run(1000);
    await end(job);
  }
  assert.equal((await jobs()).length, 1);
  const { status } = await cron();
  assert.equal(status?.active, undefined);
  assert.ok(status?.lastSuccessfulTime);
  await bench.stop();
});

test("Forbid waits for the one that runs, and makes up for the time missed; Replace does not wait", async () => {
  const forbid = await startCron({ concurrencyPolicy: "Forbid" });
  await forbid.bench.clock.run(185_000);
  const [first, ...others] = await forbid.jobs();
  assert.equal(others.length, 0);
  await forbid.end(first);
  assert.equal((await forbid.jobs()).length, 2);
  await forbid.bench.stop();

  const replace = await startCron({ concurrencyPolicy: "Replace" });
  await replace.bench.clock.run(65_000);
  const [before] = await replace.jobs();
  await replace.bench.clock.run(60_000);
  const [after, ...more] = await replace.jobs();
  assert.equal(more.length, 0);
  assert.notEqual(after?.metadata?.name, before?.metadata?.name);
  await replace.bench.stop();
});

test("a job that a user made of its template is told of, and nothing waits for it", async () => {
  const { bench, cron, jobs } = await startCron({ concurrencyPolicy: "Forbid" });
  const { metadata, spec } = await cron();
  const owner = {
    apiVersion: "batch/v1",
    kind: "CronJob",
    name: "tick",
    uid: metadata?.uid ?? "",
    controller: true,
  };
  await bench.client.resource<Job>("batch", "v1", "jobs").create("default", {
    metadata: { name: "by-hand", ownerReferences: [owner] },
    ...(spec?.jobTemplate.spec ? { spec: spec.jobTemplate.spec } : {}),
  });
  await bench.settle();
  assert.equal((await cron()).status?.active, undefined);
  const events = await bench.client.resource<CoreV1Event>("", "v1", "events").list("default");
  assert.deepEqual(
    events.items.map(({ type, reason, message }) => `${type} ${reason}: ${message}`),
    ["Warning UnexpectedJob: Saw a job that the controller did not create or forgot: by-hand"],
  );
  await bench.clock.run(65_000);
  assert.equal((await jobs()).length, 2);
  assert.deepEqual(
    (await cron()).status?.active?.map(({ name }) => name !== "by-hand"),
    [true],
  );
  await bench.stop();
});

test("suspended it starts nothing", async () => {
  const { bench, jobs } = await startCron({ suspend: true });
  await bench.clock.run(185_000);
  assert.equal((await jobs()).length, 0);
  await bench.stop();
});

test("a schedule of days that never come is called invalid, and nothing is started", async () => {
  const { bench, jobs } = await startCron({ schedule: "59 23 31 2 *" });
  await bench.clock.run(61_000);
  const events = await bench.client.resource<CoreV1Event>("", "v1", "events").list("default");
  assert.deepEqual(
    [...new Set(events.items.map(({ type, reason, message }) => `${type} ${reason}: ${message}`))],
    [
      "Warning InvalidSchedule: invalid schedule: 59 23 31 2 * : time difference between two schedules is less than 1 second",
    ],
  );
  assert.deepEqual(await jobs(), []);
  await bench.stop();
});
