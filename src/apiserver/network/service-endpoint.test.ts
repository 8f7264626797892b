import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "../../api/index.ts";
import type { StatusError } from "../../machinery/index.ts";
import type { ObjectReader } from "../auth-contract.ts";
import { resolveServiceEndpoint } from "./service-endpoint.ts";

function reader(service: object | undefined, slices: object[]): ObjectReader {
  return {
    get: () => service as never,
    list: () => slices as never,
    onChange: () => () => {},
  };
}

const service = (spec: object): KubeObject =>
  ({ metadata: { name: "s", namespace: "n" }, spec: { type: "ClusterIP", ...spec } }) as KubeObject;
const ports = [{ name: "https", port: 443 }];
const slice = (addressType: string, endpoints: object[], port = 6443, name = "https"): object => ({
  metadata: { labels: { "kubernetes.io/service-name": "s" } },
  addressType,
  endpoints,
  ports: [{ name, port }],
});

const fails = (objects: ObjectReader, port = 443): StatusError => {
  try {
    resolveServiceEndpoint(objects, "n", "s", port, () => 0);
  } catch (error) {
    return error as StatusError;
  }
  assert.fail("an endpoint was found");
};

test("an endpoint that is ready is chosen, of the Service's own address family when there is one", () => {
  const objects = reader(service({ ports, ipFamilies: ["IPv4"] }), [
    slice("IPv6", [{ addresses: ["fd00::1"] }]),
    slice("IPv4", [
      { addresses: ["10.0.0.1"], conditions: { ready: false } },
      { addresses: ["10.0.0.2"], conditions: {} },
      { addresses: ["10.0.0.3"], conditions: { ready: true } },
    ]),
    slice("IPv4", [{ addresses: ["10.0.0.9"] }], 1, "other"),
  ]);
  assert.deepEqual(
    resolveServiceEndpoint(objects, "n", "s", 443, () => 0),
    { host: "10.0.0.2", port: 6443 },
  );
  assert.deepEqual(
    resolveServiceEndpoint(objects, "n", "s", 443, () => 0.99),
    { host: "10.0.0.3", port: 6443 },
  );
});

test("an external name is taken as it is, with the port that was asked for", () => {
  const outside = service({ type: "ExternalName", externalName: "a.example.com" });
  assert.deepEqual(
    resolveServiceEndpoint(reader(outside, []), "n", "s", 8443, () => 0),
    { host: "a.example.com", port: 8443 },
  );
});

test("what cannot be resolved is said in Kubernetes' words", () => {
  assert.equal(fails(reader(undefined, [])).message, 'service "s" not found');
  assert.equal(fails(reader(service({ type: "Other" }), [])).message, 'unsupported service type "Other"');
  const none = fails(reader(service({ ports }), []));
  assert.equal(none.message, 'no endpoints available for service "s"');
  assert.equal(none.code, 503);
  assert.equal(
    fails(reader(service({ ports }), []), 8443).message,
    'no service port 8443 found for service "s"',
  );
});
