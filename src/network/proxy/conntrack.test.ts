import assert from "node:assert/strict";
import { test } from "node:test";
import { staleFlows } from "./conntrack.ts";
import type { ServicePort, Target } from "./service-model.ts";

function port(endpoints: string[], change: Partial<ServicePort> = {}): ServicePort {
  const targets: Target[] = endpoints.map((address) => ({ address, port: 5353, local: true }));
  return {
    service: "default/dns",
    portName: "",
    protocol: "udp",
    family: 4,
    clusterIps: ["10.96.0.10"],
    port: 53,
    nodePort: 0,
    loadBalancerIps: [],
    externalIps: [],
    sourceRanges: [],
    affinitySeconds: 0,
    internalLocal: false,
    externalLocal: false,
    endpoints: targets,
    localEndpoints: targets,
    ...change,
  };
}

test("an endpoint that went takes its flows along, on every address of the Service", () => {
  const before = [port(["10.244.0.5", "10.244.0.6"], { nodePort: 30053 })];
  assert.deepEqual(staleFlows(before, [port(["10.244.0.6"], { nodePort: 30053 })]), [
    { address: "10.96.0.10", port: 53, endpoint: "10.244.0.5" },
    { address: undefined, port: 30053, endpoint: "10.244.0.5" },
  ]);
});

test("a Service that is gone, and one that gets its first endpoint", () => {
  assert.deepEqual(staleFlows([port(["10.244.0.5"])], []), [
    { address: "10.96.0.10", port: 53, endpoint: "10.244.0.5" },
  ]);
  assert.deepEqual(staleFlows([port([])], [port(["10.244.0.5"])]), [
    { address: "10.96.0.10", port: 53, endpoint: undefined },
  ]);
});

test("TCP and what did not change are left alone", () => {
  assert.deepEqual(staleFlows([port(["10.244.0.5"], { protocol: "tcp" })], []), []);
  assert.deepEqual(staleFlows([port(["10.244.0.5"])], [port(["10.244.0.5"])]), []);
});
