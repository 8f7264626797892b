/** Kinds whose generation changes with an empty list in a request, since stored objects have none. */
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
