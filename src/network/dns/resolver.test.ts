import assert from "node:assert/strict";
import { test } from "node:test";
import type { EndpointSlice, Service } from "../../api/index.ts";
import { FakeClock } from "../../testing/index.ts";
import { decodeMessage } from "./decode.ts";
import { encodeMessage } from "./encode.ts";
import { type DnsMessage, type Name, parseName, type ResourceRecord, typeCodes } from "./message.ts";
import type { DnsSource } from "./records.ts";
import { Resolver } from "./resolver.ts";

const nameText = (name: Name): string => `${name.join(".")}.`;

const service = (name: string, spec: Service["spec"]): Service => ({
  metadata: { name, namespace: "default" },
  spec,
});
const services: Service[] = [
  service("web", {
    clusterIPs: ["10.96.0.10"],
    ports: [
      { name: "http", port: 80 },
      { name: "dns", port: 53, protocol: "UDP" },
    ],
  }),
  service("dual", { clusterIPs: ["10.96.0.11", "fd00::11"], ports: [{ port: 80 }] }),
  service("db", { clusterIPs: ["None"], ports: [{ name: "sql", port: 5432 }] }),
  service("idle", { clusterIPs: ["None"] }),
  service("out", { type: "ExternalName", externalName: "Example.COM." }),
  service("alias", { type: "ExternalName", externalName: "web.default.svc.cluster.local" }),
  service("loop", { type: "ExternalName", externalName: "loop.default.svc.cluster.local" }),
];
const slices: EndpointSlice[] = [
  {
    metadata: { name: "db-1", namespace: "default", labels: { "kubernetes.io/service-name": "db" } },
    addressType: "IPv4",
    ports: [{ name: "sql", port: 5432, protocol: "TCP" }],
    endpoints: [
      { addresses: ["10.244.0.5"], hostname: "db-0" },
      { addresses: ["10.244.0.6"] },
      { addresses: ["10.244.0.7"], conditions: { ready: false } },
    ],
  },
];
const key = (object: Service | EndpointSlice, name: string | undefined): string =>
  `${object.metadata?.namespace}/${name}`;
const source: DnsSource = {
  service: (wanted) => services.find((one) => key(one, one.metadata?.name) === wanted),
  slicesOf: (wanted) =>
    slices.filter((one) => key(one, one.metadata?.labels?.["kubernetes.io/service-name"]) === wanted),
  hasNamespace: (name) => name === "default",
  servicesAt: (address) => services.filter((one) => one.spec?.clusterIPs?.includes(address)),
  slicesAt: (address) => slices.filter((one) => one.endpoints?.some((e) => e.addresses.includes(address))),
};

/** A host resolver that knows example.com and nothing else. */
const forwarder = {
  exchange(packet: Uint8Array): Promise<Buffer | undefined> {
    const query = decodeMessage(packet);
    const [question] = query.questions;
    if (!question || nameText(question.name) !== "example.com.") return Promise.resolve(undefined);
    const answers: ResourceRecord[] = [{ name: question.name, ttl: 60, type: "A", address: "192.0.2.80" }];
    return Promise.resolve(encodeMessage({ ...query, response: true, answers }));
  },
};

function resolver(synced: Promise<void> = Promise.resolve(), clock = new FakeClock()): Resolver {
  const config = {
    domain: parseName("cluster.local"),
    address: "10.96.0.2",
    ttlSeconds: 5,
    cidrs: ["10.96.0.0/16", "10.244.0.0/16", "fd00::/64"],
    synced,
    clock,
  };
  return new Resolver(config, source, forwarder);
}

function query(name: string, type: number, change: Partial<DnsMessage> = {}): Buffer {
  return encodeMessage({
    id: 7,
    response: false,
    opcode: 0,
    authoritative: false,
    truncated: false,
    recursionDesired: true,
    recursionAvailable: false,
    rcode: 0,
    questions: [{ name: name.split(".").filter(Boolean), type, class: 1 }],
    answers: [],
    authority: [],
    additional: [],
    ...change,
  });
}

const rcodeNames = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];

/** The answer in one line: code, records, and SOA when it denies something. */
async function ask(name: string, type: keyof typeof typeCodes): Promise<string> {
  const bytes = await resolver().answer(query(name, typeCodes[type]), "udp");
  assert.ok(bytes);
  const reply = decodeMessage(bytes);
  assert.equal(reply.id, 7);
  const text = (record: ResourceRecord): string => {
    switch (record.type) {
      case "A":
      case "AAAA":
        return record.address;
      case "SRV":
        return `${record.port}@${nameText(record.target)}`;
      case "TXT":
        return record.texts.join(" ");
      case "CNAME":
      case "PTR":
      case "NS":
        return `${record.type} ${nameText(record.target)}`;
      default:
        return record.type;
    }
  };
  const parts = [rcodeNames[reply.rcode] ?? String(reply.rcode), ...reply.answers.map(text)];
  if (reply.authority.length > 0) parts.push("+SOA");
  if (reply.additional.length > 0) parts.push(`(${reply.additional.map(text).join(" ")})`);
  return parts.join(" ");
}

