import assert from "node:assert/strict";
import { test } from "node:test";
import { apply, configMap, failure, startHarness } from "../testing/harness.ts";

const maps = "/api/v1/namespaces/default/configmaps";
const services = "/api/v1/namespaces/default/services";
const deployments = "/apis/apps/v1/namespaces/default/deployments";

interface Owner {
  manager: string;
  operation: string;
  subresource?: string;
  time?: string;
  fieldsV1: Record<string, unknown>;
}

const owners = (object: { metadata: { managedFields?: Owner[] } }): Record<string, unknown> =>
  Object.fromEntries(
    (object.metadata.managedFields ?? []).map((each) => [
      `${each.manager} ${each.operation}${each.subresource ? ` ${each.subresource}` : ""}`,
      each.fieldsV1,
    ]),
  );

const cm = (data: Record<string, string>, more: object = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "a", ...more },
  data,
});

test("who creates an object owns its fields, but not what says which object it is", async () => {
  const h = await startHarness();
  const { body } = await h.call("POST", maps, configMap("a", { k: "v" }, { l: "1" }), {
    "user-agent": "kubectl/v1.36.0 (linux)",
  });
  assert.deepEqual(owners(body), {
    "kubectl Update": {
      "f:data": { ".": {}, "f:k": {} },
      "f:metadata": { "f:labels": { ".": {}, "f:l": {} } },
    },
  });
  const nothing = await h.call("POST", maps, configMap("b"));
  assert.deepEqual(owners(nothing.body), {});
  await h.close();
});

test("an update takes what it changes; what is the same stays whose it was, time included", async () => {
  const h = await startHarness();
  const first = await h.call("POST", `${maps}?fieldManager=one`, configMap("a", { k: "v", m: "w" }));
  h.clock.advance(60_000);
  const merge = { "content-type": "application/merge-patch+json" };
  const same = await h.call("PATCH", `${maps}/a?fieldManager=two`, { data: { k: "v" } }, merge);
  assert.deepEqual(same.body, first.body);
  const changed = await h.call("PATCH", `${maps}/a?fieldManager=two`, { data: { k: "x", n: "1" } }, merge);
  assert.deepEqual(owners(changed.body), {
    "one Update": { "f:data": { ".": {}, "f:m": {} } },
    "two Update": { "f:data": { "f:k": {}, "f:n": {} } },
  });
  const [one, two] = changed.body.metadata.managedFields as [Owner, Owner];
  assert.notEqual(one.time, two.time);
  const removed = await h.call("PATCH", `${maps}/a?fieldManager=three`, { data: { m: null } }, merge);
  assert.deepEqual(owners(removed.body), {
    "one Update": { "f:data": {} },
    "two Update": { "f:data": { "f:k": {}, "f:n": {} } },
  });
  await h.close();
});

test("what the strategy takes back is no change: the times of the owners stay", async () => {
  const h = await startHarness();
  const sets = "/apis/apps/v1/namespaces/default/statefulsets";
  const set = (replicas: number) => ({
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "a" },
    spec: {
      replicas,
      selector: { matchLabels: { a: "b" } },
      // Behind a disabled gate.
      updateStrategy: { rollingUpdate: { maxUnavailable: 1 } },
      template: { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "c", image: "i" }] } },
    },
  });
  const first = await h.call("POST", `${sets}?fieldManager=one`, set(1));
  h.clock.advance(60_000);
  const same = await h.call("PUT", `${sets}/a?fieldManager=one`, set(1));
  assert.deepEqual(same.body, first.body);
  const other = await h.call("PUT", `${sets}/a?fieldManager=one`, set(2));
  assert.notEqual(other.body.metadata.managedFields[0].time, first.body.metadata.managedFields[0].time);
  await h.close();
});

