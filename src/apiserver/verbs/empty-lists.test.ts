/** Empty lists and maps in a request count as changes for some kinds, and only in that request: stored objects have none. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Harness, startHarness } from "../testing/harness.ts";

let h: Harness;
before(async () => {
  h = await startHarness();
});
after(() => h.close());

const policies = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies";
const hooks = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
const merge = { "content-type": "application/merge-patch+json" };

test("a policy's generation", async () => {
  const policy = (spec: object): object => ({
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name: "a" },
    spec: { podSelector: {}, policyTypes: ["Ingress"], ...spec },
  });
  const one = `${policies}/a`;
  const generation = async (method: string, path: string, body: unknown, headers = {}): Promise<number> =>
    (await h.call(method, path, body, headers)).body.metadata.generation;
  const put = (spec: object): Promise<number> => generation("PUT", one, policy(spec));
  assert.equal(await generation("POST", policies, policy({ ingress: [] })), 1);
  assert.equal(await put({}), 1);
  assert.equal(await put({ ingress: [] }), 2);
  assert.equal(await put({ podSelector: { matchLabels: {} } }), 3);
  assert.equal(await generation("PATCH", one, { metadata: { labels: { a: "b" } } }, merge), 3);
  assert.equal(await generation("PATCH", one, { spec: { egress: [] } }, merge), 4);
  const apply = { "content-type": "application/apply-patch+yaml" };
  for (const expected of [5, 6])
    assert.equal(
      await generation("PATCH", `${one}?fieldManager=a`, policy({ ingress: [] }), apply),
      expected,
    );
});

test("a webhook configuration's generation", async () => {
  const configuration = { metadata: { name: "a" }, webhooks: [] };
  assert.equal((await h.call("POST", hooks, configuration)).body.metadata.generation, 1);
  for (const [body, expected] of [
    [{ webhooks: [] }, 2],
    [{ metadata: { labels: { a: "b" } } }, 2],
  ] as const)
    assert.equal((await h.call("PATCH", `${hooks}/a`, body, merge)).body.metadata.generation, expected);
});

test("an immutable map's emptied data is a change in the request that empties it, and in none after it", async () => {
  const maps = "/api/v1/namespaces/default/configmaps";
  const strategic = { "content-type": "application/strategic-merge-patch+json" };
  const apply = { "content-type": "application/apply-patch+yaml" };
  const map = (name: string, more: object): object => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name },
    data: { a: "1" },
    ...more,
  });
  const fixed = { immutable: true, binaryData: {} };
  const plain = (name: string): Promise<unknown> => h.call("POST", maps, map(name, {}));
  const made: Record<string, () => Promise<unknown>> = {
    post: () => h.call("POST", maps, map("post", fixed)),
    put: async () => {
      await plain("put");
      return h.call("PUT", `${maps}/put`, map("put", fixed));
    },
    json: async () => {
      await plain("json");
      const patch = Object.entries(fixed).map(([name, value]) => ({ op: "add", path: `/${name}`, value }));
      return h.call("PATCH", `${maps}/json`, patch, { "content-type": "application/json-patch+json" });
    },
    merge: async () => {
      await plain("merge");
      return h.call("PATCH", `${maps}/merge`, fixed, merge);
    },
    strategic: async () => {
      await plain("strategic");
      return h.call("PATCH", `${maps}/strategic`, fixed, strategic);
    },
    "apply-new": () => h.call("PATCH", `${maps}/apply-new?fieldManager=a`, map("apply-new", fixed), apply),
    apply: async () => {
      const body = (more: object): object => map("apply", more);
      await h.call("PATCH", `${maps}/apply?fieldManager=a`, body({}), apply);
      return h.call("PATCH", `${maps}/apply?fieldManager=a`, body(fixed), apply);
    },
  };
  for (const [name, make] of Object.entries(made)) {
    assert.ok([200, 201].includes(((await make()) as { status: number }).status), name);
    for (const headers of [strategic, merge]) {
      const { body } = await h.call("PATCH", `${maps}/${name}`, { data: { a: "2" } }, headers);
      assert.deepEqual(
        body.details?.causes.map(({ field }: { field: string }) => field),
        ["data"],
        name,
      );
    }
  }
  // Also one that is given again.
  const { body } = await h.call("PATCH", `${maps}/post`, { binaryData: {} }, merge);
  assert.equal(body.details?.causes[0].field, "binaryData");
});

test("an immutable map's data may be given as an empty map, other data may not", async () => {
  const status = async (method: string, path: string, body: unknown, headers = {}): Promise<number> =>
    (await h.call(method, `/api/v1/namespaces/default/${path}`, body, headers)).status;
  const map = (name: string, more: object): object => ({ metadata: { name }, immutable: true, ...more });
  assert.equal(await status("POST", "configmaps", map("with", { data: {} })), 201);
  assert.equal(await status("PUT", "configmaps/with", map("with", { data: {} })), 200);
  assert.equal(await status("POST", "configmaps", map("without", {})), 201);
  assert.equal(await status("PATCH", "configmaps/without", { data: {} }, merge), 200);
  assert.equal(await status("PATCH", "configmaps/without", { data: { a: "1" } }, merge), 422);
  assert.equal(await status("POST", "secrets", map("without", {})), 201);
  assert.equal(await status("PATCH", "secrets/without", { data: {} }, merge), 422);
});
