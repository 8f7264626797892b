import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { failure, type Harness, startHarness } from "../testing/harness.ts";
import type { KubeObject } from "../../api/index.ts";
import { openMemoryStore } from "../../store/index.ts";
import { FakeClock } from "../../testing/index.ts";

let h: Harness;
const network = {
  serviceCidr: "10.96.0.0/28",
  nodePorts: { from: 30000, to: 30009 },
  advertise: { address: "192.0.2.1", port: 6443 },
};
before(async () => {
  h = await startHarness({ network });
});
after(() => h.close());

const services = "/api/v1/namespaces/default/services";
const service = (name: string, spec: object) => ({
  metadata: { name },
  spec: { ports: [{ port: 80 }], ...spec },
});
const create = async (name: string, spec: object) =>
  (await h.call("POST", services, service(name, spec))).body;

test("the kubernetes Service has the first address and leads to the server", async () => {
  assert.equal((await h.call("GET", `${services}/kubernetes`)).body.spec.clusterIP, "10.96.0.1");
  const slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes";
  const { body } = await h.call("GET", slices);
  assert.deepEqual([body.endpoints[0].addresses, body.ports[0].port], [["192.0.2.1"], 6443]);
});

test("addresses: any, a certain one, none, and one that is taken or foreign", async () => {
  const any = await create("any", {});
  assert.match(any.spec.clusterIP, /^10\.96\.0\.\d+$/);
  assert.deepEqual(
    [any.spec.clusterIPs, any.spec.ipFamilies, any.spec.ipFamilyPolicy],
    [[any.spec.clusterIP], ["IPv4"], "SingleStack"],
  );
  const wanted = await create("wanted", { clusterIP: "10.96.0.13" });
  assert.equal(wanted.spec.clusterIP, "10.96.0.13");
  assert.equal((await create("none", { clusterIP: "None" })).spec.clusterIP, "None");
  const taken = failure(await h.call("POST", services, service("again", { clusterIP: "10.96.0.13" })), 422);
  assert.equal(
    taken.message,
    'Service "again" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.13"]: failed to allocate IP 10.96.0.13: provided IP is already allocated',
  );
  const foreign = failure(await h.call("POST", services, service("foreign", { clusterIP: "10.1.0.1" })), 422);
  assert.match(
    foreign.message ?? "",
    /failed to allocate IP 10\.1\.0\.1: the provided network does not match the current range$/,
  );
  await h.call("DELETE", `${services}/wanted`);
  assert.equal((await create("again", { clusterIP: "10.96.0.13" })).spec.clusterIP, "10.96.0.13");
});

test("node ports: given, kept over updates, shared by protocols, given back", async () => {
  const made = await create("np", {
    type: "NodePort",
    ports: [
      { name: "t", port: 53, protocol: "TCP" },
      { name: "u", port: 53, protocol: "UDP" },
    ],
  });
  const [tcp, udp] = made.spec.ports;
  assert.ok(tcp.nodePort >= 30000 && tcp.nodePort <= 30009);
  assert.equal(udp.nodePort, tcp.nodePort);
  const kept = await h.call("PUT", `${services}/np`, {
    metadata: { name: "np" },
    spec: { type: "NodePort", ports: [{ name: "t", port: 53, protocol: "TCP" }] },
  });
  assert.equal(kept.body.spec.ports[0].nodePort, tcp.nodePort);
  assert.equal(kept.body.spec.clusterIP, made.spec.clusterIP);
  const taken = failure(
    await h.call(
      "POST",
      services,
      service("np2", { type: "NodePort", ports: [{ port: 1, nodePort: tcp.nodePort }] }),
    ),
    422,
  );
  assert.match(
    taken.message ?? "",
    /spec\.ports\[0\]\.nodePort: Invalid value: \d+: provided port is already allocated$/,
  );
  const plain = await h.call(
    "PATCH",
    `${services}/np`,
    { spec: { type: "ClusterIP" } },
    { "content-type": "application/merge-patch+json" },
  );
  assert.equal(plain.body.spec.ports[0].nodePort, undefined);
  assert.ok(
    (await create("np2", { type: "NodePort", ports: [{ port: 1, nodePort: tcp.nodePort }] })).metadata,
  );
});

