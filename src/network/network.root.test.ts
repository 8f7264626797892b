import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { CniAttachment } from "../cri/index.ts";
import { type Client, createClient } from "../client/index.ts";
import { type Native, openNative } from "../linux/index.ts";
import { silentLogger, systemClock } from "../machinery/index.ts";
import { createApiDouble, until } from "../testing/index.ts";
import { type BridgeNetwork, createBridgeCni } from "./cni/bridge-network.ts";
import { startNetwork } from "./network.ts";
import { kernelNft } from "./nft/kernel.ts";

const helper = fileURLToPath(new URL("../../dist/wherry-native", import.meta.url));
const agent = fileURLToPath(new URL("testdata/pod-agent.mjs", import.meta.url));
const skip =
  process.getuid?.() !== 0
    ? "needs root: makes links, namespaces and nftables rules"
    : existsSync(helper)
      ? false
      : "needs dist/wherry-native (native/build.sh)";

/** Ranges and names that no cluster uses. */
const podCidr = "10.201.0.0/24";
const serviceCidr = "10.202.0.0/24";
const bridge = "wtnet0";
const table = "wherry-test-net";
const podTable = "wherry-test-net-pods";
const outside = { link: "wtnet1", host: "198.51.100.1", address: "198.51.100.2" };
const nodePort = 31_907;
const balancerPort = 31_908;
const hostPort = 31_909;

interface Pod {
  name: string;
  address: string;
  attachment: CniAttachment;
  ask<T>(task: "get" | "datagram" | "resolve", ...args: unknown[]): Promise<T>;
  child: ChildProcess;
}

interface Seen {
  name: string;
  peer: string;
}

const directory = skip ? "" : mkdtempSync(join(tmpdir(), "wherry-net-"));
const stateDir = join(directory, "addresses");
const stop = new AbortController();
let native: Native;
let cni: BridgeNetwork;
let client: Client;
let network: Promise<void>;
let first: Pod;
let second: Pod;
let stranger: Pod;
let host: Pod;
const foreign = "inet wherry-test-foreign";
let foreignBefore: unknown;

before(async () => {
  if (skip) return;
  native = await openNative(helper);
  await native.applyNft(
    `add table ${foreign}\nadd chain ${foreign} forward { type filter hook forward priority 0 ; policy accept ; }\n` +
      `add rule ${foreign} forward ip daddr 192.0.2.77 drop\n`,
  );
  foreignBefore = await native.listNft("table", ...foreign.split(" "));
  cni = createBridgeCni(
    { bridge, table: podTable, nodeCidr: podCidr, podCidr, serviceCidr, stateDir },
    native,
    silentLogger,
  );
  const api = createApiDouble(systemClock);
  client = createClient(api);
  network = startNetwork(
    { api, clock: systemClock, log: silentLogger, signal: stop.signal },
    {
      table,
      nodeName: "here",
      nodeAddress: outside.host,
      podCidrs: [podCidr],
      serviceCidrs: [serviceCidr],
      dns: {
        domain: "cluster.local",
        clusterIp: "10.202.0.10",
        listenAddress: "10.201.0.1",
        resolvConf: "/nonexistent",
      },
      nativePath: helper,
    },
  );
  await cni.setUp();
  first = await startPod("first", [{ protocol: "TCP", containerPort: 8080, hostPort, hostIp: "" }]);
  second = await startPod("second", []);
  host = await startAgent("host", undefined, 31_910);
  await connectOutside();
  await client.services.create("default", {
    metadata: { name: "web" },
    spec: {
      type: "LoadBalancer",
      clusterIP: "10.202.0.20",
      clusterIPs: ["10.202.0.20"],
      ports: [
        { name: "http", port: balancerPort, nodePort, protocol: "TCP" },
        { name: "udp", port: 5353, protocol: "UDP" },
      ],
    },
  });
  await setEndpoints([first.address, second.address]);
  await until(
    "the Service answers",
    async () => (await reach(host, `10.202.0.20:${balancerPort}`)) !== "ECONNREFUSED",
  );
  await until("the balancer has its address", async () => {
    const service = await client.services.get("default", "web");
    return service.status?.loadBalancer?.ingress?.[0]?.ip === outside.host;
  });
});

