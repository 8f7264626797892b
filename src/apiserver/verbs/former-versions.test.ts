import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { failure, type Harness, startHarness } from "../testing/harness.ts";

let h: Harness;
before(async () => {
  h = await startHarness();
});
after(() => h.close());

const inDefault = (group: string, plural: string): string => `/apis/${group}/namespaces/default/${plural}`;
const refusal = async (path: string, body: object): Promise<string | undefined> =>
  failure(await h.call("POST", path, body), 400).message;

test("a body of a version that is known and not asked for is read, and refused for its version", async () => {
  const rows: [path: string, apiVersion: string, kind: string, expected: string][] = [
    [inDefault("apps/v1", "deployments"), "extensions/v1beta1", "Deployment", "apps/v1"],
    [inDefault("apps/v1", "statefulsets"), "apps/v1beta2", "StatefulSet", "apps/v1"],
    [inDefault("batch/v1", "cronjobs"), "batch/v1beta1", "CronJob", "batch/v1"],
    [
      inDefault("autoscaling/v2", "horizontalpodautoscalers"),
      "autoscaling/v1",
      "HorizontalPodAutoscaler",
      "autoscaling/v2",
    ],
    ["/api/v1/namespaces/default/events", "events.k8s.io/v1", "Event", "v1"],
    [
      "/apis/authentication.k8s.io/v1/tokenreviews",
      "authentication.k8s.io/v1beta1",
      "TokenReview",
      "authentication.k8s.io/v1",
    ],
  ];
  for (const [path, apiVersion, kind, expected] of rows) {
    const body = { apiVersion, kind, metadata: { name: "a" } };
    const text = `the API version in the data (${apiVersion}) does not match the expected API version (${expected})`;
    assert.equal(await refusal(path, body), text);
  }
});

test("what is wrong with it as an object of that version is told first", async () => {
  const path = inDefault("batch/v1", "cronjobs");
  const job = (spec: object) => ({
    apiVersion: "batch/v1beta1",
    kind: "CronJob",
    metadata: { name: "a" },
    spec,
  });
  const handled = 'CronJob in version "v1beta1" cannot be handled as a CronJob: ';
  assert.equal(
    await refusal(path, job({ schedule: 1 })),
    `${handled}json: cannot unmarshal number into Go struct field CronJobSpec.spec.schedule of type string`,
  );
  assert.equal(
    await refusal(`${path}?fieldValidation=Strict`, job({ x: 1 })),
    `${handled}strict decoding error: unknown field "spec.x"`,
  );
  const { headers } = await h.call("POST", path, job({ x: 1 }));
  assert.equal(headers?.warning, '299 - "unknown field \\"spec.x\\""');
});

test("another kind of such a version is no conversion, a kind it never had is none", async () => {
  const path = inDefault("batch/v1", "jobs");
  const body = (kind: string) => ({ apiVersion: "batch/v1beta1", kind, metadata: { name: "a" } });
  const handled = (kind: string) => `${kind} in version "v1beta1" cannot be handled as a Job: `;
  assert.equal(
    await refusal(path, body("CronJob")),
    `${handled("CronJob")}converting (v1beta1.CronJob) to (batch.Job): unknown conversion`,
  );
  assert.match(
    (await refusal(path, body("Job"))) ?? "",
    /no kind "Job" is registered for version "batch\/v1beta1"/,
  );
});

test("a patch may make an object one of a former version, whose defaults it then gets", async () => {
  const path = inDefault("apps/v1", "deployments");
  const labels = { a: "b" };
  const spec = {
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name: "c", image: "i" }] } },
  };
  await h.call("POST", path, { metadata: { name: "d" }, spec });
  const patch = (apiVersion: string) =>
    h.call("PATCH", `${path}/d`, { apiVersion }, { "content-type": "application/merge-patch+json" });
  assert.equal((await patch("apps/v1beta2")).body.metadata.labels, undefined);
  const { status, body } = await patch("extensions/v1beta1");
  assert.deepEqual([status, body.apiVersion, body.metadata.labels], [200, "apps/v1", labels]);
  assert.equal((await patch("batch/v1beta1")).status, 422);
});

test("a Deployment of a former version may say where it goes back to, and its Scale is one of another version", async () => {
  const path = inDefault("apps/v1", "deployments");
  const body = { apiVersion: "extensions/v1beta1", kind: "Deployment", metadata: { name: "e" } };
  const { headers } = await h.call("POST", path, { ...body, spec: { rollbackTo: { revision: 1 }, x: 1 } });
  assert.equal(headers?.warning, '299 - "unknown field \\"spec.x\\""');
  const scale = { apiVersion: "apps/v1beta1", kind: "Scale", metadata: { name: "d" }, spec: { replicas: 0 } };
  assert.equal(
    failure(await h.call("PUT", `${path}/d/scale`, scale), 400).message,
    "the API version in the data (apps/v1beta1) does not match the expected API version (autoscaling/v1)",
  );
});

test("a patch that makes an object one of another version of its kind is read as such", async () => {
  const merge = (path: string, body: object) =>
    h.call("PATCH", path, body, { "content-type": "application/merge-patch+json" });
  const scaler = `${inDefault("autoscaling/v1", "horizontalpodautoscalers")}`;
  const spec = {
    maxReplicas: 3,
    scaleTargetRef: { kind: "Deployment", name: "d", apiVersion: "apps/v1" },
    targetCPUUtilizationPercentage: 50,
  };
  await h.call("POST", scaler, { metadata: { name: "a" }, spec });
  const cpu = { name: "cpu", target: { type: "Utilization", averageUtilization: 7 } };
  const patch = { apiVersion: "autoscaling/v2", spec: { metrics: [{ type: "Resource", resource: cpu }] } };
  const { body, headers } = await merge(`${scaler}/a`, patch);
  assert.deepEqual([body.apiVersion, body.spec.targetCPUUtilizationPercentage], ["autoscaling/v1", 7]);
  assert.equal(headers?.warning, '299 - "unknown field \\"spec.targetCPUUtilizationPercentage\\""');
  const events = "/api/v1/namespaces/default/events";
  await h.call("POST", events, {
    metadata: { name: "e" },
    involvedObject: { namespace: "default", name: "x" },
    source: { component: "c" },
    reason: "r",
    message: "m",
    type: "Normal",
  });
  for (const apiVersion of ["events.k8s.io/v1", "events.k8s.io/v1beta1"]) {
    const { body: made } = await merge(`${events}/e`, { apiVersion, note: "n" });
    assert.deepEqual([made.apiVersion, made.message, made.reason], ["v1", "n", "r"]);
    assert.deepEqual([made.involvedObject, made.source], [{}, {}]);
  }
});
