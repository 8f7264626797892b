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
