import assert from "node:assert/strict";
import { test } from "node:test";
import { deepClone } from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import type { CronJob, Job, JobSpec } from "../generated/types.ts";
import { batchKinds } from "./index.ts";

const [jobs, cronJobs] = batchKinds as [(typeof batchKinds)[0], (typeof batchKinds)[0]];

const texts = (errors: readonly FieldError[] = []): string[] =>
  errors.map(({ field, message }) => `${field}: ${message}`);

const template = (): JobSpec["template"] => ({
  metadata: { labels: { a: "b" } },
  spec: { restartPolicy: "Never", containers: [{ name: "c", image: "i" }] },
});

function made(spec: Partial<JobSpec>, metadata: Job["metadata"] = {}): Job {
  const job: Job = {
    metadata: { name: "x", namespace: "n", uid: "u", ...metadata },
    spec: { template: template(), ...spec },
  };
  jobs.defaults?.(job);
  jobs.strategy.prepareForCreate?.(job);
  return job;
}

test("a Job without labels gets those of its pods when it has been judged", () => {
  const job = made({
    template: { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "i" }] } },
  });
  assert.equal(job.metadata?.labels, undefined);
  jobs.strategy.canonicalize?.(job);
  assert.equal(job.metadata?.labels?.["job-name"], "x");
});

const mistakes = (spec: Partial<JobSpec>): string[] => texts(jobs.strategy.validate?.(made(spec)));

function changed(job: Job, edit: (copy: Job) => void): string[] {
  const copy = deepClone(job);
  edit(copy);
  jobs.defaults?.(copy);
  jobs.strategy.prepareForUpdate?.(copy, job);
  return [...new Set(texts(jobs.strategy.validateUpdate?.(copy, job)))];
}

test("a Job's pods are found by its uid; without labels of its own it shows theirs", () => {
  const job = made({});
  const labels = {
    a: "b",
    "batch.kubernetes.io/controller-uid": "u",
    "controller-uid": "u",
    "batch.kubernetes.io/job-name": "x",
    "job-name": "x",
  };
  assert.deepEqual(job.spec?.template.metadata?.labels, labels);
  assert.deepEqual(job.metadata?.labels, labels);
  assert.deepEqual(job.spec?.selector, { matchLabels: { "batch.kubernetes.io/controller-uid": "u" } });
  assert.deepEqual(made({}, { labels: { own: "1" } }).metadata?.labels, { own: "1" });
});

test("a pattern for conditions of pods means those that hold", () => {
  const rules = [{ action: "Ignore", onPodConditions: [{ type: "DisruptionTarget" }] }];
  const job = made({ podFailurePolicy: { rules } } as Partial<JobSpec>);
  assert.equal(job.spec?.podFailurePolicy?.rules[0]?.onPodConditions?.[0]?.status, "True");
  assert.deepEqual(texts(jobs.strategy.validate?.(job)), []);
});

test("labels that the server gives may not be others", () => {
  const wrong = template();
  wrong.metadata = { labels: { "job-name": "y" } };
  assert.deepEqual(mistakes({ template: wrong }), [
    `spec.template.metadata.labels[job-name]: Invalid value: {"batch.kubernetes.io/controller-uid":"u","batch.kubernetes.io/job-name":"x","controller-uid":"u","job-name":"y"}: must be 'x'`,
  ]);
});

test("what is indexed has limits, and what is not has no limits per index", () => {
  assert.deepEqual(mistakes({ backoffLimitPerIndex: 1 }), [
    "spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode",
  ]);
  assert.deepEqual(mistakes({ completionMode: "Indexed", parallelism: 100_001 }), [
    "spec.completions: Required value: when completion mode is Indexed",
    "spec.parallelism: Invalid value: 100001: must be less than or equal to 100000 when completion mode is Indexed",
  ]);
  const many = { completionMode: "Indexed", completions: 100_001, backoffLimitPerIndex: 1 };
  assert.deepEqual(mistakes({ ...many, parallelism: 10_001 }), [
    "spec.maxFailedIndexes: Required value: must be specified when completions is above 100000",
    "spec.parallelism: Invalid value: 10001: must be less than or equal to 10000 when completions are above 100000 and used with backoff limit per index",
  ]);
});

test("the names of an indexed Job's pods are hostnames", () => {
  const job = made({ completionMode: "Indexed", completions: 11 }, { name: "a.b" });
  assert.deepEqual(texts(jobs.strategy.validate?.(job)), [
    'metadata.name: Invalid value: "a.b": will not able to create pod with invalid DNS label: a.b-10',
  ]);
});

