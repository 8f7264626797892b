/** DeleteOptions: their sources, errors and answers. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { configMap, failure, type Harness, startHarness } from "../testing/harness.ts";

let h: Harness;
const maps = "/api/v1/namespaces/default/configmaps";
before(async () => {
  h = await startHarness();
  await h.call("POST", maps, configMap("a"));
});
after(() => h.close());

const refusal = async (query: string, body: unknown, code: number, type?: string): Promise<string> =>
  failure(
    await h.call("DELETE", `${maps}/a${query}`, body, type ? { "content-type": type } : undefined),
    code,
  ).message as string;

test("the query counts, and what is empty in it, too", async () => {
  assert.match(await refusal("?gracePeriodSeconds=", undefined, 400), /ParseInt: parsing ""/);
  assert.match(await refusal("?gracePeriodSeconds=x", undefined, 400), /ParseInt: parsing "x"/);
  assert.match(await refusal("?propagationPolicy=", undefined, 422), /Unsupported value: "": supported/);
  assert.match(await refusal("?dryRun=", undefined, 422), /dryRun: Unsupported value: \[""\]/);
  assert.match(
    await refusal("?uid=x", undefined, 409),
    /^Operation cannot be fulfilled on ConfigMap "a": the UID/,
  );
  assert.match(
    await refusal("?resourceVersion=x", undefined, 409),
    /the ResourceVersion in the precondition \(x\)/,
  );
});

test("with a body the query does not count", async () => {
  const { body } = await h.call("DELETE", `${maps}/a?dryRun=x&propagationPolicy=x&uid=x`, {
    dryRun: ["All"],
  });
  assert.equal(body.status, "Success");
  assert.equal((await h.call("GET", `${maps}/a`)).status, 200);
});

test("mistakes in bodies are told in Go's words", async () => {
  const rows: readonly (readonly [unknown, RegExp])[] = [
    [
      { orphanDependents: "x" },
      /^json: cannot unmarshal string into Go struct field DeleteOptions.orphanDependents of type bool$/,
    ],
    [
      { preconditions: { uid: 5 } },
      /^json: cannot unmarshal number into Go struct field Preconditions.preconditions.uid of type types.UID$/,
    ],
    [{ kind: "Pod" }, /^no kind "Pod" is registered for version "meta.k8s.io\/v1" in scheme/],
    [{ kind: "Pod", apiVersion: "v1" }, /^no kind "Pod" is registered for version "v1" in scheme/],
    [{ kind: "ListOptions" }, /^converting \(v1.ListOptions\) to \(v1.DeleteOptions\): unknown conversion$/],
    [{ kind: "Status", apiVersion: "apps/v1" }, /^converting \(v1.Status\)/],
    [{ apiVersion: "a/b/c" }, /^unexpected GroupVersion string: a\/b\/c$/],
    ["5", /^couldn't get version\/kind; json parse error: json: cannot unmarshal number into Go value/],
    ["{}{}", /^couldn't get version\/kind; json parse error: invalid character '\{' after top-level value$/],
  ];
  for (const [body, expected] of rows) assert.match(await refusal("", body, 400), expected);
  for (const kind of ["", "DeleteOptions"])
    assert.equal(
      (await h.call("DELETE", `${maps}/a?`, { kind, apiVersion: "x/v1", dryRun: ["All"] })).status,
      200,
    );
});

test("both ways to say what becomes of dependents: that is told before the value", async () => {
  const both = failure(
    await h.call("DELETE", `${maps}/a`, { propagationPolicy: "x", orphanDependents: true }),
    422,
  );
  assert.deepEqual(
    both.details?.causes?.map(({ reason }) => reason),
    ["FieldValueInvalid", "FieldValueNotSupported"],
  );
});

test("202 for who asks, the older way, for dependents to go and has to wait", async () => {
  const held = { ...configMap("h"), metadata: { name: "h", finalizers: ["example.com/held"] } };
  await h.call("POST", maps, held);
  assert.equal((await h.call("DELETE", `${maps}/h?orphanDependents=true&dryRun=All`)).status, 200);
  assert.equal((await h.call("DELETE", `${maps}/h`, { orphanDependents: false })).status, 202);
  assert.equal((await h.call("DELETE", `${maps}/h`)).status, 200);
});

test("an Event waits for no garbage collector, which does not know it", async () => {
  for (const policy of ["Foreground", "Orphan"]) {
    const metadata = { name: "e", finalizers: ["orphan"] };
    const made = await h.call("POST", "/api/v1/namespaces/default/events", {
      metadata,
      involvedObject: { namespace: "default" },
    });
    assert.equal(made.status, 201, made.text);
    const core = policy === "Orphan" ? "/api/v1" : "/apis/events.k8s.io/v1";
    const gone = await h.call("DELETE", `${core}/namespaces/default/events/e?propagationPolicy=${policy}`);
    assert.equal(gone.body.status, "Success", gone.text);
  }
});

test("the first deletion of a namespace only begins it, though nothing holds it", async () => {
  const path = "/api/v1/namespaces/goes";
  await h.call("POST", "/api/v1/namespaces", { metadata: { name: "goes" } });
  await h.call("PUT", `${path}/finalize`, { metadata: { name: "goes" }, spec: { finalizers: [] } });
  const { body } = await h.call("DELETE", path);
  assert.deepEqual([body.kind, body.status.phase], ["Namespace", "Terminating"]);
  assert.notEqual(body.metadata.deletionTimestamp, undefined);
  assert.equal((await h.call("GET", path)).status, 200);
  await h.call("DELETE", path);
  assert.equal((await h.call("GET", path)).status, 404);
});

test("finalizers that are the same stay in their order", async () => {
  const finalizers = ["foregroundDeletion", "example.com/held"];
  await h.call("POST", maps, { ...configMap("f"), metadata: { name: "f", finalizers } });
  const { body } = await h.call("DELETE", `${maps}/f?propagationPolicy=Foreground`);
  assert.deepEqual(body.metadata.finalizers, finalizers);
});

test("a collection's options are looked at before where its list begins", async () => {
  const both = await h.call("DELETE", `${maps}?continue=x`, { dryRun: ["x"] });
  failure(both, 422);
  failure(await h.call("DELETE", `${maps}?continue=x&sendInitialEvents=true`, { dryRun: ["x"] }), 422);
  failure(await h.call("DELETE", `${maps}?continue=x`), 400);
});

test("others are served while a large collection is deleted, or only looked at", async () => {
  for (let i = 0; i < 400; i++) await h.call("POST", maps, configMap(`many-${i}`));
  const order: string[] = [];
  const collection = h
    .call("DELETE", `${maps}?dryRun=All`)
    .then(({ body }) => order.push(`collection of ${body.items.length >= 400}`));
  await new Promise((resolve) => setImmediate(resolve));
  order.push(`other: ${(await h.call("GET", `${maps}/many-0`)).status}`);
  await collection;
  assert.deepEqual(order, ["other: 200", "collection of true"]);
});