test("data that is kept as it is has an owner even where it is empty", async () => {
  const h = await startHarness();
  const body = { apiVersion: "apps/v1", kind: "ControllerRevision", metadata: { name: "a" }, revision: 1 };
  const path = "/apis/apps/v1/namespaces/default/controllerrevisions?fieldManager=one";
  const made = await h.call("POST", path, { ...body, data: {} });
  assert.deepEqual(owners(made.body), { "one Update": { "f:data": {}, "f:revision": {} } });
  await h.close();
});

test("apply: creates, keeps what others own, removes what is no longer applied", async () => {
  const h = await startHarness();
  const created = await apply(h, `${maps}/a`, "one", cm({ k: "v", gone: "x" }));
  assert.equal(created.status, 201);
  assert.deepEqual(owners(created.body), { "one Apply": { "f:data": { "f:gone": {}, "f:k": {} } } });
  await h.call(
    "PATCH",
    `${maps}/a?fieldManager=hand`,
    { data: { other: "y" } },
    {
      "content-type": "application/merge-patch+json",
    },
  );
  const shared = await apply(h, `${maps}/a`, "two", cm({ k: "v" }));
  assert.equal(shared.status, 200, "the same value is no conflict");
  const second = await apply(h, `${maps}/a`, "one", cm({}));
  assert.deepEqual(second.body.data, { k: "v", other: "y" }, "k is two's as well, other is hand's");
  assert.deepEqual(
    Object.keys(owners(second.body)),
    ["two Apply", "one Apply", "hand Update"].sort(byApply(second.body)),
  );
  const last = await apply(h, `${maps}/a`, "two", cm({}));
  assert.deepEqual(last.body.data, { other: "y" });
  await h.close();
});

const byApply =
  (object: { metadata: { managedFields: Owner[] } }) =>
  (a: string, b: string): number => {
    const order = Object.keys(owners(object));
    return order.indexOf(a) - order.indexOf(b);
  };

test("apply: applying the same again changes nothing", async () => {
  const h = await startHarness();
  const first = await apply(h, `${maps}/a`, "one", cm({ k: "v" }, { labels: { a: "b" } }));
  h.clock.advance(60_000);
  const again = await apply(h, `${maps}/a`, "one", cm({ k: "v" }, { labels: { a: "b" } }));
  assert.deepEqual(again.body, first.body);
  await h.close();
});

test("apply: a conflict names the manager and the field; force takes it over", async () => {
  const h = await startHarness();
  await h.call("POST", `${maps}?fieldManager=hand`, configMap("a", { k: "v", l: "v" }));
  const one = failure(await apply(h, `${maps}/a`, "one", cm({ k: "x" })), 409);
  assert.equal(one.reason, "Conflict");
  assert.equal(one.message, 'Apply failed with 1 conflict: conflict with "hand" using v1: .data.k');
  assert.deepEqual(one.details?.causes, [
    { reason: "FieldManagerConflict", message: 'conflict with "hand" using v1', field: ".data.k" },
  ]);
  const two = failure(await apply(h, `${maps}/a`, "one", cm({ k: "x", l: "y" })), 409);
  assert.equal(
    two.message,
    'Apply failed with 2 conflicts: conflicts with "hand" using v1:\n- .data.k\n- .data.l',
  );
  const forced = await apply(h, `${maps}/a`, "one", cm({ k: "x" }), "&force=true");
  assert.deepEqual(owners(forced.body), {
    "one Apply": { "f:data": { "f:k": {} } },
    "hand Update": { "f:data": { ".": {}, "f:l": {} } },
  });
  await h.close();
});

test("apply: list items are told apart by their keys, and each has its owners", async () => {
  const h = await startHarness();
  const service = (ports: object[]) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "s" },
    spec: { ports },
  });
  await apply(h, `${services}/s`, "one", service([{ port: 80, name: "http" }]));
  const both = await apply(h, `${services}/s`, "two", service([{ port: 443, name: "https" }]));
  assert.deepEqual(
    both.body.spec.ports.map((each: { name: string }) => each.name),
    ["http", "https"],
  );
  assert.deepEqual(owners(both.body)["two Apply"], {
    "f:spec": { "f:ports": { 'k:{"port":443,"protocol":"TCP"}': { ".": {}, "f:name": {}, "f:port": {} } } },
  });
  const gone = await apply(h, `${services}/s`, "one", service([]));
  assert.deepEqual(
    gone.body.spec.ports.map((each: { name: string }) => each.name),
    ["https"],
  );
  const twice = await apply(h, `${services}/s`, "one", service([{ port: 1 }, { port: 1 }]));
  assert.equal(
    failure(twice, 500).message,
    'failed to create typed patch object (/s; /v1, Kind=Service): .spec.ports: duplicate entries for key [port=1,protocol="TCP"]',
  );
  await h.close();
});

