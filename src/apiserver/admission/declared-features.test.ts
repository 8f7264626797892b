import assert from "node:assert/strict";
import { test } from "node:test";
import { failure, startHarness } from "../testing/harness.ts";

const pods = "/api/v1/namespaces/default/pods";
const merge = { "content-type": "application/strategic-merge-patch+json" };
const resources = { requests: { cpu: "1" }, limits: { cpu: "2" } };
const container = (name: string, more: object = {}) => ({ name, image: "i", resources, ...more });

test("a running pod is changed only into what its node says that it can do", async (t) => {
  const h = await startHarness({ plugins: { disable: ["ServiceAccount"] } });
  t.after(() => h.close());
  await h.call("POST", "/api/v1/nodes", { metadata: { name: "n" } });
  const declare = (declaredFeatures: string[]) =>
    h.call(
      "PATCH",
      "/api/v1/nodes/n/status",
      { status: { allocatable: { cpu: "8" }, declaredFeatures } },
      merge,
    );
  await declare([]);
  const spec = {
    nodeName: "n",
    containers: [container("c")],
    initContainers: [container("init"), container("side", { restartPolicy: "Always" })],
    resources: { requests: { cpu: "3" }, limits: { cpu: "4" } },
  };
  const made = await h.call("POST", pods, { metadata: { name: "p" }, spec });
  assert.equal(made.status, 201, made.text);
  const less = { requests: { cpu: "500m" } };
  const resize = (change: object) => h.call("PATCH", `${pods}/p/resize?dryRun=All`, { spec: change }, merge);
  assert.equal((await resize({ containers: [{ name: "c", resources: less }] })).status, 200);
  assert.equal((await resize({ initContainers: [{ name: "side", resources: less }] })).status, 200);
  const init = { initContainers: [{ name: "init", resources: less }] };
  const whole = { resources: { requests: { cpu: "3500m" } } };
  assert.equal(
    failure(await resize({ ...init, ...whole }), 403).message,
    'pods "p" is forbidden: pod update requires features InPlacePodLevelResourcesVerticalScaling, InPlacePodVerticalScalingInitContainers which are not available on node "n"',
  );
  await declare(["InPlacePodVerticalScalingInitContainers"]);
  assert.equal((await resize(init)).status, 200);
  failure(await resize(whole), 403);
  await declare(["InPlacePodLevelResourcesVerticalScaling"]);
  assert.equal((await resize(whole)).status, 200);
});
