/** IPAddresses and Services are reconciled, whatever their state. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { CoreV1Event, IPAddress, Service } from "../../api/index.ts";
import { openMemoryStore } from "../../store/index.ts";
import { FakeClock, settle } from "../../testing/index.ts";
import { parseCidr } from "../network/cidr.ts";
import { addressObject } from "../network/ip-address.ts";
import { failure, startHarness } from "../testing/harness.ts";
import { findRepairs } from "./address-repair.ts";
import { eventOf } from "./repair-events.ts";

const network = { serviceCidr: "10.96.0.0/24" };
const addresses = "/apis/networking.k8s.io/v1/ipaddresses";
const services = "/api/v1/namespaces/default/services";
const now = Date.parse("2026-01-01T01:00:00Z");
const at = (seconds: number): string => new Date(now + seconds * 1000).toISOString();

const service = (name: string, ip: string, more: Service["spec"] = {}): Service => ({
  metadata: { name, namespace: "default", creationTimestamp: at(-300) },
  spec: { ...(ip ? { clusterIPs: [ip] } : {}), ...more },
});

function address(ip: string, of: Service, age = 300): IPAddress {
  const { metadata, ...object } = addressObject(ip, of);
  return { ...object, metadata: { ...metadata, creationTimestamp: at(-age) } };
}

const all = (some: Service[], objects: IPAddress[]) =>
  findRepairs({ services: some, addresses: objects, ranges: [parseCidr("10.96.0.0/24")], now });

const find = (some: Service[], objects: IPAddress[]) =>
  all(some, objects).map((each) =>
    each.kind === "delete"
      ? `delete ${each.object.metadata?.name}`
      : `${each.kind} ${each.address} of ${each.service.metadata?.name}${each.kind === "make" && each.instead ? " anew" : ""}`,
  );

test("what belongs together is left alone", () => {
  const a = service("a", "10.96.0.9");
  assert.deepEqual(find([a, service("none", "None"), service("out", "")], [address("10.96.0.9", a)]), []);
});

test("a Service gets what it lacks, within the ranges", () => {
  const [a, other] = [service("a", "10.96.0.9"), service("b", "")];
  assert.deepEqual(find([a], []), ["make 10.96.0.9 of a"]);
  assert.deepEqual(find([service("far", "10.1.0.1"), service("last", "10.96.0.255")], []), [
    "outside 10.1.0.1 of far",
    "outside 10.96.0.255 of last",
  ]);
  const unlabelled = { ...address("10.96.0.9", a), metadata: { name: "10.96.0.9" } };
  assert.deepEqual(find([a], [unlabelled]), ["make 10.96.0.9 of a anew"]);
  const gateway = {
    ...address("10.96.0.9", a),
    spec: { parentRef: { group: "x", resource: "gs", name: "g" } },
  };
  assert.deepEqual(find([a], [gateway]), ["make 10.96.0.9 of a anew"]);
  assert.deepEqual(find([a], [address("10.96.0.9", service("gone", ""))]), ["make 10.96.0.9 of a anew"]);
  // Of a Service without this address: deleted first.
  assert.deepEqual(find([a, other], [address("10.96.0.9", other)]), ["delete 10.96.0.9"]);
});

test("an address of two Services is told of", () => {
  const [a, b] = [service("a", "10.96.0.9"), service("b", "10.96.0.9")];
  assert.deepEqual(find([a, b], [address("10.96.0.9", a)]), ["tell 10.96.0.9 of b"]);
});

test("what no Service has goes, but not while a write may be under way", () => {
  const gone = service("gone", "");
  assert.deepEqual(find([], [address("10.96.0.9", gone, 61)]), ["delete 10.96.0.9"]);
  assert.deepEqual(find([], [address("10.96.0.9", gone, 60)]), []);
  const outside = service("out", "", { type: "ExternalName" });
  assert.deepEqual(find([outside], [address("10.96.0.9", outside, 59)]), []);
  assert.deepEqual(find([outside], [address("10.96.0.9", outside, 60)]), ["delete 10.96.0.9"]);
  const a = service("a", "10.96.0.8");
  const [kept, second] = [address("10.96.0.8", a), address("10.96.0.9", a, 4)];
  assert.deepEqual(find([a], [kept, second]), []);
  assert.deepEqual(find([a], [kept, address("10.96.0.9", a, 5)]), ["delete 10.96.0.9"]);
  const foreign: IPAddress = {
    metadata: { name: "10.96.0.9", creationTimestamp: at(-300) },
    spec: { parentRef: { resource: "services", namespace: "default", name: "gone" } },
  };
  assert.deepEqual(find([], [foreign]), []);
  const changed = { ...address("10.96.0.9", gone, 1), spec: { parentRef: { resource: "pods", name: "p" } } };
  assert.deepEqual(find([], [changed]), ["delete 10.96.0.9"]);
});

test("events say what was found, in Kubernetes' words", () => {
  const [a, gone] = [service("a", "10.96.0.9"), service("gone", "")];
  const told = (some: Service[], objects: IPAddress[]) =>
    all(some, objects)
      .map(eventOf)
      .map((each) => each && [each.about.kind, each.action, each.reason, each.note]);
  const ofService = ["Service", "ClusterIPAllocation", "ClusterIPNotAllocated"];
  assert.deepEqual(told([a], []), [
    [...ofService, "Cluster IP [IPv4]: 10.96.0.9 is not allocated; repairing"],
  ]);
  assert.deepEqual(told([a], [address("10.96.0.9", gone)]), [
    [...ofService, "the ClusterIP [IPv4]: 10.96.0.9 for Service default/a has a wrong reference; repairing"],
  ]);
  const [action, address9] = ["ClusterIPAllocation", address("10.96.0.9", a)];
  assert.deepEqual(told([a, service("b", "10.96.0.9"), service("far", "10.1.0.1")], [address9]), [
    [
      "Service",
      action,
      "ClusterIPAlreadyAllocated",
      "Cluster IP [IPv4]:10.96.0.9 was assigned to multiple services; please recreate service",
    ],
    [
      "Service",
      action,
      "ClusterIPOutOfRange",
      "Cluster IP [IPv4]: 10.1.0.1 is not within any configured Service CIDR; please recreate service",
    ],
  ]);
  const ofAddress = ["IPAddress", "IPAddressAllocation"];
  const changed = { ...address("10.96.0.7", gone), spec: { parentRef: { resource: "pods", name: "p" } } };
  const objects = [address("10.96.0.9", a), address("10.96.0.8", a), address("10.96.0.6", gone), changed];
  assert.deepEqual(told([a], objects), [
    [
      ...ofAddress,
      "IPAddressWrongReference",
      "IPAddress: 10.96.0.8 for Service default/a has a wrong reference; cleaning up",
    ],
    [
      ...ofAddress,
      "IPAddressNotAllocated",
      "IPAddress: 10.96.0.6 for Service default/gone appears to have leaked: cleaning up",
    ],
    [
      ...ofAddress,
      "IPAddressNotAllocated",
      "IPAddress 10.96.0.7 appears to have been modified, not referencing a Service &ParentReference{Group:,Resource:pods,Namespace:,Name:p,}: cleaning up",
    ],
  ]);
});

async function start(t: TestContext) {
  const h = await startHarness({ network });
  const post = async (name: string, ip: string) =>
    await h.call("POST", services, { metadata: { name }, spec: { clusterIP: ip, ports: [{ port: 80 }] } });
  const minute = async () => {
    h.clock.advance(60_000);
    await settle();
  };
  t.after(() => h.close());
  return { h, post, minute };
}

test("every minute what is missing is made, and what is left over goes", async (t) => {
  const { h, post, minute } = await start(t);
  assert.equal((await post("a", "10.96.0.9")).status, 201);
  await h.call("DELETE", `${addresses}/10.96.0.9`);
  await minute();
  const { body } = await h.call("GET", `${addresses}/10.96.0.9`);
  assert.deepEqual(body.spec.parentRef, { resource: "services", namespace: "default", name: "a" });

  // As a crash between the two deletions leaves it.
  const gone = service("gone", "");
  await h.call("POST", addresses, addressObject("10.96.0.7", gone));
  failure(await post("b", "10.96.0.7"), 422);
  await minute();
  assert.equal((await h.call("GET", `${addresses}/10.96.0.7`)).status, 200);
  await minute();
  failure(await h.call("GET", `${addresses}/10.96.0.7`), 404);
  const { items } = (await h.call("GET", "/apis/events.k8s.io/v1/events")).body;
  assert.deepEqual(
    items.map((each: CoreV1Event & { regarding?: { name?: string } }) => [
      each.metadata?.namespace,
      each.reason,
      each.regarding?.name,
    ]),
    [
      ["default", "IPAddressNotAllocated", "10.96.0.7"],
      ["default", "ClusterIPNotAllocated", "a"],
    ],
  );
  assert.equal((await post("b", "10.96.0.7")).status, 201);
  await minute();
  await minute();
  assert.equal((await h.call("GET", `${addresses}/10.96.0.7`)).status, 200);
});

test("what an administrator has to repair is told once", async (t) => {
  const clock = new FakeClock();
  const store = await openMemoryStore({ clock });
  const first = await startHarness({ clock, store, network: { serviceCidr: "10.97.0.0/24" } });
  const body = { metadata: { name: "far" }, spec: { clusterIP: "10.97.0.9", ports: [{ port: 80 }] } };
  assert.equal((await first.call("POST", services, body)).status, 201);
  await first.server.close();
  const all = [...(await store.range({ from: "/registry/", to: "/registry0" })).items];
  for (const { key } of all.filter(({ key }) =>
    /\/(servicecidrs|ipaddresses|services)\/(?!default\/far)/.test(key),
  ))
    await store.txn({ when: [], then: [{ type: "delete", key }] });
  const next = await startHarness({ clock, store, network });
  t.after(() => next.close());
  for (let minutes = 0; minutes < 3; minutes++) {
    clock.advance(60_000);
    await settle();
  }
  const { items } = (await next.call("GET", "/apis/events.k8s.io/v1/events")).body;
  assert.deepEqual(
    items.map((each: CoreV1Event & { regarding?: { name?: string } }) => [each.reason, each.regarding?.name]),
    [["ClusterIPOutOfRange", "far"]],
  );
});

test("what was left over is gone after a start", async (t) => {
  const clock = new FakeClock();
  const store = await openMemoryStore({ clock });
  const first = await startHarness({ clock, store, network });
  await first.call("POST", addresses, addressObject("10.96.0.7", service("gone", "")));
  await first.server.close();
  clock.advance(61_000);
  const next = await startHarness({ clock, store, network });
  t.after(() => next.close());
  failure(await next.call("GET", `${addresses}/10.96.0.7`), 404);
});
