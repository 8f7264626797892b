import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { until } from "../../testing/index.ts";
import { crds, mergePatch, things, thingDefinition } from "../testing/conversion-webhook.ts";
import { failure, type Harness, startHarness } from "../testing/harness.ts";

const path = "/apis/apps/v1/namespaces/default/deployments";
const apply = { "content-type": "application/apply-patch+yaml" };
const tableType = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" };

async function withDeployment(t: TestContext): Promise<Harness> {
  const h = await startHarness();
  t.after(() => h.close());
  const made = await h.call("POST", `${path}?fieldManager=maker`, {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "d" },
    spec: {
      replicas: 2,
      selector: { matchLabels: { a: "b" } },
      template: { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "c", image: "i" }] } },
    },
  });
  assert.equal(made.status, 201, made.text);
  return h;
}

const scale = (replicas: number | undefined, more: object = {}) => ({
  apiVersion: "autoscaling/v1",
  kind: "Scale",
  metadata: { name: "d" },
  spec: replicas === undefined ? {} : { replicas },
  ...more,
});

/** The owners of the replicas. */
async function ownersOf(h: Harness): Promise<string[]> {
  const { managedFields } = (await h.call("GET", `${path}/d`)).body.metadata;
  return (managedFields as { manager: string; operation: string; subresource?: string; fieldsV1: object }[])
    .filter(({ fieldsV1 }) => "f:replicas" in ((fieldsV1 as { "f:spec"?: object })["f:spec"] ?? {}))
    .map(({ manager, operation, subresource = "" }) => `${operation} ${manager} ${subresource}`.trim());
}

test("a Scale is shown as a table and as metadata, read and written", async (t) => {
  const h = await withDeployment(t);
  const table = (await h.call("GET", `${path}/d/scale`, undefined, tableType)).body;
  assert.equal(table.kind, "Table");
  assert.deepEqual(
    table.columnDefinitions.map(({ name }: { name: string }) => name),
    ["Name", "Desired", "Available", "Age"],
  );
  assert.deepEqual(table.rows[0].cells, ["d", 2, 0, "0s"]);
  assert.equal(table.rows[0].object.kind, "PartialObjectMetadata");
  const none = (await h.call("GET", `${path}/d/scale?includeObject=None`, undefined, tableType)).body;
  assert.equal(none.rows[0].object, null);
  const patched = await h.call(
    "PATCH",
    `${path}/d/scale`,
    { spec: { replicas: 3 } },
    { ...mergePatch, ...tableType },
  );
  assert.deepEqual(patched.body.rows[0].cells.slice(0, 2), ["d", 3]);
  const partial = { accept: "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io" };
  assert.equal(
    (await h.call("GET", `${path}/d/scale`, undefined, partial)).body.kind,
    "PartialObjectMetadata",
  );
});

test("the Scale of a custom resource leaves a number out that is zero", async (t) => {
  const h = await startHarness();
  t.after(() => h.close());
  const definition = thingDefinition("https://127.0.0.1:1/x") as { spec: object };
  await h.call("POST", crds, {
    ...definition,
    spec: { ...definition.spec, conversion: { strategy: "None" } },
  });
  await until("things", async () => (await h.call("GET", things("v1"))).status === 200);
  const body = { apiVersion: "conversion.example.com/v1", kind: "Thing", metadata: { name: "a" } };
  await h.call("POST", things("v1"), { ...body, spec: { replicas: 0 } });
  const { rows, columnDefinitions } = (await h.call("GET", `${things("v1")}/a/scale`, undefined, tableType))
    .body;
  assert.deepEqual(rows[0].cells.slice(0, 3), ["a", null, 0]);
  assert.equal(columnDefinitions[1].description, "Number of desired replicas");
});

test("server-side apply of a Scale: conflicts, force, shared ownership, giving up", async (t) => {
  const h = await withDeployment(t);
  const send = (body: object, query: string) =>
    h.call("PATCH", `${path}/d/scale?${query}`, JSON.stringify(body), apply);
  const refused = failure(await send(scale(5), "fieldManager=one"), 409);
  assert.equal(
    refused.message,
    'Apply failed with 1 conflict: conflict with "maker" using autoscaling/v1: .spec.replicas',
  );
  assert.equal((await send(scale(2), "fieldManager=one")).status, 200);
  assert.deepEqual(await ownersOf(h), ["Apply one scale", "Update maker"]);
  const forced = await send(scale(5), "fieldManager=one&force=true");
  assert.equal(forced.body.spec.replicas, 5, forced.text);
  assert.deepEqual(await ownersOf(h), ["Apply one scale"]);
  assert.equal((await h.call("GET", `${path}/d`)).body.spec.replicas, 5);
  const unknown = failure(await send(scale(5, { spec: { replicas: 5, nope: 1 } }), "fieldManager=one"), 500);
  assert.match(unknown.message ?? "", /Kind=Scale\): \.spec\.nope: field not declared in schema$/);
  failure(await send({ ...scale(5), kind: "Deployment", apiVersion: "apps/v1" }, "fieldManager=one"), 400);
  failure(await send(scale(-1), "fieldManager=one"), 422);
  const given = await send(scale(undefined), "fieldManager=one");
  assert.deepEqual(given.body.spec, {});
  assert.deepEqual(await ownersOf(h), ["Apply one scale"], "as in the original: it still has a spec");
});

