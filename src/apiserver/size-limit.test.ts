/** Objects that are too large for etcd. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { failure, startHarness } from "./testing/harness.ts";
import { crd, path, tab, version, withTabs } from "./testing/tabs.ts";

const templates = "/api/v1/namespaces/default/podtemplates";
const template = (name: string, text: string) => ({
  apiVersion: "v1",
  kind: "PodTemplate",
  metadata: { name },
  template: { spec: { containers: [{ name: "c", image: "x", command: [text] }] } },
});
const long = (name: string, length: number) => template(name, "y".repeat(length));

test("an object that etcd would not take is refused, in etcd's words; a dry run does not come so far", async () => {
  const h = await startHarness();
  const { code, message, reason } = failure(await h.call("POST", templates, long("a", 1_600_000)), 500);
  assert.deepEqual([code, message, reason], [500, "etcdserver: request is too large", undefined]);
  const huge = failure(await h.call("POST", templates, long("a", 2_500_000)), 500);
  assert.match(
    huge.message ?? "",
    /^rpc error: code = ResourceExhausted desc = trying to send message larger than max \(25\d+ vs\. 2097152\)$/,
  );
  assert.equal((await h.call("POST", `${templates}?dryRun=All`, long("a", 1_600_000))).status, 201);
  assert.equal((await h.call("GET", `${templates}/a`)).status, 404);
  await h.close();
});

test("what fits only without its owners is stored without them, unless somebody applies", async () => {
  const h = await startHarness();
  const length = 1_572_864 - 400;
  const made = await h.call("POST", templates, long("b", length));
  assert.deepEqual([made.status, made.body.metadata.managedFields], [201, undefined]);
  assert.equal(
    (await h.call("POST", templates, long("c", length - 1000))).body.metadata.managedFields.length,
    1,
  );
  const apply = { "content-type": "application/apply-patch+yaml" };
  const refused = await h.call("PATCH", `${templates}/d?fieldManager=me`, long("d", length), apply);
  assert.equal(failure(refused, 500).message, "etcdserver: request is too large");
  await h.close();
});

test("a custom resource is measured as JSON, an object with protobuf in that", async () => {
  const open = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
  const h = await withTabs(
    crd([version("v1", { schema: { openAPIV3Schema: open }, selectableFields: undefined })]),
  );
  const many = Array.from({ length: 500_000 }, () => 1);
  assert.equal((await h.call("POST", path, tab("a", { size: 1, many }))).status, 201);
  const more = Array.from({ length: 800_000 }, () => 1);
  failure(await h.call("POST", path, tab("b", { size: 1, more })), 500);
  // A line feed takes two bytes in JSON and one in protobuf.
  assert.equal((await h.call("POST", templates, template("e", "\n".repeat(1_000_000)))).status, 201);
  await h.close();
});
