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

test("what is missing or changed comes back within a minute, unless an administrator has taken it over", async () => {
  const levels = `${root}/prioritylevelconfigurations`;
  const merge = { "content-type": "application/merge-patch+json" };
  const patch = async (path: string, body: object) => {
    const answer = await h.call("PATCH", `${root}/${path}`, body, merge);
    assert.equal(answer.status, 200, answer.text);
  };
  const annotations = (value: string | null) => ({
    annotations: { "apf.kubernetes.io/autoupdate-spec": value },
  });
  const shares = (nominalConcurrencyShares: number) => ({ limited: { nominalConcurrencyShares } });
  assert.equal((await h.call("DELETE", `${levels}/exempt`)).status, 200);
  assert.equal((await h.call("DELETE", `${root}/flowschemas/probes`)).status, 200);
  await patch("prioritylevelconfigurations/system", { spec: shares(31) });
  await patch("prioritylevelconfigurations/node-high", { metadata: annotations("false"), spec: shares(41) });
  await patch("prioritylevelconfigurations/workload-high", { metadata: annotations(null), spec: shares(42) });
  await patch("flowschemas/catch-all", { metadata: annotations("false") });
  const old = {
    metadata: { name: "left-over", ...annotations("true") },
    spec: { type: "Limited", limited: {} },
  };
  Object.assign(old.spec.limited, { limitResponse: { type: "Reject" } });
  assert.equal((await h.call("POST", levels, old)).status, 201);
  await h.clock.run(60_000);
  const found = new Map(
    (await items("prioritylevelconfigurations")).map(({ metadata, spec }) => [
      metadata.name,
      [
        spec.limited?.nominalConcurrencyShares ?? 0,
        metadata.annotations?.["apf.kubernetes.io/autoupdate-spec"],
      ],
    ]),
  );
  assert.deepEqual(found.get("exempt"), [0, "true"]);
  assert.deepEqual(found.get("system"), [30, "true"]);
  assert.deepEqual(found.get("node-high"), [41, "false"]);
  assert.deepEqual(found.get("workload-high"), [42, "false"], "changed since it was made: it is somebody's");
  assert.equal(found.has("left-over"), false);
  const schemas = await items("flowschemas");
  const names = schemas.map(({ metadata }) => metadata.name);
  assert.ok(names.includes("probes"));
  const all = schemas.find(({ metadata }) => metadata.name === "catch-all");
  assert.equal(all.metadata.annotations["apf.kubernetes.io/autoupdate-spec"], "true", "kept as it is");
  const revision = h.store.revision;
  await h.clock.run(60_000);
  assert.equal(h.store.revision, revision, "nothing is written that is right");
});

test("the level without limits keeps the shares that an administrator gives it", async () => {
  const spec = { exempt: { nominalConcurrencyShares: 7 } };
  const path = `${root}/prioritylevelconfigurations/exempt`;
  const merge = { "content-type": "application/merge-patch+json" };
  assert.equal((await h.call("PATCH", path, { spec }, merge)).status, 200);
  await h.clock.run(60_000);
  assert.equal((await h.call("GET", path)).body.spec.exempt.nominalConcurrencyShares, 7);
});