after(async () => {
  if (skip) return;
  for (const pod of [first, second, stranger, host]) pod?.child.kill();
  stop.abort();
  await network;
  for (const pod of [first, second]) {
    if (!pod) continue;
    await cni.del(pod.attachment);
    await cni.del(pod.attachment);
    await native.deleteNamespace(pod.attachment.netns);
  }
  assert.deepEqual(readdirSync(stateDir), []);
  await cni.tearDown();
  await kernelNft.apply(`add table inet ${table}\ndelete table inet ${table}\n`);
  await native.deleteLink(outside.link);
  if (stranger) await native.deleteNamespace(stranger.attachment.netns);
  assert.deepEqual(await native.listNft("table", ...foreign.split(" ")), foreignBefore);
  await native.applyNft(`delete table ${foreign}\n`);
  const tables = await kernelNft.tables();
  assert.deepEqual(
    [...tables].filter((name) => name.includes("wherry-test")),
    [],
  );
  const links = (await native.links()).map((link) => link.name);
  assert.deepEqual(
    links.filter((name) => name.startsWith("wtnet")),
    [],
  );
  await native.close();
  rmSync(directory, { recursive: true });
});

async function startAgent(name: string, netns: string | undefined, port: number): Promise<Pod> {
  const command = netns ? ["nsenter", `--net=${netns}`, process.execPath] : [process.execPath];
  const [program, ...args] = [...command, agent, name, String(port)];
  const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>();
  let serial = 0;
  const answer = <T>(id: number): Promise<T> =>
    new Promise<T>((resolve, reject) =>
      waiting.set(id, { resolve: resolve as (value: unknown) => void, reject }),
    );
  child.on("message", (message) => {
    const { id, value, error } = message as { id: number; value?: unknown; error?: string };
    if (error === undefined) waiting.get(id)?.resolve(value);
    else waiting.get(id)?.reject(error);
    waiting.delete(id);
  });
  child.on("error", (error) => waiting.get(0)?.reject(error));
  await answer(0);
  return {
    name,
    address: "",
    attachment: attachmentOf(name, netns ?? ""),
    child,
    ask(task, ...rest) {
      const id = ++serial;
      child.send({ id, task, args: rest });
      return answer(id);
    },
  };
}

function attachmentOf(name: string, netns: string): CniAttachment {
  const args = { podNamespace: "default", podName: name, podUid: name };
  return { containerId: `test-${name}`, netns, ifName: "eth0", args, portMappings: [] };
}

async function startPod(name: string, portMappings: CniAttachment["portMappings"]): Promise<Pod> {
  const netns = join(directory, name);
  await native.createNetns(netns);
  const attachment = { ...attachmentOf(name, netns), portMappings };
  const result = await cni.add(attachment);
  const pod = await startAgent(name, netns, 8080);
  return { ...pod, attachment, address: result.ips[0]?.address.split("/")[0] ?? "" };
}

/** A machine outside: a namespace behind a link of the host that is on no bridge. */
async function connectOutside(): Promise<void> {
  const netns = join(directory, "outside");
  await native.createNetns(netns);
  await native.addVeth({
    hostName: outside.link,
    netns,
    name: "eth0",
    addresses: [`${outside.address}/24`],
    routes: [],
  });
  await native.addAddress(outside.link, `${outside.host}/24`);
  stranger = await startAgent("stranger", netns, 8080);
}