test("apply: what the type does not know, a wrong kind, a wrong name, no manager", async () => {
  const h = await startHarness();
  const said = async (body: object, query = "") =>
    (await apply(h, `${maps}/a`, "one", body, query)).body.message;
  assert.equal(
    await said({ ...cm({}), dat: {} }),
    "failed to create typed patch object (/a; /v1, Kind=ConfigMap): .dat: field not declared in schema",
  );
  assert.equal(await said({ ...cm({}), kind: "Secret" }), "invalid object type: /v1, Kind=Secret");
  assert.equal(
    await said(cm({}, { name: "b" })),
    "the name of the object (b) does not match the name on the URL (a)",
  );
  assert.equal(
    await said(cm({}, { managedFields: [{ manager: "x" }] })),
    "metadata.managedFields must be nil",
  );
  const nobody = await h.call("PATCH", `${maps}/a`, cm({}), {
    "content-type": "application/apply-patch+yaml",
  });
  assert.equal(failure(nobody, 422).details?.causes?.[0]?.field, "fieldManager");
  assert.equal((await h.call("GET", `${maps}/a`)).status, 404, "nothing was made");
  await h.close();
});

test("the status and scale endpoints have owners of their own", async () => {
  const h = await startHarness();
  const deployment = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "d" },
    spec: {
      selector: { matchLabels: { a: "b" } },
      template: { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "c", image: "i" }] } },
    },
  };
  await apply(h, `${deployments}/d`, "one", { ...deployment, spec: { ...deployment.spec, replicas: 2 } });
  const merge = { "content-type": "application/merge-patch+json" };
  await h.call("PATCH", `${deployments}/d/scale?fieldManager=hpa`, { spec: { replicas: 3 } }, merge);
  await h.call(
    "PATCH",
    `${deployments}/d/status?fieldManager=loop`,
    { status: { replicas: 3 }, spec: { replicas: 9 } },
    merge,
  );
  const { body } = await h.call("GET", `${deployments}/d`);
  assert.equal(body.spec.replicas, 3);
  const found = owners(body);
  assert.deepEqual(found["hpa Update scale"], { "f:spec": { "f:replicas": {} } });
  const scaled = body.metadata.managedFields.find((each: { manager: string }) => each.manager === "hpa");
  assert.equal("time" in scaled, false, "owners through scale have no time");
  assert.deepEqual(found["loop Update status"], { "f:status": { "f:replicas": {} } });
  assert.equal("f:replicas" in (found["one Apply"] as { "f:spec": object })["f:spec"], false);
  const taken = failure(
    await apply(h, `${deployments}/d`, "one", { ...deployment, spec: { ...deployment.spec, replicas: 2 } }),
    409,
  );
  assert.match(
    taken.message ?? "",
    /conflict with "hpa" with subresource "scale" using apps\/v1: \.spec\.replicas/,
  );
  await h.close();
});

test("ten writers at most are remembered; the oldest become ancient-changes", async () => {
  const h = await startHarness();
  await h.call("POST", `${maps}?fieldManager=m0`, configMap("a", { k0: "v" }));
  for (let i = 1; i <= 12; i++) {
    h.clock.advance(1000);
    await h.call(
      "PATCH",
      `${maps}/a?fieldManager=m${i}`,
      { data: { [`k${i}`]: "v" } },
      {
        "content-type": "application/merge-patch+json",
      },
    );
  }
  const { body } = await h.call("GET", `${maps}/a`);
  const names = (body.metadata.managedFields as Owner[]).map((each) => each.manager);
  assert.deepEqual(names, ["ancient-changes", ...Array.from({ length: 9 }, (_, i) => `m${i + 4}`)]);
  await h.close();
});

