import assert from "node:assert/strict";
import { test } from "node:test";
import { settle } from "../../testing/index.ts";
import { serve } from "../testing/webhooks.ts";
import { identityName, isExpired } from "./identity.ts";

const leases = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";
const tracking =
  "/api/v1/namespaces/kube-system/configmaps/kube-apiserver-legacy-service-account-token-tracking";
const identity = { hostname: "vm", peerAddress: "192.0.2.2:26443" };
const mine = `${leases}/${identityName("vm")}`;

test("a server's name follows from its machine's", () => {
  assert.equal(identityName("vm"), "apiserver-wlv32tlttr4jl3gtroqexyxapa");
  assert.notEqual(identityName("vm"), identityName("vn"));
});

test("a server that runs has a Lease, and renews it every ten seconds as the same holder", async (t) => {
  const h = await serve(t, { identity });
  const { body } = await h.call("GET", mine);
  assert.deepEqual(body.metadata.labels, {
    "apiserver.kubernetes.io/identity": "kube-apiserver",
    "kubernetes.io/hostname": "vm",
  });
  assert.deepEqual(body.metadata.annotations, { "kubernetes.io/peer-advertise-address": "192.0.2.2:26443" });
  assert.deepEqual(
    body.metadata.managedFields.map(({ manager }: { manager: string }) => manager),
    ["kube-apiserver"],
  );
  const { holderIdentity, leaseDurationSeconds, renewTime } = body.spec;
  assert.match(holderIdentity, /^apiserver-wlv32tlttr4jl3gtroqexyxapa_[0-9a-f-]{36}$/);
  assert.equal(leaseDurationSeconds, 3600);
  h.clock.advance(10_000);
  await settle();
  const renewed = (await h.call("GET", mine)).body.spec;
  assert.equal(Date.parse(renewed.renewTime) - Date.parse(renewTime), 10_000);
  assert.equal(renewed.holderIdentity, holderIdentity);
  const { text } = await h.call("GET", "/readyz?verbose");
  assert.match(text, /\[\+\]poststarthook\/start-kube-apiserver-identity-lease-controller ok/);
});

test("Leases of servers that are gone are deleted, within an hour; others' stay", async (t) => {
  const h = await serve(t, { identity });
  const make = (name: string, labels: object, renewTime?: string) =>
    h.call("POST", leases, {
      metadata: { name, labels },
      spec: { holderIdentity: "x", leaseDurationSeconds: 3600, renewTime },
    });
  const server = { "apiserver.kubernetes.io/identity": "kube-apiserver" };
  await make("gone", server, "2025-12-31T00:00:00.000000Z");
  await make("silent", server);
  await make("foreign", {}, "2025-12-31T00:00:00.000000Z");
  h.clock.advance(3600_000);
  await settle();
  const { items } = (await h.call("GET", leases)).body;
  assert.deepEqual(
    items.map(({ metadata }: { metadata: { name: string } }) => metadata.name),
    [identityName("vm"), "foreign"],
  );
  const at = Date.parse("2026-01-01T01:00:00Z");
  const spec = { renewTime: "2026-01-01T00:00:00Z", leaseDurationSeconds: 3600 };
  assert.deepEqual(
    [isExpired({ spec } as never, at), isExpired({ spec } as never, at + 1), isExpired({}, at)],
    [false, true, true],
  );
});

test("a ConfigMap says since when tokens are noted: nonsense is mended, and who deletes it has half an hour", async (t) => {
  const h = await serve(t, { identity });
  const since = async (): Promise<string | undefined> => (await h.call("GET", tracking)).body.data?.since;
  assert.equal(await since(), "2026-01-01");
  const merge = { "content-type": "application/merge-patch+json" };
  await h.call("PATCH", tracking, { data: { since: "yesterday" } }, merge);
  h.clock.advance(60_000);
  await settle();
  assert.equal(await since(), "2026-01-01");
  await h.call("DELETE", tracking);
  h.clock.advance(60_000);
  await settle();
  assert.equal(await since(), undefined);
  for (let minute = 0; minute < 30; minute++) {
    h.clock.advance(60_000);
    await settle();
  }
  assert.equal(await since(), "2026-01-01");
});

test("a server without an identity leaves nothing", async (t) => {
  const h = await serve(t);
  assert.deepEqual((await h.call("GET", leases)).body.items, []);
  assert.equal((await h.call("GET", tracking)).status, 404);
});