async function setEndpoints(addresses: readonly string[]): Promise<void> {
  await client.endpointSlices.delete("default", "web-1").catch(() => undefined);
  await client.endpointSlices.create("default", {
    metadata: { name: "web-1", labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    ports: [
      { name: "http", port: 8080, protocol: "TCP" },
      { name: "udp", port: 8080, protocol: "UDP" },
    ],
    endpoints: [
      ...addresses.map((address) => ({
        addresses: [address],
        nodeName: "here",
        hostname: `h${address.at(-1)}`,
      })),
      { addresses: ["10.201.0.250"], nodeName: "here", conditions: { ready: false } },
    ],
  });
}

/** `name from peer`, or the error's code. */
async function reach(from: Pod, to: string): Promise<string> {
  try {
    const { name, peer } = await from.ask<Seen>("get", `http://${to}/`);
    return `${name} from ${peer}`;
  } catch (code) {
    return String(code);
  }
}

async function reachMany(from: Pod, to: string): Promise<string[]> {
  const seen = new Set<string>();
  for (let i = 0; i < 40; i++) seen.add(await reach(from, to));
  return [...seen].sort();
}

test("pods reach each other, and see each other's address", { skip }, async () => {
  assert.equal(await reach(first, `${second.address}:8080`), `second from ${first.address}`);
  assert.equal(await reach(second, `${first.address}:8080`), `first from ${second.address}`);
});

test("a cluster address is spread over the ready endpoints, the asking pod included", { skip }, async () => {
  assert.deepEqual(await reachMany(first, `10.202.0.20:${balancerPort}`), [
    // To itself it comes by way of the bridge.
    "first from 10.201.0.1",
    `second from ${first.address}`,
  ]);
});

test("from the host: cluster address, node port and balancer on 127.0.0.1, node port on the node's address", {
  skip,
}, async () => {
  const gateway = ["first from 10.201.0.1", "second from 10.201.0.1"];
  assert.deepEqual(await reachMany(host, `10.202.0.20:${balancerPort}`), gateway);
  assert.deepEqual(await reachMany(host, `127.0.0.1:${nodePort}`), gateway);
  assert.deepEqual(await reachMany(host, `127.0.0.1:${balancerPort}`), gateway);
  assert.deepEqual(await reachMany(host, `${outside.host}:${nodePort}`), [
    `first from ${outside.host}`,
    `second from ${outside.host}`,
  ]);
});

test("from outside: node port and load balancer, with the client's own address", { skip }, async () => {
  const both = [`first from ${outside.address}`, `second from ${outside.address}`];
  assert.deepEqual(await reachMany(stranger, `${outside.host}:${nodePort}`), both);
  assert.deepEqual(await reachMany(stranger, `${outside.host}:${balancerPort}`), both);
});

test("to the outside pods go with the host's address", { skip }, async () => {
  assert.equal(await reach(first, `${outside.address}:8080`), `stranger from ${outside.host}`);
});

test("host ports: on 127.0.0.1, on the node's address, from the pod itself", { skip }, async () => {
  assert.equal(await reach(host, `127.0.0.1:${hostPort}`), "first from 10.201.0.1");
  assert.equal(await reach(stranger, `${outside.host}:${hostPort}`), `first from ${outside.address}`);
  assert.equal(await reach(first, `${outside.host}:${hostPort}`), "first from 10.201.0.1");
});

test("names: the Service, its endpoints, its address, and none", { skip }, async () => {
  const ask = (name: string, type: string): Promise<unknown> =>
    first.ask("resolve", "10.202.0.10", name, type).catch((code: unknown) => code);
  assert.deepEqual(await ask("web.default.svc.cluster.local", "A"), ["10.202.0.20"]);
  assert.deepEqual(await ask("h2.web.default.svc.cluster.local", "A"), [first.address]);
  assert.deepEqual(await ask("20.0.202.10.in-addr.arpa", "PTR"), ["web.default.svc.cluster.local"]);
  assert.equal(await ask("nobody.default.svc.cluster.local", "A"), "ENOTFOUND");
  assert.equal(await ask("example.com", "A"), "ESERVFAIL");
});

test("UDP follows its endpoints even when the client keeps its port", { skip }, async () => {
  const answering = (): Promise<string> =>
    host.ask<Seen>("datagram", "10.202.0.20", 5353).then(
      (seen) => seen.name,
      (code: unknown) => String(code),
    );
  await setEndpoints([first.address]);
  await until("the only endpoint answers", async () => (await answering()) === "first");
  await setEndpoints([second.address]);
  await until("the other one answers", async () => (await answering()) === "second");
});

test("without endpoints every address refuses", { skip }, async () => {
  await setEndpoints([]);
  await until("refusal", async () => (await reach(host, `127.0.0.1:${nodePort}`)) === "ECONNREFUSED");
  assert.equal(await reach(first, `10.202.0.20:${balancerPort}`), "ECONNREFUSED");
  assert.equal(await reach(stranger, `${outside.host}:${nodePort}`), "ECONNREFUSED");
  assert.equal(await reach(stranger, `${outside.host}:${balancerPort}`), "ECONNREFUSED");
  assert.equal(await reach(first, "10.202.0.99:80"), "ECONNREFUSED");
  await setEndpoints([first.address, second.address]);
});

/** The chain that spreads what comes for the Service's HTTP port. */
async function spreadingChain(): Promise<string> {
  const listing = (await native.listNft("table", "inet", table)) as {
    nftables: { chain?: { name: string } }[];
  };
  const names = listing.nftables.flatMap(({ chain }) => (chain ? [chain.name] : []));
  return names.find((name) => /^svc-.*\/default\/web\/tcp\//.test(name)) ?? "";
}

test("what meets rules while they are exchanged is led on when it is sent again; who keeps the port never has it", {
  skip,
}, async () => {
  await until("endpoints", async () => (await reach(host, `127.0.0.1:${nodePort}`)) !== "ECONNREFUSED");
  const chain = `inet ${table} ${await spreadingChain()}`;
  // The moment, held: maps lead to a chain whose rules do not apply.
  await native.applyNft(`flush chain ${chain}\n`);
  const sockets = [
    connect(balancerPort, "127.0.0.1"),
    connect(nodePort, "127.0.0.1"),
    connect(balancerPort, "10.202.0.20"),
  ];
  const led = sockets.map((socket) => once(socket, "connect"));
  await Promise.race([...led, new Promise(setImmediate)]);
  assert.deepEqual(
    sockets.map(({ connecting }) => connecting),
    [true, true, true],
  );
  await native.applyNft(`add rule ${chain} meta l4proto tcp dnat ip to ${first.address}:8080\n`);
  await Promise.all(led);
  for (const socket of sockets) {
    socket.end("GET / HTTP/1.1\r\nhost: web\r\n\r\n");
    assert.match(await text(socket), /"name":"first"/);
  }
  await setEndpoints([second.address]);
  await until("the proxy's own rules", async () =>
    (await reach(host, `127.0.0.1:${nodePort}`)).startsWith("second"),
  );
  await setEndpoints([first.address, second.address]);
});

test("CHECK notices a missing link, ADD again repairs, GC frees what nobody needs", { skip }, async () => {
  await cni.check(second.attachment);
  const netns = join(directory, "third");
  await native.createNetns(netns);
  const attachment = attachmentOf("third", netns);
  try {
    const one = await cni.add(attachment);
    await native.deleteLink(one.interfaces[0]?.name ?? "");
    await assert.rejects(cni.check(attachment), /is missing/);
    const again = await cni.add(attachment);
    assert.deepEqual(again.ips, one.ips);
    await cni.check(attachment);
    // A restarted runtime knows the leases from the files.
    const restarted = createBridgeCni(
      { bridge, table: podTable, nodeCidr: podCidr, podCidr, serviceCidr, stateDir },
      native,
      silentLogger,
    );
    await restarted.gc([first.attachment.containerId, second.attachment.containerId]);
    assert.equal(readdirSync(stateDir).length, 2);
    assert.equal(
      (await native.links()).some((link) => link.name === one.interfaces[0]?.name),
      false,
    );
    assert.equal(await reach(host, `127.0.0.1:${hostPort}`), "first from 10.201.0.1");
  } finally {
    await cni.del(attachment);
    await native.deleteNamespace(netns);
  }
});

test("a ruleset that somebody flushed comes back", { skip }, async () => {
  await native.applyNft(`delete table inet ${podTable}\n`);
  assert.equal((await cni.status()).ready, true);
  assert.equal(await reach(first, `${outside.address}:8080`), `stranger from ${outside.host}`);
});