test("a client may take all ownership away; then nobody owns anything until somebody applies", async () => {
  const h = await startHarness();
  await h.call("POST", `${maps}?fieldManager=one`, configMap("a", { k: "v" }));
  const reset = await h.call("PUT", `${maps}/a`, {
    ...configMap("a", { k: "v" }),
    metadata: { name: "a", managedFields: [{}] },
  });
  assert.deepEqual(owners(reset.body), {});
  const later = await h.call("PUT", `${maps}/a`, configMap("a", { k: "w" }));
  assert.deepEqual(owners(later.body), {});
  const applied = await apply(h, `${maps}/a`, "two", cm({ n: "1" }));
  assert.deepEqual(owners(applied.body), {
    "two Apply": { "f:data": { "f:n": {} } },
    "before-first-apply Update": { "f:data": { ".": {}, "f:k": {} } },
  });
  await h.close();
});

test("apply: what is empty in a configuration is owned, and stays so when others take away what was in it", async () => {
  const h = await startHarness();
  await apply(h, `${maps}/a`, "one", cm({ x: "1" }));
  await apply(h, `${maps}/a`, "two", cm({ x: "2" }), "&force=true");
  await apply(h, `${maps}/a`, "one", cm({}));
  const { data: _, ...bare } = cm({});
  const left = await apply(h, `${maps}/a`, "two", bare);
  assert.deepEqual([left.body.data, owners(left.body)], [undefined, { "one Apply": { "f:data": {} } }]);
  const taken = await apply(h, `${maps}/a`, "three", cm({ z: "1" }));
  assert.equal(failure(taken, 409).message, 'Apply failed with 1 conflict: conflict with "one": .data');
  await h.close();
});

test("apply: the last field of the metadata can go, and the object keeps its name", async () => {
  const h = await startHarness();
  await apply(h, `${maps}/a`, "one", cm({}, { generateName: "a" }));
  const { status, body } = await apply(h, `${maps}/a`, "one", cm({}));
  assert.deepEqual([status, body.metadata.name, body.metadata.generateName], [200, "a", undefined]);
  const made = await apply(h, `${maps}/b`, "one", cm({}, { name: "b", resourceVersion: "1" }));
  assert.equal(made.status, 201);
  const refused = await apply(h, `${maps}/b`, "one", cm({}, { name: "b", managedFields: [] }));
  assert.equal(failure(refused, 400).message, "metadata.managedFields must be nil");
  await h.close();
});

test("an empty list of owners takes all ownership away, and entries that cannot be read change nothing", async () => {
  const h = await startHarness();
  const merge = { "content-type": "application/merge-patch+json" };
  const set = (managedFields: unknown) =>
    h.call("PATCH", `${maps}/a?fieldManager=two`, { metadata: { managedFields } }, merge);
  const entry = { manager: "x", operation: "Apply", apiVersion: "v1", fieldsType: "FieldsV1" };
  const { body } = await apply(h, `${maps}/a`, "one", cm({ k: "v" }));
  const unread = await set([{ ...entry, fieldsType: "X", fieldsV1: { "f:data": {} } }]);
  assert.deepEqual(owners(unread.body), owners(body));
  const long = await set([{ ...entry, manager: "x".repeat(129), fieldsV1: { "f:data": {} } }]);
  assert.match(
    failure(long, 422).message ?? "",
    /managedFields\[0\]\.manager: Too long: may not be more than 128 bytes/,
  );
  const odd = await set([{ ...entry, manager: "a\u0001", fieldsV1: { "f:data": {} } }]);
  assert.match(
    failure(odd, 422).message ?? "",
    /managedFields\[0\]\.manager: Invalid value: "a\\x01": invalid character U\+0001 \(at position 1\)/,
  );
  assert.deepEqual(owners((await set([entry])).body), {}, "who owns no field is not there");
  await apply(h, `${maps}/a`, "one", cm({ k: "v" }));
  assert.deepEqual(owners((await set([])).body), {});
  await h.close();
});

