import assert from "node:assert/strict";
import { test } from "node:test";
import type { Job, JobSpec, JobStatus } from "../generated/types.ts";
import { validateJobStatus } from "./job-status.ts";

const [first, second, third] = ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"];
const is = (...types: string[]): JobStatus["conditions"] => types.map((type) => ({ type, status: "True" }));

const plain: Partial<JobSpec> = { completions: 3, parallelism: 2 };
const indexed: Partial<JobSpec> = { ...plain, completionMode: "Indexed" };

function change(status: JobStatus, old: JobStatus = {}, spec = plain): string[] {
  const job = (of: JobStatus): Job => ({ spec: { template: {}, ...spec }, status: of });
  return validateJobStatus(job(status), job(old)).map(({ field, message }) => `${field}: ${message}`);
}

test("a Job that ends says when, began once, and has nothing left to do", () => {
  const done: JobStatus = {
    startTime: first,
    completionTime: second,
    conditions: is("SuccessCriteriaMet", "Complete"),
  };
  assert.deepEqual(change(done), []);
  assert.deepEqual(change({ conditions: is("Complete"), active: 1, terminating: 2 }), [
    "status.completionTime: Required value: completionTime is required for Complete jobs",
    "status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
    "status.active: Invalid value: 1: active>0 is invalid for finished job",
    "status.startTime: Required value: startTime is required for finished job",
    "status.terminating: Invalid value: 2: terminating>0 is invalid for finished job",
  ]);
  assert.deepEqual(change({ startTime: first, conditions: is("Failed") }), [
    "status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition",
  ]);
  assert.deepEqual(change({ ...done, completionTime: "2025-01-01T00:00:00Z" }), [
    'status.completionTime: Invalid value: "2025-01-01T00:00:00Z": must be equal to or after `startTime`',
  ]);
  assert.deepEqual(change({ ...done, uncountedTerminatedPods: { failed: ["a"] } }), [
    'status.uncountedTerminatedPods: Invalid value: {"Succeeded":null,"Failed":["a"]}: must be empty for finished job',
  ]);
  assert.deepEqual(
    change({ conditions: is("Complete"), startTime: first, completionTime: second }, {}).length,
    1,
  );
  const never = { ...plain, suspend: true, completions: 0 };
  assert.deepEqual(change({ ...done, startTime: undefined } as unknown as JobStatus, {}, never), []);
});

test("what was wrong before does not stop a change of something else", () => {
  const odd: JobStatus = { conditions: is("Complete"), active: 1, completedIndexes: "9" };
  assert.deepEqual(change({ ...odd, succeeded: 1 }, odd), []);
});

test("there is no way back from the end, and counters only grow", () => {
  const failed: JobStatus = { startTime: first, conditions: is("FailureTarget", "Failed"), failed: 2 };
  assert.deepEqual(change({ startTime: first, failed: 1 }, failed), [
    "status.conditions: Invalid value: cannot disable the terminal Failed=True condition",
    "status.conditions: Invalid value: cannot disable the terminal FailureTarget=True condition",
    "status.failed: Invalid value: 1: cannot decrease the failed counter",
  ]);
  assert.deepEqual(change({ succeeded: 1 }, { succeeded: 2 }), [
    "status.succeeded: Invalid value: 1: cannot decrease the succeeded counter",
  ]);
  assert.deepEqual(change({ succeeded: 1 }, { succeeded: 2 }, { ...indexed, parallelism: 3 }), []);
  assert.deepEqual(change({}, { conditions: is("SuccessCriteriaMet") }), [
    "status.conditions: Invalid value: cannot disable the SuccessCriteriaMet=True condition",
  ]);
});

test("a Job starts anew only when it is suspended or resumed", () => {
  const text = `status.startTime: Invalid value: "${third}": field is immutable for unsuspended job once set`;
  assert.deepEqual(change({ startTime: third }, { startTime: first }), [text]);
  assert.deepEqual(change({ startTime: third }, { startTime: first }, { ...plain, suspend: true }), []);
  const resumed: JobStatus = { startTime: third, conditions: [{ type: "Suspended", status: "False" }] };
  assert.deepEqual(change(resumed, { startTime: first, conditions: is("Suspended") }), []);
});

test("indexes are written as such, by Jobs that have them, and end in one way", () => {
  assert.deepEqual(change({ completedIndexes: "0" }), [
    'status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed completion mode',
  ]);
  assert.deepEqual(change({ completedIndexes: "0,3", failedIndexes: "1" }, {}, indexed), [
    'status.completedIndexes: Invalid value: "0,3": error parsing completedIndexes: too large index: "3"',
    'status.failedIndexes: Invalid value: "1": cannot set non-null failedIndexes when backoffLimitPerIndex is null',
  ]);
  const limited = { ...indexed, backoffLimitPerIndex: 1 };
  assert.deepEqual(change({ completedIndexes: "0-1", failedIndexes: "1" }, {}, limited), [
    'status.failedIndexes: Invalid value: "1": failedIndexes and completedIndexes overlap at index: 1',
  ]);
});

test("pods are counted once, and no more are ready than run", () => {
  assert.deepEqual(
    change({ ready: 2, active: 1, uncountedTerminatedPods: { succeeded: ["a", ""], failed: ["a"] } }),
    [
      'status.uncountedTerminatedPods.succeeded[1]: Invalid value: "": must not be empty',
      'status.uncountedTerminatedPods.failed[0]: Duplicate value: "a"',
      "status.ready: Invalid value: 2: cannot set more ready pods than active",
    ],
  );
});