test("a failed or dry write takes nothing, and a full range says so", async () => {
  await h.call("POST", `${services}?dryRun=All`, service("dry", { clusterIP: "10.96.0.11" }));
  failure(
    await h.call("POST", services, {
      ...service("bad", { clusterIP: "10.96.0.11" }),
      metadata: { name: "Bad!" },
    }),
    422,
  );
  assert.ok((await create("good", { clusterIP: "10.96.0.11" })).metadata);
  let full: string | undefined;
  for (let i = 0; i < 20 && full === undefined; i++) {
    const { status, body } = await h.call("POST", services, service(`fill${i}`, {}));
    if (status !== 201) full = body.message;
  }
  assert.match(full ?? "", /failed to allocate a serviceIP for Service "fill\d+": range is full/);
  const { items } = (await h.call("GET", services)).body;
  const addresses = items
    .map((each: { spec: { clusterIP: string } }) => each.spec.clusterIP)
    .filter((each: string) => each !== "None");
  assert.equal(new Set(addresses).size, addresses.length);
});

test("what is taken is known again after a restart", async () => {
  const clock = new FakeClock();
  const store = await openMemoryStore({ clock });
  const first = await startHarness({ store, clock, network });
  await first.call("POST", services, service("a", { clusterIP: "10.96.0.5" }));
  await first.server.close();
  const second = await startHarness({
    store,
    clock,
    network: { ...network, advertise: { address: "192.0.2.2", port: 6443 } },
  });
  failure(await second.call("POST", services, service("b", { clusterIP: "10.96.0.5" })), 422);
  const { body } = await second.call("GET", "/api/v1/namespaces/default/endpoints/kubernetes");
  assert.equal(body.subsets[0].addresses[0].ip, "192.0.2.2");
  await second.close();
});

test("a node port is asked for once in a request", async (t) => {
  const own = await startHarness({ network });
  t.after(() => own.close());
  const twice = (second: object) => ({
    type: "NodePort",
    ports: [
      { name: "a", port: 80, nodePort: 30005 },
      { name: "b", nodePort: 30005, ...second },
    ],
  });
  const { message } = failure(await own.call("POST", services, service("twice", twice({ port: 81 }))), 422);
  assert.equal(
    message,
    'Service "twice" is invalid: spec.ports[1].nodePort: Invalid value: 30005: provided port is already allocated',
  );
  const { body: both } = await own.call(
    "POST",
    services,
    service("both", twice({ port: 80, protocol: "UDP" })),
  );
  assert.deepEqual(
    both.spec.ports.map((port: { nodePort: number }) => port.nodePort),
    [30005, 30005],
  );
});

test("a dry run gets no address: it is asked whether the range has it, not whether it is taken", async (t) => {
  const own = await startHarness({ network });
  t.after(() => own.close());
  const dry = (spec: object) => own.call("POST", `${services}?dryRun=All`, service("dry", spec));
  const has = { clusterIP: "10.96.0.12" };
  assert.equal((await own.call("POST", services, service("has", has))).status, 201);
  assert.equal((await dry({ clusterIP: "10.96.0.12" })).status, 201);
  assert.equal((await dry({})).body.spec.clusterIP, "10.96.0.0");
  assert.match(
    failure(await dry({ clusterIP: "10.1.0.1" }), 422).message ?? "",
    /the provided IP \(10\.1\.0\.1\) is not in the valid range\. The range of valid IPs is 10\.96\.0\.0\/28$/,
  );
});

test("a write of the status creates a Service that is not there, without address, ports or status", async () => {
  const put = await h.call("PUT", `${services}/late/status`, {
    ...service("late", { type: "NodePort" }),
    status: { loadBalancer: { ingress: [{ ip: "192.0.2.9" }] } },
  });
  assert.equal(put.status, 201);
  assert.deepEqual(
    [put.body.spec.clusterIP, put.body.spec.ports[0].nodePort, put.body.status],
    [undefined, undefined, { loadBalancer: {} }],
  );
  const [owner] = put.body.metadata.managedFields;
  assert.deepEqual([owner.subresource, Object.keys(owner.fieldsV1)], ["status", ["f:status"]]);
  const replaced = await h.call("PUT", `${services}/late`, service("late", {}));
  assert.deepEqual([replaced.status, replaced.body.spec.clusterIP], [200, undefined]);
  const headless = await h.call("PUT", `${services}/bare/status`, service("bare", { clusterIP: "None" }));
  assert.match(failure(headless, 422).message ?? "", /spec\.clusterIPs: Required value$/);
});

