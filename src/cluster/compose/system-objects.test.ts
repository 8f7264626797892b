import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient } from "../../client/index.ts";
import { FakeClock, openTestApi } from "../../testing/index.ts";
import { ensureSystemObjects } from "./system-objects.ts";

test("what is missing is made, but of kinds that are not served", async (t) => {
  const runtimeConfig = new Map([["storage.k8s.io/v1", "false"]]);
  const api = await openTestApi(new FakeClock(), { runtimeConfig });
  t.after(() => api.close());
  const { signal } = new AbortController();
  const map = { path: "/api/v1/namespaces/default/configmaps", object: { metadata: { name: "a" } } };
  const storage = {
    path: "/apis/storage.k8s.io/v1/storageclasses",
    object: { metadata: { name: "s" }, provisioner: "p" },
  };
  await ensureSystemObjects(api.transport, [storage, map], signal);
  const { configMaps } = createClient(api.transport);
  const made = (await configMaps.get("default", "a")).metadata?.uid;
  assert.ok(made);
  await ensureSystemObjects(api.transport, [storage, map], signal);
  assert.equal((await configMaps.get("default", "a")).metadata?.uid, made);
  const bad = { ...map, object: { metadata: { name: "No Name" } } };
  await assert.rejects(ensureSystemObjects(api.transport, [bad], signal), /No Name/);
});
