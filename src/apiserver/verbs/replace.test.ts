import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Harness, startHarness } from "../testing/harness.ts";

let h: Harness;
before(async () => {
  h = await startHarness();
});
after(() => h.close());

test("who replaces without a version replaces what others have just written, and hears of a mistake once", async () => {
  const path = "/api/v1/namespaces/default/pods/often";
  const spec = { containers: [{ name: "c", image: "i" }] };
  await h.call("POST", "/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
  const first = await h.call("POST", "/api/v1/namespaces/default/pods", {
    metadata: { name: "often" },
    spec,
  });
  assert.equal(first.status, 201, first.text);
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, i) =>
      h.call("PUT", path, {
        metadata: { name: "often", labels: { by: `n${i}` } },
        spec: { ...first.body.spec, colour: "red" },
      }),
    ),
  );
  const versions = new Set<string>();
  for (const [i, { status, body, headers, text }] of answers.entries()) {
    assert.equal(status, 200, text);
    assert.equal(headers.warning, '299 - "unknown field \\"spec.colour\\""');
    assert.deepEqual(body.metadata.labels, { by: `n${i}` });
    assert.deepEqual(body.spec, first.body.spec);
    versions.add(body.metadata.resourceVersion);
  }
  assert.equal(versions.size, answers.length);
});
