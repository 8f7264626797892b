import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeMessage } from "./decode.ts";
import { encodeMessage, ipv6Groups } from "./encode.ts";
import { type DnsMessage, DnsFormatError, parseName } from "./message.ts";

const message: DnsMessage = {
  id: 4711,
  response: true,
  opcode: 0,
  authoritative: true,
  truncated: false,
  recursionDesired: true,
  recursionAvailable: true,
  rcode: 0,
  questions: [{ name: parseName("web.default.svc.cluster.local"), type: 1, class: 1 }],
  answers: [
    { name: parseName("web.default.svc.cluster.local"), ttl: 5, type: "A", address: "10.96.0.10" },
    { name: parseName("web.default.svc.cluster.local"), ttl: 5, type: "AAAA", address: "fd00:0:0:0:0:0:0:1" },
    {
      name: parseName("_http._tcp.web.default.svc.cluster.local"),
      ttl: 5,
      type: "SRV",
      priority: 0,
      weight: 100,
      port: 80,
      target: parseName("web.default.svc.cluster.local"),
    },
    { name: parseName("a.b"), ttl: 1, type: "TXT", texts: ["1.1.0", ""] },
    { name: parseName("a.b"), ttl: 1, type: "CNAME", target: parseName("c.b") },
    { name: parseName("10.0.96.10.in-addr.arpa"), ttl: 1, type: "PTR", target: parseName("x.a.b") },
    { name: parseName("a.b"), ttl: 1, type: "unknown", code: 99, data: Buffer.from([1, 2, 3]) },
  ],
  authority: [
    {
      name: parseName("cluster.local"),
      ttl: 5,
      type: "SOA",
      primary: parseName("ns.dns.cluster.local"),
      mailbox: parseName("hostmaster.cluster.local"),
      serial: 1,
      refresh: 2,
      retry: 3,
      expire: 4_000_000_000,
      minimum: 5,
    },
  ],
  additional: [],
  edns: { udpSize: 1232, version: 0, dnssecOk: true },
};

test("what is written is read back", () => {
  const bytes = encodeMessage(message);
  const again = decodeMessage(bytes);
  assert.deepEqual(JSON.parse(JSON.stringify(again)), JSON.parse(JSON.stringify(message)));
  // Compression: the domain stands there once, and once more in the SRV target, which is not compressed.
  assert.equal(bytes.toString("latin1").split("cluster\x05local").length - 1, 2);
});

test("what does not fit is left out whole, and said", () => {
  const bytes = encodeMessage(message, 100);
  assert.ok(bytes.length <= 100);
  const again = decodeMessage(bytes);
  assert.equal(again.truncated, true);
  assert.ok(again.answers.length < message.answers.length);
  assert.deepEqual(again.edns, message.edns);
});

test("additional records go without TC", () => {
  const bytes = encodeMessage({ ...message, answers: [], authority: [], additional: message.answers }, 80);
  assert.equal(decodeMessage(bytes).truncated, false);
});

const bad: [string, string][] = [
  ["empty", ""],
  ["half a header", "000001"],
  ["question count without question", "000001000001000000000000"],
  ["pointer to itself", "000001000001000000000000c00c00010001"],
  ["pointer forwards", "000001000001000000000000c01400010001"],
  ["label past the end", "0000010000010000000000003f61"],
  ["reserved label type", "00000100000100000000000080610000010001"],
  ["record data past the end", "0000010000000001000000000000010001000000ff00ff01"],
];
for (const [what, hex] of bad) {
  test(`no message: ${what}`, () =>
    assert.throws(() => decodeMessage(Buffer.from(hex, "hex")), DnsFormatError));
}

test("any bytes are either read or refused", () => {
  const seed = encodeMessage(message);
  // A fixed sequence, so that a failure can be repeated.
  let state = 1;
  const next = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let round = 0; round < 20_000; round++) {
    const bytes = Buffer.from(seed.subarray(0, next(seed.length + 1)));
    for (let i = next(6); i > 0 && bytes.length > 0; i--) bytes[next(bytes.length)] = next(256);
    try {
      encodeMessage(decodeMessage(bytes), 512);
    } catch (error) {
      if (!(error instanceof DnsFormatError)) throw error;
    }
  }
});

test("IPv6 addresses in every spelling", () => {
  assert.deepEqual(ipv6Groups("::"), [0, 0, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual(ipv6Groups("fd00::1:2"), [0xfd00, 0, 0, 0, 0, 0, 1, 2]);
  assert.deepEqual(ipv6Groups("::ffff:1.2.3.4"), [0, 0, 0, 0, 0, 0xffff, 0x102, 0x304]);
});