test("a refused write of a name lets go of nothing that another write of it holds", async (t) => {
  const own = await startHarness({ network: { serviceCidr: "10.97.0.0/24" } });
  t.after(() => own.close());
  const wanted = { clusterIP: "10.97.0.77", type: "NodePort", ports: [{ port: 80, nodePort: 30777 }] };
  const post = (name: string, more: object = {}) =>
    own.call("POST", services, service(name, { ...wanted, ...more }));
  const answers = await Promise.all([post("held"), post("held", { sessionAffinity: "x" }), post("thief")]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [201, 422, 422],
  );
  await own.call("DELETE", `${services}/held`);
  assert.equal((await post("thief")).status, 201);
});

const ipAddresses = "/apis/networking.k8s.io/v1/ipaddresses";

test("an IPAddress tells whose an address is, from the Service's creation to its end", async (t) => {
  const own = await startHarness({ network });
  t.after(() => own.close());
  const { body: made } = await own.call("POST", services, service("a", { clusterIP: "10.96.0.9" }));
  const { body: address } = await own.call("GET", `${ipAddresses}/10.96.0.9`);
  assert.deepEqual(address.spec.parentRef, { resource: "services", namespace: "default", name: "a" });
  assert.deepEqual(address.metadata.labels, {
    "ipaddress.kubernetes.io/ip-family": "IPv4",
    "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
  });
  assert.equal(address.metadata.managedFields[0].manager, "kube-apiserver");
  const outside = { ...made, spec: { type: "ExternalName", externalName: "a.example.com" } };
  assert.equal((await own.call("PUT", `${services}/a`, outside)).status, 200);
  failure(await own.call("GET", `${ipAddresses}/10.96.0.9`), 404);
  const { body: back } = await own.call("PUT", `${services}/a`, service("a", {}));
  assert.equal((await own.call("GET", `${ipAddresses}/${back.spec.clusterIP}`)).status, 200);
  await own.call("DELETE", `${services}/a`);
  failure(await own.call("GET", `${ipAddresses}/${back.spec.clusterIP}`), 404);
  await own.call("POST", `${services}?dryRun=All`, service("dry", { clusterIP: "10.96.0.9" }));
  await own.call("POST", services, service("headless", { clusterIP: "None" }));
  const { items } = (await own.call("GET", ipAddresses)).body;
  assert.deepEqual(
    items.map((each: { metadata: { name: string } }) => each.metadata.name),
    ["10.96.0.1"],
  );
});

test("an address that somebody made an IPAddress of is given to no Service", async (t) => {
  const own = await startHarness({ network });
  t.after(() => own.close());
  const spec = { parentRef: { resource: "pods", namespace: "default", name: "p" } };
  await own.call("POST", ipAddresses, { metadata: { name: "10.96.0.9" }, spec });
  const wanted = service("a", { clusterIP: "10.96.0.9" });
  assert.match(
    failure(await own.call("POST", services, wanted), 422).message ?? "",
    /failed to allocate IP 10\.96\.0\.9: provided IP is already allocated$/,
  );
  await own.call("DELETE", `${ipAddresses}/10.96.0.9`);
  assert.equal((await own.call("POST", services, wanted)).status, 201);
});

test("Services that were stored without IPAddresses have them after the next start", async () => {
  const clock = new FakeClock();
  const store = await openMemoryStore({ clock });
  const first = await startHarness({ store, clock, network });
  await first.call("POST", services, service("a", { clusterIP: "10.96.0.5" }));
  await first.call("DELETE", `${ipAddresses}/10.96.0.5`);
  await first.server.close();
  const second = await startHarness({ store, clock, network });
  assert.equal((await second.call("GET", `${ipAddresses}/10.96.0.5`)).status, 200);
  await second.close();
});

