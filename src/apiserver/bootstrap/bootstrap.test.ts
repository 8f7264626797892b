/** Objects that every cluster has are restored after their deletion. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { settle } from "../../testing/index.ts";
import { failure, startHarness } from "../testing/harness.ts";

const advertise = { address: "192.0.2.1", port: 6443 };
const network = { serviceCidr: "10.96.0.0/24", advertise };
const inDefault = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes";
const standing = [
  "/api/v1/namespaces/default/services/kubernetes",
  "/api/v1/namespaces/default/endpoints/kubernetes",
  inDefault,
  "/apis/networking.k8s.io/v1/servicecidrs/kubernetes",
];

test("what stands for the server in the network is made again within ten seconds, and corrected", async (t) => {
  const h = await startHarness({ network });
  t.after(() => h.close());
  for (const path of standing) {
    await h.call("DELETE", path);
    failure(await h.call("GET", path), 404);
  }
  h.clock.advance(10_000);
  await settle();
  for (const path of standing) assert.equal((await h.call("GET", path)).status, 200, path);
  const { body } = await h.call("GET", inDefault);
  await h.call("PUT", inDefault, { ...body, endpoints: [{ addresses: ["192.0.2.99"] }] });
  h.clock.advance(10_000);
  await settle();
  assert.deepEqual((await h.call("GET", inDefault)).body.endpoints[0].addresses, ["192.0.2.1"]);
});

test("a system namespace that may be deleted is made again within a minute", async (t) => {
  const h = await startHarness({ network });
  t.after(() => h.close());
  const path = "/api/v1/namespaces/kube-node-lease";
  await h.call("DELETE", path);
  const { body } = await h.call("GET", path);
  await h.call("PUT", `${path}/finalize`, { ...body, spec: { finalizers: [] } });
  failure(await h.call("GET", path), 404);
  h.clock.advance(60_000);
  await settle();
  assert.equal((await h.call("GET", path)).body.status.phase, "Active");
});

test("a port that somebody adds to the Service of the server stays", async (t) => {
  const h = await startHarness({ network });
  t.after(() => h.close());
  const path = "/api/v1/namespaces/default/services/kubernetes";
  const { body } = await h.call("GET", path);
  const ports = [...body.spec.ports, { name: "more", port: 8443, protocol: "TCP", targetPort: 6443 }];
  await h.call("PUT", path, { ...body, spec: { ...body.spec, ports } });
  h.clock.advance(10_000);
  await settle();
  assert.deepEqual((await h.call("GET", path)).body.spec.ports, ports);
});
