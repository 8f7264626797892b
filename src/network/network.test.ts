import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import type { Service } from "../api/index.ts";
import { type Client, createClient, createEventRecorder } from "../client/index.ts";
import { silentLogger } from "../machinery/index.ts";
import { createApiDouble, FakeClock, freePort, until } from "../testing/index.ts";
import { NodeBalancer } from "./loadbalancer/node-balancer.ts";
import { Proxy } from "./proxy/proxy.ts";
import { watchServices } from "./service-cache.ts";

interface World {
  client: Client;
  clock: FakeClock;
  /** What nft was given, in order. */
  scripts: string[];
  /** The next scripts are refused. */
  refuse(yes: boolean): void;
  /** Somebody flushed the ruleset. */
  flushed(): void;
}

/** Proxy and load balancer against an API double, with the kernel played by a list of scripts. */
async function withNetwork(run: (world: World) => Promise<void>): Promise<void> {
  const clock = new FakeClock();
  const api = createApiDouble(clock);
  const client = createClient(api);
  const stop = new AbortController();
  const context = { api, clock, log: silentLogger, signal: stop.signal };
  const scripts: string[] = [];
  let refusing = false;
  let tables = new Set<string>();
  const nft = {
    apply(script: string) {
      if (refusing) return Promise.reject(new Error("refused"));
      scripts.push(script);
      tables.add("inet test");
      return Promise.resolve();
    },
    tables: () => Promise.resolve(tables),
  };
  const recorder = createEventRecorder(client, clock, silentLogger, { component: "test" });
  const cache = watchServices(context, client);
  const balancer = new NodeBalancer(context, client, cache, recorder, "127.0.0.1");
  const rules = {
    table: "test",
    nodeName: "here",
    podCidrs: ["10.244.0.0/16"],
    serviceCidrs: ["10.96.0.0/16"],
  };
  const proxy = new Proxy(context, cache, nft, recorder, {
    rules,
    loadBalancerWishes: () => balancer.wishes(),
    onPorts: (taken) => balancer.apply(taken),
    forgetFlows: () => Promise.resolve(),
  });
  const running = proxy.run();
  try {
    await clock.run(10);
    await run({
      client,
      clock,
      scripts,
      refuse: (yes) => {
        refusing = yes;
      },
      flushed: () => {
        tables = new Set();
      },
    });
  } finally {
    stop.abort();
    await clock.run(1);
    await running;
    await balancer.settled();
  }
}

async function addService(
  client: Client,
  name: string,
  spec: Service["spec"],
  address: string,
): Promise<void> {
  await client.services.create("default", {
    metadata: { name },
    spec: { clusterIPs: ["10.96.0.10"], ...spec },
  });
  await client.endpointSlices.create("default", {
    metadata: { name: `${name}-1`, labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    ports: [{ name: "", port: 8080, protocol: "TCP" }],
    endpoints: [{ addresses: [address], nodeName: "here" }],
  });
}

/** A port that this process holds, so that nobody else can have it. */
async function withTakenPort(run: (port: number) => Promise<void>): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve));
  const address = server.address();
  try {
    await run(typeof address === "object" && address ? address.port : 0);
  } finally {
    server.close();
  }
}

test("the first table is whole, later ones are changes, and changes at one time are one transaction", () =>
  withNetwork(async ({ client, clock, scripts }) => {
    assert.equal(scripts.length, 1);
    assert.match(scripts[0] ?? "", /^add table inet test\ndelete table inet test\n/);
    await addService(client, "a", { ports: [{ port: 80 }] }, "10.244.0.5");
    await addService(client, "b", { clusterIPs: ["10.96.0.11"], ports: [{ port: 80 }] }, "10.244.0.6");
    await clock.run(10);
    assert.equal(scripts.length, 2);
    assert.doesNotMatch(scripts[1] ?? "", /delete table/);
    assert.match(scripts[1] ?? "", /10\.96\.0\.10 \. tcp \. 80 .*10\.96\.0\.11 \. tcp \. 80/);
  }));

test("a change that the kernel refuses is tried again, whole", () =>
  withNetwork(async ({ client, clock, scripts, refuse }) => {
    refuse(true);
    await addService(client, "a", { ports: [{ port: 80 }] }, "10.244.0.5");
    await clock.run(10);
    assert.equal(scripts.length, 1);
    refuse(false);
    await clock.run(1_000);
    assert.equal(scripts.length, 2);
    assert.match(scripts[1] ?? "", /delete table inet test\n[^]*10\.96\.0\.10 \. tcp \. 80/);
  }));

test("rules that somebody flushed come back", () =>
  withNetwork(async ({ clock, scripts, flushed }) => {
    flushed();
    await clock.run(16_000);
    assert.equal(scripts.length, 2);
  }));

test("a node port of another program is left to it, and an event says so", () =>
  withTakenPort((port) =>
    withNetwork(async ({ client, clock, scripts }) => {
      await addService(
        client,
        "a",
        { type: "NodePort", ports: [{ port: 80, nodePort: port }] },
        "10.244.0.5",
      );
      await clock.run(10);
      await until("rules", () => scripts.length === 2);
      assert.doesNotMatch(scripts[1] ?? "", /add element inet test node-ports4/);
      await until("event", async () =>
        (await client.events.list("default")).items.some(
          (event) =>
            event.reason === "NodePortTaken" && event.message?.includes(`node port ${port}/TCP is in use`),
        ),
      );
    }),
  ));

test("load balancers get the node's address unless the port is someone else's", () =>
  withTakenPort((taken) =>
    withNetwork(async ({ client, clock }) => {
      const free = await freePort();
      await addService(client, "good", { type: "LoadBalancer", ports: [{ port: free }] }, "10.244.0.5");
      await addService(client, "rival", { type: "LoadBalancer", ports: [{ port: free }] }, "10.244.0.6");
      await addService(client, "bad", { type: "LoadBalancer", ports: [{ port: taken }] }, "10.244.0.7");
      await clock.run(10);
      const ingress = async (name: string) =>
        (await client.services.get("default", name)).status?.loadBalancer?.ingress ?? [];
      await until("address", async () => (await ingress("good")).length === 1);
      assert.deepEqual(await ingress("good"), [{ ip: "127.0.0.1", ipMode: "VIP" }]);
      assert.deepEqual(await ingress("rival"), []);
      assert.deepEqual(await ingress("bad"), []);
      await client.services.patch("default", "good", "merge", { spec: { type: "ClusterIP" } });
      await clock.run(10);
      await until("address taken back", async () => (await ingress("good")).length === 0);
    }),
  ));
