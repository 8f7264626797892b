import assert from "node:assert/strict";
import { test } from "node:test";
import type { IPAddress, ServiceCIDR } from "../../api/index.ts";
import { startBench } from "../testing/bench.ts";
import { runServiceCidrs } from "./index.ts";
import { deletionGraceMs, finalizer, nextStep } from "./reconcile.ts";

const range = (name: string, cidrs: string[], more: Partial<ServiceCIDR> = {}): ServiceCIDR => ({
  metadata: { name, finalizers: [finalizer], ...more.metadata },
  spec: { cidrs },
  status: { conditions: [{ type: "Ready", status: "True" } as never] },
});
const address = (name: string): IPAddress => ({
  metadata: { name, labels: { "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io" } },
  spec: { parentRef: { resource: "services", namespace: "default", name: "s" } },
});
const deleted = { deletionTimestamp: "2026-01-01T00:00:00Z" as never };
const later = Date.parse("2026-01-01T00:00:00Z") + deletionGraceMs;

test("a new range is held and then said to be ready", async () => {
  const bench = await startBench(runServiceCidrs);
  const ranges = bench.client.resource<ServiceCIDR>("networking.k8s.io", "v1", "servicecidrs", false);
  await ranges.create(undefined, { metadata: { name: "r" }, spec: { cidrs: ["10.50.0.0/24"] } });
  await bench.settle();
  const seen = await ranges.get(undefined, "r");
  assert.deepEqual(seen.metadata?.finalizers, [finalizer]);
  assert.equal(seen.status?.conditions?.[0]?.message, "Kubernetes Service CIDR is ready");
  const appliers = seen.metadata?.managedFields?.filter(({ operation }) => operation === "Apply");
  assert.deepEqual(
    appliers?.map(({ manager, subresource }) => [manager, subresource]),
    [["service-cidr-controller", "status"]],
  );
  await bench.stop();
});

test("a deleted range stays while addresses lie in it alone", () => {
  const given = range("r", ["10.50.0.0/24"], { metadata: deleted });
  assert.equal(nextStep(given, [given], [address("10.50.0.7")], later).kind, "terminating");
  const other = range("o", ["10.50.0.0/16"]);
  assert.equal(nextStep(given, [given, other], [address("10.50.0.7")], later).kind, "release");
  assert.equal(nextStep(given, [given], [address("10.51.0.7")], later).kind, "release");
});

test("it is let go some time after its deletion", () => {
  const given = range("r", ["2001:db8::/64"], { metadata: deleted });
  assert.deepEqual(nextStep(given, [given], [], later - 1000), { kind: "wait", ms: 1000 });
  assert.equal(nextStep(given, [given], [], later).kind, "release");
  assert.equal(nextStep(given, [given], [address("2001:db8::7")], later).kind, "terminating");
});