test("ServiceCIDRs that are ready give addresses too", async (t) => {
  const own = await startHarness({ network });
  t.after(() => own.close());
  const cidrs = "/apis/networking.k8s.io/v1/servicecidrs";
  const wanted = service("a", { clusterIP: "10.99.0.5" });
  failure(await own.call("POST", services, wanted), 422);
  await own.call("POST", cidrs, { metadata: { name: "more" }, spec: { cidrs: ["10.99.0.0/28"] } });
  assert.equal((await own.call("POST", services, wanted)).status, 201);
  const given: string[] = [];
  for (let i = 0; i < 14; i++) {
    const { body } = await own.call("POST", services, service(`any${i}`, {}));
    given.push(body.spec.clusterIP);
  }
  // The server's own range has fourteen addresses, one of them for the kubernetes Service.
  assert.equal(given.filter((each) => each.startsWith("10.96.")).length, 13);
  assert.match(given[13] as string, /^10\.99\.0\./);
  const lastTransitionTime = "2026-01-01T00:00:00Z";
  await own.call("PUT", `${cidrs}/more/status`, {
    metadata: { name: "more" },
    status: {
      conditions: [{ type: "Ready", status: "False", reason: "x", message: "", lastTransitionTime }],
    },
  });
  failure(await own.call("POST", services, service("b", { clusterIP: "10.99.0.7" })), 422);
});

test("the Endpoints of a Service's name go with it", async (t) => {
  const own = await startHarness({ network });
  t.after(() => own.close());
  const endpoints = "/api/v1/namespaces/default/endpoints";
  await own.call("POST", services, service("a", { clusterIP: "None" }));
  await own.call("POST", endpoints, { metadata: { name: "a" } });
  await own.call("DELETE", `${services}/a?dryRun=All`);
  assert.equal((await own.call("GET", `${endpoints}/a`)).status, 200);
  await own.call("DELETE", `${services}/a`);
  failure(await own.call("GET", `${endpoints}/a`), 404);
});

test("the server's own range gives nothing while its ServiceCIDR is not ready", async (t) => {
  const clock = new FakeClock();
  const store = await openMemoryStore({ clock });
  const own = await startHarness({ store, clock, network });
  const path = "/apis/networking.k8s.io/v1/servicecidrs/kubernetes";
  const ready = async (status: "True" | "False") => {
    const lastTransitionTime = "2026-01-01T00:00:00Z";
    const conditions = [{ type: "Ready", status, reason: "x", message: "", lastTransitionTime }];
    await own.call("PUT", `${path}/status`, { metadata: { name: "kubernetes" }, status: { conditions } });
  };
  await ready("False");
  const ask = async (spec: object, query = "") =>
    (await own.call("POST", services + query, service("a", spec))).body;
  const given = { clusterIP: "10.96.0.9" };
  const full = await ask({});
  assert.deepEqual(
    [full.code, full.message],
    [500, 'Internal error occurred: failed to allocate a serviceIP for Service "a": range is full'],
  );
  const refused = 'Service "a" is invalid: spec.clusterIPs: Invalid value: ';
  assert.deepEqual(
    [await ask(given), await ask({}, "?dryRun=All"), await ask(given, "?dryRun=All")].map(
      ({ code, message }) => [code, message],
    ),
    [
      [
        422,
        `${refused}["10.96.0.9"]: failed to allocate IP 10.96.0.9: the provided network does not match the current range`,
      ],
      [422, `${refused}[""]: failed to allocate IP: allocator not ready`],
      [422, `${refused}["10.96.0.9"]: failed to allocate IP 10.96.0.9: allocator not ready`],
    ],
  );
  await ready("True");
  assert.equal((await ask(given)).spec.clusterIP, "10.96.0.9");
  // A server starts with such a range, without the Service that it cannot create.
  await own.call("DELETE", `${services}/kubernetes`);
  await ready("False");
  await own.server.close();
  const next = await startHarness({ store, clock, network });
  t.after(() => next.close());
  failure(await next.call("GET", `${services}/kubernetes`), 404);
});

/** Refuses operations on IPAddresses. */
async function denyAddresses(own: Harness, operation: "CREATE" | "DELETE"): Promise<void> {
  const group = "/apis/admissionregistration.k8s.io/v1";
  const rule = {
    apiGroups: ["networking.k8s.io"],
    apiVersions: ["v1"],
    resources: ["ipaddresses"],
    operations: [operation],
  };
  await own.call("POST", `${group}/validatingadmissionpolicies`, {
    metadata: { name: "deny" },
    spec: {
      matchConstraints: { resourceRules: [rule] },
      validations: [{ expression: "false", message: "no" }],
    },
  });
  await own.call("POST", `${group}/validatingadmissionpolicybindings`, {
    metadata: { name: "deny" },
    spec: { policyName: "deny", validationActions: ["Deny"] },
  });
}