const cases: [name: string, type: keyof typeof typeCodes, want: string][] = [
  ["web.default.svc.cluster.local", "A", "NOERROR 10.96.0.10"],
  ["WEB.Default.svc.cluster.LOCAL", "A", "NOERROR 10.96.0.10"],
  ["web.default.svc.cluster.local", "AAAA", "NOERROR +SOA"],
  ["dual.default.svc.cluster.local", "AAAA", "NOERROR fd00:0:0:0:0:0:0:11"],
  [
    "_http._tcp.web.default.svc.cluster.local",
    "SRV",
    "NOERROR 80@web.default.svc.cluster.local. (10.96.0.10)",
  ],
  [
    "_dns._udp.web.default.svc.cluster.local",
    "SRV",
    "NOERROR 53@web.default.svc.cluster.local. (10.96.0.10)",
  ],
  ["_http._udp.web.default.svc.cluster.local", "SRV", "NXDOMAIN +SOA"],
  ["_tcp.web.default.svc.cluster.local", "A", "NOERROR +SOA"],
  ["db.default.svc.cluster.local", "A", "NOERROR 10.244.0.5 10.244.0.6"],
  ["db-0.db.default.svc.cluster.local", "A", "NOERROR 10.244.0.5"],
  ["10-244-0-6.db.default.svc.cluster.local", "A", "NOERROR 10.244.0.6"],
  ["10-244-0-7.db.default.svc.cluster.local", "A", "NXDOMAIN +SOA"],
  [
    "_sql._tcp.db.default.svc.cluster.local",
    "SRV",
    "NOERROR 5432@db-0.db.default.svc.cluster.local. 5432@10-244-0-6.db.default.svc.cluster.local. (10.244.0.5 10.244.0.6)",
  ],
  ["idle.default.svc.cluster.local", "A", "NOERROR +SOA"],
  ["out.default.svc.cluster.local", "A", "NOERROR CNAME example.com. 192.0.2.80"],
  ["out.default.svc.cluster.local", "CNAME", "NOERROR CNAME example.com."],
  ["alias.default.svc.cluster.local", "A", "NOERROR CNAME web.default.svc.cluster.local. 10.96.0.10"],
  ["nobody.default.svc.cluster.local", "A", "NXDOMAIN +SOA"],
  ["web.nowhere.svc.cluster.local", "A", "NXDOMAIN +SOA"],
  ["default.svc.cluster.local", "A", "NOERROR +SOA"],
  ["nowhere.svc.cluster.local", "A", "NXDOMAIN +SOA"],
  ["svc.cluster.local", "A", "NOERROR +SOA"],
  ["cluster.local", "SOA", "NOERROR SOA"],
  ["cluster.local", "NS", "NOERROR NS ns.dns.cluster.local."],
  ["ns.dns.cluster.local", "A", "NOERROR 10.96.0.2"],
  ["dns-version.cluster.local", "TXT", "NOERROR 1.1.0"],
  ["1-2-3-4.default.pod.cluster.local", "A", "NOERROR 1.2.3.4"],
  ["1-2-3-400.default.pod.cluster.local", "A", "NXDOMAIN +SOA"],
  ["10.0.96.10.in-addr.arpa", "PTR", "NOERROR PTR web.default.svc.cluster.local."],
  ["5.0.244.10.in-addr.arpa", "PTR", "NOERROR PTR db-0.db.default.svc.cluster.local."],
  ["99.0.96.10.in-addr.arpa", "PTR", "NXDOMAIN +SOA"],
  ["example.com", "A", "NOERROR 192.0.2.80"],
  ["nobody.example", "A", "SERVFAIL"],
];
for (const [name, type, want] of cases) {
  test(`dns: ${type} ${name}`, async () => assert.equal(await ask(name, type), want));
}

test("an alias that leads to itself ends", async () => {
  assert.match(await ask("loop.default.svc.cluster.local", "A"), /^NOERROR( CNAME loop\S+)+$/);
});

test("the question comes back letter for letter", async () => {
  const packet = query("wEb.default.SVC.cluster.local", 1);
  const reply = await resolver().answer(packet, "udp");
  assert.deepEqual(reply?.subarray(12, packet.length), packet.subarray(12));
});

test("what is not a plain query is refused in the right words", async () => {
  const rcodeOf = async (packet: Buffer): Promise<number | undefined> => {
    const reply = await resolver().answer(packet, "udp");
    return reply && decodeMessage(reply).rcode;
  };
  assert.equal(await rcodeOf(query("a.b", 1, { opcode: 4 })), 4);
  assert.equal(await rcodeOf(query("a.b", 1, { questions: [] })), 1);
  assert.equal(await rcodeOf(query("a.b", 1, { questions: [{ name: ["a"], type: 1, class: 3 }] })), 5);
  assert.equal(await rcodeOf(query("a.b", 1, { edns: { udpSize: 4096, version: 1, dnssecOk: false } })), 16);
  assert.equal(await rcodeOf(query("a.b", 1, { response: true })), undefined);
  assert.equal(await rcodeOf(Buffer.from("short")), undefined);
  assert.equal(await rcodeOf(Buffer.from("000701000001000000000000c00c00010001", "hex")), 1);
});

test("nothing is denied before the state is known", async () => {
  const clock = new FakeClock();
  const synced = Promise.withResolvers<void>();
  const dns = resolver(synced.promise, clock);
  const early = dns.answer(query("web.default.svc.cluster.local", 1), "udp");
  await clock.run(3_000);
  assert.equal(decodeMessage((await early) ?? Buffer.alloc(0)).rcode, 2);
  const waiting = dns.answer(query("web.default.svc.cluster.local", 1), "udp");
  synced.resolve();
  assert.equal(decodeMessage((await waiting) ?? Buffer.alloc(0)).answers.length, 1);
});
