import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Harness, startHarness } from "../testing/harness.ts";

const root = "/apis/flowcontrol.apiserver.k8s.io/v1";
const producer = "api-priority-and-fairness-config-producer-v1";
const consumer = "api-priority-and-fairness-config-consumer-v1";

let h: Harness;
before(async () => {
  h = await startHarness();
});
after(() => h.close());

// biome-ignore lint: answers are looked into freely
const items = async (plural: string): Promise<any[]> => (await h.call("GET", `${root}/${plural}`)).body.items;

test("a new cluster has the default levels and schemas, and each schema's level is there", async () => {
  const levels = await items("prioritylevelconfigurations");
  const shares = levels.map(({ metadata, spec }) => [
    metadata.name,
    (spec.limited ?? spec.exempt).nominalConcurrencyShares,
  ]);
  assert.deepEqual(shares, [
    ["catch-all", 5],
    ["exempt", 0],
    ["global-default", 20],
    ["leader-election", 10],
    ["node-high", 40],
    ["system", 30],
    ["workload-high", 40],
    ["workload-low", 100],
  ]);
  const schemas = await items("flowschemas");
  assert.equal(schemas.length, 11);
  for (const { metadata, status } of schemas) {
    assert.equal(metadata.annotations["apf.kubernetes.io/autoupdate-spec"], "true");
    assert.equal(metadata.generation, 1);
    assert.equal(status.conditions[0].status, "False", metadata.name);
    const writers = metadata.managedFields.map(
      // biome-ignore lint: answers are looked into freely
      ({ manager, operation, subresource }: any) => [manager, operation, subresource],
    );
    assert.deepEqual(writers, [
      [consumer, "Apply", "status"],
      [producer, "Update", undefined],
    ]);
  }
});

test("a schema dangles until its level is there, and again when it goes", async () => {
  const watch = await h.watch(`${root}/flowschemas?watch=true&fieldSelector=metadata.name%3Dmine`);
  const spec = {
    priorityLevelConfiguration: { name: "later" },
    rules: [
      {
        subjects: [{ kind: "User", user: { name: "me" } }],
        nonResourceRules: [{ verbs: ["get"], nonResourceURLs: ["/x"] }],
      },
    ],
  };
  const level = { type: "Limited", limited: { limitResponse: { type: "Reject" } } };
  const next = async (): Promise<unknown> => {
    const { type, reason, status, message } = (await watch.next())?.object.status.conditions?.[0] ?? {};
    return [type, status, reason, message];
  };
  const created = await h.call("POST", `${root}/flowschemas`, { metadata: { name: "mine" }, spec });
  assert.equal(created.status, 201, created.text);
  assert.deepEqual(await next(), [undefined, undefined, undefined, undefined]);
  const about = `This FlowSchema references the PriorityLevelConfiguration object named "later"`;
  const dangles = ["Dangling", "True", "NotFound", `${about} but there is no such object`];
  assert.deepEqual(await next(), dangles);
  await h.call("POST", `${root}/prioritylevelconfigurations`, { metadata: { name: "later" }, spec: level });
  assert.deepEqual(await next(), ["Dangling", "False", "Found", `${about} and it exists`]);
  await h.call("DELETE", `${root}/prioritylevelconfigurations/later`);
  assert.deepEqual(await next(), dangles);
  watch.close();
});
