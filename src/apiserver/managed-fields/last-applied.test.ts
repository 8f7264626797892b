/** kubectl's annotation of client-side apply in server-side apply. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Harness, startHarness } from "../testing/harness.ts";

let h: Harness;
const maps = "/api/v1/namespaces/default/configmaps";
const name = "kubectl.kubernetes.io/last-applied-configuration";
before(async () => {
  h = await startHarness();
});
after(() => h.close());

const config = (
  annotations?: Record<string, string>,
  data: Record<string, string> = { k: "<1>" },
): object => ({
  kind: "ConfigMap",
  metadata: { name: "a", ...(annotations ? { annotations } : {}) },
  data,
  apiVersion: "v1",
});

const apply = async (manager: string, body: object): Promise<Record<string, string> | undefined> => {
  const {
    status,
    body: answered,
    text,
  } = await h.call("PATCH", `${maps}/a?fieldManager=${manager}&force=true`, JSON.stringify(body), {
    "content-type": "application/apply-patch+yaml",
  });
  assert.ok(status < 300, text);
  return answered.metadata.annotations;
};

test("what kubectl applies on the server is what it applied last, once it has said so", async () => {
  assert.equal(await apply("kubectl", config()), undefined);
  const created = await apply("kubectl-client-side-apply", config({ [name]: "{}" }));
  assert.equal(created?.[name], "{}");
  assert.equal((await apply("other", config()))?.[name], "{}");
  const synced = await apply("kubectl", config());
  assert.equal(
    synced?.[name],
    '{"apiVersion":"v1","data":{"k":"\\u003c1\\u003e"},"kind":"ConfigMap","metadata":{"name":"a"}}\n',
  );
  const { body } = await h.call("GET", `${maps}/a`);
  await apply("kubectl", config());
  assert.equal(
    (await h.call("GET", `${maps}/a`)).body.metadata.resourceVersion,
    body.metadata.resourceVersion,
  );
});

test("the annotation is no part of itself, and goes where it would be too large", async () => {
  const own = await apply("kubectl", config({ [name]: "x", n: "1" }));
  assert.deepEqual(JSON.parse(own?.[name] ?? "").metadata.annotations, { n: "1" });
  const large = await apply("kubectl", config(undefined, { k: "x".repeat(256 * 1024) }));
  assert.equal(large?.[name], undefined);
});