test("apply: null in place of a map or list says nothing of what others have in it", async () => {
  const h = await startHarness();
  await apply(h, `${maps}/a`, "one", cm({ k: "v" }, { labels: { l: "1" }, finalizers: ["x.y/z"] }));
  const nothing = { labels: null, annotations: null, finalizers: null };
  const { body } = await apply(h, `${maps}/a`, "two", cm({ k: "v" }, nothing));
  assert.deepEqual([body.metadata.labels, body.metadata.finalizers], [{ l: "1" }, ["x.y/z"]]);
  await h.close();
});

test("apply: what does not become an object of the kind is named as the original names it", async () => {
  const h = await startHarness();
  const wrong = { ...cm({}), binaryData: { b: "no base64" } };
  const answer = failure(await apply(h, `${maps}/a`, "one", wrong), 500);
  assert.equal(
    answer.message,
    "failed to convert new object (/a; /v1, Kind=ConfigMap) to proper version: unable to convert unstructured object to /v1, Kind=ConfigMap: error decoding from json: illegal base64 data at input byte 2",
  );
  const several = { ...cm({}), x: 1, data: { a: 1 } };
  const { message } = failure(await apply(h, `${maps}/a`, "one", several), 500);
  assert.equal(
    message,
    "failed to create typed patch object (/a; /v1, Kind=ConfigMap): errors:\n  .data.a: expected string, got &value.valueUnstructured{Value:1}\n  .x: field not declared in schema",
  );
  await h.close();
});

test("apply: conflicts stand by manager, operation, version and subresource", async () => {
  const h = await startHarness();
  const parts = { apiVersion: "v1", fieldsType: "FieldsV1", operation: "Update" };
  const entry = (manager: string, field: string, more: object) => ({
    ...parts,
    manager,
    fieldsV1: { "f:data": { [`f:${field}`]: {} } },
    ...more,
  });
  const managedFields = [
    entry("b", "a", { operation: "Apply" }),
    entry("a", "b", {}),
    entry("a", "c", { subresource: "status" }),
    entry("a", "d", { operation: "Apply" }),
  ];
  const data = { a: "1", b: "1", c: "1", d: "1" };
  await h.call("POST", maps, { ...cm(data), metadata: { name: "a", managedFields } });
  await h.call(
    "PATCH",
    `${maps}/a`,
    { metadata: { managedFields } },
    { "content-type": "application/merge-patch+json" },
  );
  const refused = await apply(h, `${maps}/a`, "new", cm({ a: "2", b: "2", c: "2", d: "2" }));
  assert.equal(
    failure(refused, 409).message,
    'Apply failed with 4 conflicts: conflicts with "a":\n- .data.d\nconflicts with "a" with subresource "status" using v1:\n- .data.c\nconflicts with "a" using v1:\n- .data.b\nconflicts with "b":\n- .data.a',
  );
  await h.close();
});

test("keys that appear twice are told of when the configuration can be applied", async () => {
  const h = await startHarness();
  const twice = (value: string) =>
    `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  k: x\n  k: ${value}\n`;
  const send = (manager: string, value: string, query = "") =>
    h.call("PATCH", `${maps}/a?fieldManager=${manager}${query}`, twice(value), {
      "content-type": "application/apply-patch+yaml",
    });
  assert.equal((await send("one", "v")).headers?.warning, '299 - "line 7: key \\"k\\" already set in map"');
  const conflict = await send("two", "w", "&fieldValidation=Strict");
  assert.deepEqual([conflict.status, conflict.headers?.warning], [409, undefined]);
  assert.match(
    failure(await send("one", "w", "&fieldValidation=Strict"), 400).message ?? "",
    /already set in map$/,
  );
  await h.close();
});