test("a Service whose IPAddress is refused is refused", async (t) => {
  const own = await startHarness({ network });
  t.after(() => own.close());
  const outside = {
    metadata: { name: "out" },
    spec: { type: "ExternalName", externalName: "a.example.com" },
  };
  assert.equal((await own.call("POST", services, outside)).status, 201);
  await denyAddresses(own, "CREATE");
  const refused = async (spec: object) =>
    failure(await own.call("POST", services, service("a", spec)), 422).message ?? "";
  const why = (address: string): string =>
    `ipaddresses.networking.k8s.io "${address}" is forbidden: ValidatingAdmissionPolicy 'deny' with binding 'deny' denied request: no`;
  const head = 'Service "a" is invalid: spec.clusterIPs: Invalid value: ';
  assert.equal(
    await refused({ clusterIP: "10.96.0.9" }),
    `${head}["10.96.0.9"]: failed to allocate IP 10.96.0.9: ${why("10.96.0.9")}`,
  );
  const any = await refused({});
  assert.equal(any, `${head}[""]: failed to allocate IP: ${why(/10\.96\.0\.\d+/.exec(any)?.[0] ?? "")}`);
  failure(await own.call("GET", `${services}/a`), 404);
  const change = await own.call("PUT", `${services}/out`, service("out", {}));
  assert.match(failure(change, 422).message ?? "", /failed to allocate IP: ipaddresses/);
  assert.equal((await own.call("POST", `${services}?dryRun=All`, service("a", {}))).status, 201);
  assert.equal((await own.call("POST", services, service("bare", { clusterIP: "None" }))).status, 201);
});

test("a Service that is not written leaves no IPAddress", async (t) => {
  const own = await startHarness({ network });
  t.after(() => own.close());
  const names = async () =>
    (await own.call("GET", ipAddresses)).body.items.map((each: KubeObject) => each.metadata?.name);
  await own.call("POST", services, service("a", { clusterIP: "10.96.0.9" }));
  const before = await names();
  failure(await own.call("POST", services, service("a", {})), 409);
  failure(await own.call("POST", services, service("b", { sessionAffinity: "x" })), 422);
  const ports = [
    { name: "a", port: 80, nodePort: 30005 },
    { name: "b", port: 81, nodePort: 30005 },
  ];
  failure(await own.call("POST", services, service("c", { type: "NodePort", ports })), 422);
  assert.deepEqual(await names(), before);
});

test("of several writers of an address one gets it", async (t) => {
  const own = await startHarness({ network });
  t.after(() => own.close());
  const wanted = { clusterIP: "10.96.0.9" };
  const spec = { parentRef: { resource: "pods", namespace: "default", name: "p" } };
  const answers = await Promise.all([
    own.call("POST", services, service("a", wanted)),
    own.call("POST", services, service("a", wanted)),
    own.call("POST", ipAddresses, { metadata: { name: "10.96.0.9" }, spec }),
  ]);
  const [made, ...more] = answers.filter(({ status }) => status === 201);
  assert.deepEqual(more, []);
  for (const { status, body } of answers) {
    if (status === 422) assert.match(body.message, /provided IP is already allocated$/);
    else if (status !== 201) assert.equal(body.reason, "AlreadyExists");
  }
  const { body } = await own.call("GET", `${ipAddresses}/10.96.0.9`);
  assert.equal(body.spec.parentRef.name, made?.body.kind === "Service" ? "a" : "p");
});

test("a Service whose generated name was there already is named by its IPAddress", async (t) => {
  let repeats = Number.POSITIVE_INFINITY;
  let varied = 0;
  const random = () => (repeats-- > 0 ? 0.5 : (++varied * 0.37) % 1);
  const own = await startHarness({ network: { serviceCidr: "10.96.0.0/24" }, random });
  t.after(() => own.close());
  const post = () =>
    own.call("POST", services, { metadata: { generateName: "g-" }, spec: { ports: [{ port: 80 }] } });
  const first = await post();
  // The random source repeats five letters.
  repeats = 5;
  const second = await post();
  // Then the address, and five more letters.
  assert.equal(varied, 6);
  for (const { status, body } of [first, second]) {
    assert.equal(status, 201);
    const { body: address } = await own.call("GET", `${ipAddresses}/${body.spec.clusterIP}`);
    assert.equal(address.spec.parentRef.name, body.metadata.name);
  }
});
