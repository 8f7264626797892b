import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { failure, type Harness, startHarness } from "./testing/harness.ts";

let h: Harness;
before(async () => {
  h = await startHarness();
});
after(() => h.close());

const maps = "/api/v1/namespaces/default/configmaps";

test("a subresource that is not there is told before methods and names", async () => {
  for (const method of ["GET", "PUT", "OPTIONS", "TRACE"]) failure(await h.call(method, `${maps}/a/x`), 404);
  failure(await h.call("GET", `${maps}/../secrets`), 404);
  failure(await h.call("GET", `${maps}/..`), 400);
  failure(await h.call("OPTIONS", `${maps}/a`), 405);
  assert.equal((await h.call("HEAD", `${maps}/a/x`)).status, 404);
});

test("what can neither be listed nor watched says the same to both", async () => {
  for (const query of ["", "?watch=true"]) {
    const { message } = failure(await h.call("GET", `/api/v1/namespaces/default/bindings${query}`), 405);
    assert.equal(message, "the server does not allow this method on the requested resource");
  }
});

test("a dry run that is not named is none", async () => {
  const { message } = failure(await h.call("POST", `${maps}?dryRun=`, { metadata: { name: "a" } }), 422);
  assert.equal(
    message,
    'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: [""]: supported values: "All"',
  );
});