test("what a Scale does not know is warned of or refused, as it is asked", async (t) => {
  const h = await withDeployment(t);
  const odd = scale(3, { spec: { replicas: 3, nope: 1 } });
  const warned = await h.call("PUT", `${path}/d/scale`, odd);
  assert.equal(warned.status, 200, warned.text);
  assert.match(warned.headers.warning ?? "", /unknown field \\"spec.nope\\"/);
  failure(await h.call("PUT", `${path}/d/scale?fieldValidation=Strict`, odd), 400);
  failure(
    await h.call("PATCH", `${path}/d/scale?fieldValidation=Strict`, { spec: { nope: 1 } }, mergePatch),
    422,
  );
  failure(
    await h.call("PUT", `${path}/d/scale`, { ...odd, metadata: { name: "d", namespace: "other" } }),
    400,
  );
  failure(await h.call("PUT", `${path}/d/scale`, { ...odd, metadata: { name: "d", uid: "other" } }), 409);
});

test("a Scale is held to the rules of metadata, all at once, before its version is looked at", async (t) => {
  const h = await withDeployment(t);
  const metadata = {
    name: "d",
    resourceVersion: "1",
    finalizers: ["x"],
    labels: { a: "b!" },
    generation: -1,
  };
  const { details } = failure(await h.call("PUT", `${path}/d/scale`, { ...scale(-1), metadata }), 422);
  assert.deepEqual(
    details?.causes?.map(({ field }) => field),
    ["metadata.generation", "metadata.labels", "metadata.finalizers[0]", "spec.replicas"],
  );
  const patched = await h.call("PATCH", `${path}/d/scale`, { metadata: { finalizers: ["x"] } }, mergePatch);
  failure(patched, 422);
});

test("a Scale of another object is told apart by its UID, in the words of the request", async (t) => {
  const h = await withDeployment(t);
  const metadata = { name: "d", uid: "other" };
  const put = failure(await h.call("PUT", `${path}/d/scale`, { ...scale(1), metadata }), 409);
  assert.match(
    put.message ?? "",
    /on deployments\.apps "d": StorageError: .* Key: \/registry\/deployments\//,
  );
  const dry = failure(await h.call("PUT", `${path}/d/scale?dryRun=All`, { ...scale(1), metadata }), 409);
  assert.match(dry.message ?? "", /Key: \/deployments\/default\/d,/);
  const patched = failure(await h.call("PATCH", `${path}/d/scale`, { metadata }, mergePatch), 409);
  assert.match(
    patched.message ?? "",
    /on deployments\/scale\.apps "d": Precondition failed: UID in precondition/,
  );
});

test("patches of a Scale that do not decode: a strategic merge shows the patch, a merge patch the Scale and its owners", async (t) => {
  const h = await withDeployment(t);
  const strategic = { "content-type": "application/strategic-merge-patch+json" };
  const send = async (body: object, type: Record<string, string>) =>
    failure(await h.call("PATCH", `${path}/d/scale`, body, type), 422).message ?? "";
  assert.match(
    await send({ spec: { replicas: "x" } }, strategic),
    /"map\[spec:map\[replicas:x\]\]": unrecognized type: int32$/,
  );
  const shown = await send({ spec: { replicas: "x" } }, mergePatch);
  assert.match(shown, /"\{\\"apiVersion\\":\\"autoscaling\/v1\\",\\"kind\\":\\"Scale\\",\\"metadata/);
  assert.match(shown, /\\"managedFields\\":\[\{\\"manager\\":\\"maker\\".*cannot unmarshal string/);
  assert.match(
    await send({ kind: "Foo" }, mergePatch),
    /no kind "Foo" is registered for version "autoscaling\/v1"/,
  );
  assert.match(await send({ kind: "Deployment", apiVersion: "apps/v1" }, mergePatch), /unknown conversion$/);
  const kept = await h.call("PATCH", `${path}/d/scale`, { kind: "Foo" }, strategic);
  assert.equal(kept.body.kind, "Scale", "a strategic merge makes no other kind of it");
  const cut = await h.call("PATCH", `${path}/d/scale`, { spec: { replicas: 2 ** 32 + 7 } }, strategic);
  assert.equal(cut.body.spec.replicas, 7, "as Go fits it into 32 bits");
});

test("whoever sets the number again, and something that a Scale does not keep, stays its owner; nothing is written", async (t) => {
  const h = await withDeployment(t);
  const url = `${path}/d/scale?fieldManager=scaler`;
  const change = { spec: { replicas: 7 }, status: { replicas: 7 } };
  const versions: string[] = [];
  for (let i = 0; i < 3; i++) {
    const { status, body } = await h.call("PATCH", url, change, mergePatch);
    assert.equal(status, 200);
    versions.push(body.metadata.resourceVersion);
    assert.deepEqual(await ownersOf(h), ["Update scaler scale"]);
    h.clock.advance(2000);
  }
  assert.equal(new Set(versions).size, 1, `written again: ${versions.join(", ")}`);
});
