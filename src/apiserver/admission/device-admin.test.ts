import assert from "node:assert/strict";
import { test } from "node:test";
import { failure, startHarness } from "../testing/harness.ts";

test("devices are administered only in namespaces that are labelled for it", async (t) => {
  const h = await startHarness();
  t.after(() => h.close());
  const spec = {
    devices: { requests: [{ name: "r", exactly: { deviceClassName: "gpu", adminAccess: true } }] },
  };
  const at = "/apis/resource.k8s.io/v1/namespaces/default";
  const ask = (plural: string, body: object) =>
    h.call("POST", `${at}/${plural}`, { metadata: { name: "x" }, ...body });
  for (const [plural, body] of [
    ["resourceclaims", { spec }],
    ["resourceclaimtemplates", { spec: { spec } }],
  ] as const) {
    const [cause] = failure(await ask(plural, body), 422).details?.causes ?? [];
    assert.equal(cause?.field, "spec.devices.requests[0].adminAccess");
    assert.match(cause?.message ?? "", /requires the `resource.kubernetes.io\/admin-access: true` label/);
  }
  const labels = { "resource.kubernetes.io/admin-access": "true" };
  await h.call(
    "PATCH",
    "/api/v1/namespaces/default",
    { metadata: { labels } },
    { "content-type": "application/merge-patch+json" },
  );
  assert.equal((await ask("resourceclaims", { spec })).status, 201);
});