test("rules of both policies are looked at one by one", () => {
  const rules = [
    { action: "FailIndex", onExitCodes: { operator: "In", values: [2, 0, 2], containerName: "z" } },
    { action: "", onPodConditions: [{ type: "a b", status: "Maybe" }] },
    { action: "Count" },
  ];
  const path = "spec.podFailurePolicy.rules";
  assert.deepEqual(
    mistakes({ podFailurePolicy: { rules } } as Partial<JobSpec>).filter((text) => !text.includes("regex")),
    [
      `${path}[0].action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set`,
      `${path}[0].onExitCodes.containerName: Invalid value: "z": must be one of the container or initContainer names in the pod template`,
      `${path}[0].onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In operator`,
      `${path}[0].onExitCodes.values[2]: Duplicate value: 2`,
      `${path}[0].onExitCodes.values: Invalid value: [2,0,2]: must be ordered`,
      `${path}[1].action: Required value: valid values: ["Count" "FailIndex" "FailJob" "Ignore"]`,
      `${path}[1].onPodConditions[0].status: Unsupported value: "Maybe": supported values: "False", "True", "Unknown"`,
      `${path}[2]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required`,
    ],
  );
  const indexed = { completionMode: "Indexed", completions: 3 };
  const success = "spec.successPolicy";
  assert.deepEqual(mistakes({ successPolicy: { rules: [{ succeededCount: 1 }] } }), [
    `${success}: Invalid value: {"Rules":[{"SucceededIndexes":null,"SucceededCount":1}]}: requires indexed completion mode`,
  ]);
  const successRules = [{}, { succeededIndexes: "0-5" }, { succeededIndexes: "0-1", succeededCount: 4 }];
  assert.deepEqual(mistakes({ ...indexed, successPolicy: { rules: successRules } }), [
    `${success}.rules[0]: Required value: at least one of succeededCount or succeededIndexes must be specified`,
    `${success}.rules[1].succeededIndexes: Invalid value: "0-5": error parsing succeededIndexes: too large index: "5"`,
    `${success}.rules[2].succeededCount: Invalid value: 4: must be less than or equal to 3 (the number of specified completions)`,
    `${success}.rules[2].succeededCount: Invalid value: 4: must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)`,
  ]);
});

test("a suspended Job's pods may still be placed and sized otherwise, nothing else of them changes", () => {
  const place = (job: Job): void => {
    const pod = job.spec?.template.spec;
    assert.ok(pod?.containers[0]);
    pod.nodeSelector = { zone: "z" };
    pod.affinity = { nodeAffinity: {} };
    pod.containers[0].resources = { requests: { cpu: "1" } };
  };
  const rename = (job: Job): void => {
    const container = job.spec?.template.spec?.containers[0];
    if (container) container.image = "other";
  };
  const suspended = made({ suspend: true });
  assert.deepEqual(changed(suspended, place), []);
  assert.match(
    changed(suspended, rename).join(),
    /^spec\.template\.spec: Invalid value: \{"Volumes":.*field is immutable$/,
  );
  const started = made({ suspend: true });
  started.status = { startTime: "2026-01-01T00:00:00Z" };
  assert.match(changed(started, place).join(), /^spec\.template: Invalid value: \{.*field is immutable$/);
  started.status.conditions = [{ type: "Suspended", status: "True" }];
  assert.deepEqual(changed(started, place), []);
  assert.equal(changed(made({}), place).length, 1);
});

test("completions change with parallelism alone, in an indexed Job alone", () => {
  const indexed = made({ completionMode: "Indexed", completions: 3, parallelism: 3 });
  const both = (job: Job): void => {
    Object.assign(job.spec as JobSpec, { completions: 4, parallelism: 4 });
  };
  assert.deepEqual(changed(indexed, both), []);
  assert.deepEqual(
    changed(indexed, (job) => Object.assign(job.spec as JobSpec, { completions: 4 })),
    ["spec.completions: Invalid value: 4: can only be modified in tandem with spec.parallelism"],
  );
  assert.deepEqual(changed(made({}), both), ["spec.completions: Invalid value: 4: field is immutable"]);
});

function cronMistakes(spec: Partial<NonNullable<CronJob["spec"]>>, name = "x"): string[] {
  const each: CronJob = {
    metadata: { name, namespace: "n" },
    spec: { schedule: "@daily", jobTemplate: { spec: { template: template() } }, ...spec },
  };
  cronJobs.defaults?.(each);
  cronJobs.strategy.prepareForCreate?.(each);
  return texts(cronJobs.strategy.validate?.(each));
}

test("a CronJob has a schedule, a time zone by its own name and a template without a selector", () => {
  assert.deepEqual(cronMistakes({}), []);
  assert.deepEqual(cronMistakes({ schedule: "TZ=UTC 61 * * * *" }), [
    'spec.schedule: Invalid value: "TZ=UTC 61 * * * *": end of range (61) above maximum (59): 61',
    'spec.schedule: Invalid value: "TZ=UTC 61 * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
  ]);
  for (const [zone, wanted] of [
    ["Europe/Berlin", []],
    ["US/Eastern", []],
    ["europe/berlin", ["unknown time zone europe/berlin"]],
    ["ETC/UTC", ["unknown time zone ETC/UTC"]],
    ["US/PACIFIC", ["unknown time zone US/PACIFIC"]],
    ["Australia/NSW", []],
    ["Etc/GMT-14", []],
    ["UCT", []],
    ["posix/Europe/Berlin", []],
    ["posix/posixrules", ["unknown time zone posix/posixrules"]],
    ["Factory", []],
    ["US/Pacific-New", ["unknown time zone US/Pacific-New"]],
    ["a//b", ["unknown time zone a//b"]],
    ["Local", ["timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"]],
    ["", ["timeZone must be nil or non-empty string"]],
  ] as const) {
    const lines = wanted.map((text) => `spec.timeZone: Invalid value: ${JSON.stringify(zone)}: ${text}`);
    assert.deepEqual(cronMistakes({ timeZone: zone }), lines, zone);
  }
  const job = { template: template(), selector: { matchLabels: { a: "b" } }, manualSelector: true };
  assert.deepEqual(cronMistakes({ jobTemplate: { spec: job } }), [
    'spec.jobTemplate.spec.selector: Invalid value: {"matchLabels":{"a":"b"}}: `selector` will be auto-generated',
    'spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "nil", "false"',
  ]);
  assert.match(cronMistakes({}, "x".repeat(53)).join(), /must be no more than 52 characters$/);
});
