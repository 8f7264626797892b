import assert from "node:assert/strict";
import { Resolver as NodeResolver } from "node:dns/promises";
import { connect } from "node:net";
import { test } from "node:test";
import { silentLogger, systemClock } from "../../machinery/index.ts";
import { FakeClock } from "../../testing/index.ts";
import { decodeMessage } from "./decode.ts";
import { encodeMessage } from "./encode.ts";
import { Forwarder } from "./forwarder.ts";
import { type DnsMessage, parseName } from "./message.ts";
import type { DnsSource } from "./records.ts";
import { parseNameservers } from "./resolv-conf.ts";
import { Resolver } from "./resolver.ts";
import { DnsServer } from "./server.ts";
import { FrameReader, frame } from "./tcp-frames.ts";

/** Longer than any answer takes on a busy machine. */
const patientMs = 60_000;

/** Enough endpoints that their addresses do not fit into one datagram. */
const source: DnsSource = {
  service: (key) =>
    key === "default/many"
      ? { metadata: { name: "many", namespace: "default" }, spec: { clusterIPs: ["None"] } }
      : undefined,
  slicesOf: () => [
    {
      metadata: {},
      addressType: "IPv4",
      endpoints: Array.from({ length: 120 }, (_, i) => ({ addresses: [`10.0.0.${i + 1}`] })),
    },
  ],
  hasNamespace: () => true,
  servicesAt: () => [],
  slicesAt: () => [],
};

async function withServer(
  run: (port: number) => Promise<void>,
  forwarder: Pick<Forwarder, "exchange"> = { exchange: () => Promise.resolve(undefined) },
  domain = "cluster.local",
): Promise<void> {
  const config = {
    domain: parseName(domain),
    address: "10.96.0.2",
    ttlSeconds: 5,
    cidrs: [],
    synced: Promise.resolve(),
    clock: systemClock,
  };
  const server = new DnsServer(new Resolver(config, source, forwarder), silentLogger);
  const port = await server.listen("127.0.0.1", 0);
  try {
    await run(port);
  } finally {
    await server.close();
  }
}

function clientOf(port: number): NodeResolver {
  const client = new NodeResolver({ timeout: patientMs, tries: 1 });
  client.setServers([`127.0.0.1:${port}`]);
  return client;
}

const query = (name: string): DnsMessage => ({
  id: 1,
  response: false,
  opcode: 0,
  authoritative: false,
  truncated: false,
  recursionDesired: true,
  recursionAvailable: false,
  rcode: 0,
  questions: [{ name: parseName(name), type: 1, class: 1 }],
  answers: [],
  authority: [],
  additional: [],
});

test("a long answer is cut over UDP and whole over TCP, as a real resolver asks", () =>
  withServer(async (port) => {
    assert.equal((await clientOf(port).resolve4("many.default.svc.cluster.local")).length, 120);
  }));

test("several queries on one TCP connection, cut into single bytes", () =>
  withServer(async (port) => {
    const socket = connect(port, "127.0.0.1");
    const packet = frame(encodeMessage(query("dns-version.cluster.local")));
    for (const byte of Buffer.concat([packet, packet])) socket.write(Buffer.of(byte));
    const reader = new FrameReader();
    const answers: DnsMessage[] = [];
    for await (const chunk of socket) {
      for (const message of reader.push(chunk as Buffer)) answers.push(decodeMessage(message));
      if (answers.length === 2) break;
    }
    assert.deepEqual(
      answers.map((answer) => answer.rcode),
      [0, 0],
    );
  }));

test("rubbish is survived", () =>
  withServer(async (port) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write(Buffer.from("000cffffffffffffffffffffffff0001", "hex"));
    socket.end();
    await clientOf(port).resolveTxt("dns-version.cluster.local");
  }));

test("other names are forwarded, by UDP and by TCP", () =>
  withServer(
    (upstream) => {
      const forwarder = new Forwarder({
        resolvers: () => ["127.0.0.1"],
        clock: systemClock,
        timeoutMs: patientMs,
        port: upstream,
      });
      return withServer(async (port) => {
        assert.deepEqual(await clientOf(port).resolveTxt("dns-version.other.example"), [["1.1.0"]]);
        assert.equal((await clientOf(port).resolve4("many.default.svc.other.example")).length, 120);
      }, forwarder);
    },
    undefined,
    "other.example",
  ));

test("without a resolver, or with one that is not there, the answer is an error at once", async () => {
  for (const resolvers of [[], ["127.0.0.1"]]) {
    // Port 1 has no listener: the kernel refuses the datagram.
    const clock = new FakeClock();
    const forwarder = new Forwarder({ resolvers: () => resolvers, clock, port: 1 });
    // Time stands still: nobody waits for it to run out.
    await withServer(async (port) => {
      await assert.rejects(clientOf(port).resolve4("example.com"), { code: "ESERVFAIL" });
    }, forwarder);
  }
});

test("resolv.conf", () => {
  const text =
    "# comment\nsearch a.b\nnameserver 192.0.2.53\n nameserver\tfe80::1%eth0\nnameserver nonsense\n";
  assert.deepEqual(parseNameservers(text), ["192.0.2.53", "fe80::1%eth0"]);
});
