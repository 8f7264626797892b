import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { bytesOf, decodeMessage, type Fields, numberOf, textOf } from "../codec/protobuf/plain-message.ts";
import { metricsAnswer } from "./exposition.ts";
import { MetricsRegistry } from "./registry.ts";

function registryOf(): MetricsRegistry {
  const registry = new MetricsRegistry(() => 1_700_000_000_250);
  registry
    .counter({ name: "asked_total", help: "Asked.", stability: "BETA", labels: ["verb", "code"] })
    .with('G"ET', "200")
    .add(300);
  registry.gauge({ name: "open", help: "Open.", stability: "" }).with().set(0);
  const took = registry.histogram({ name: "took", help: "Took.", stability: "ALPHA", bounds: [0.5, 2] });
  for (const each of [0.25, 1, 1, 9]) took.with().observe(each);
  registry.counter({ name: "unused", help: "None.", stability: "ALPHA", labels: ["x"] });
  return registry;
}

const asked = (encoding: string) =>
  `application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=${encoding}`;
const read = async (headers: Record<string, string>) => {
  const { headers: got, body } = await metricsAnswer("GET", headers, registryOf());
  return {
    type: got["content-type"],
    encoding: got["content-encoding"],
    body: Buffer.from(body as Uint8Array),
  };
};

const all = (fields: Fields, number: number): Fields[] =>
  (fields.get(number) ?? []).map((each) => decodeMessage(each as Uint8Array));
const one = (fields: Fields, number: number): Fields => decodeMessage(bytesOf(fields, number));
const double = (fields: Fields, number: number): number => bytesOf(fields, number).readDoubleLE();

test("families as messages of protobuf, each after its length, zeros and all", async () => {
  const { type, body } = await read({ accept: asked("delimited") });
  assert.equal(type, `${asked("delimited")}; escaping=underscores`);
  const families: Fields[] = [];
  // All are shorter than 2^14 bytes: their length takes one or two bytes.
  for (let at = 0; at < body.length; ) {
    let length = body[at++] as number;
    if (length >= 0x80) length = length - 0x80 + (body[at++] as number) * 0x80;
    families.push(decodeMessage(body.subarray(at, (at += length))));
  }
  assert.deepEqual(
    families.map((each) => [textOf(each, 1), textOf(each, 2), each.get(3)]),
    [
      ["asked_total", "[BETA] Asked.", [0]],
      ["open", "Open.", [1]],
      ["took", "[ALPHA] Took.", [4]],
    ],
  );
  const [counter, gauge, histogram] = families.map((each) => one(each, 4)) as [Fields, Fields, Fields];
  assert.deepEqual(
    all(counter, 1).map((label) => [textOf(label, 1), textOf(label, 2)]),
    [
      ["code", "200"],
      ["verb", 'G"ET'],
    ],
  );
  assert.equal(double(one(counter, 3), 1), 300);
  const created = one(one(counter, 3), 3);
  assert.deepEqual([numberOf(created, 1), numberOf(created, 2)], [1_700_000_000, 250_000_000]);
  assert.equal(double(one(gauge, 2), 1), 0);
  const held = one(histogram, 7);
  assert.deepEqual([numberOf(held, 1), double(held, 2)], [4, 11.25]);
  assert.deepEqual(
    all(held, 3).map((bucket) => [numberOf(bucket, 1), double(bucket, 2)]),
    [
      [1, 0.5],
      [3, 2],
    ],
  );
});

test("protobuf's text format, long and short", async () => {
  const compact = await read({ accept: asked("compact-text") });
  assert.equal(
    compact.body.toString().split("\n")[0],
    'name:"asked_total" help:"[BETA] Asked." type:COUNTER metric:{label:{name:"code" value:"200"} label:{name:"verb" value:"G\\"ET"} counter:{value:300 created_timestamp:{seconds:1700000000 nanos:250000000}}}',
  );
  const long = await read({ accept: asked("text") });
  assert.match(
    long.body.toString(),
    /^name: "open"\nhelp: "Open."\ntype: GAUGE\nmetric: \{\n {2}gauge: \{\n {4}value: 0\n {2}\}\n\}\n\n/m,
  );
});

test("the format is the one preferred of those there are, text for the rest, and OpenMetrics is not offered", async () => {
  const text = "text/plain; version=0.0.4; charset=utf-8; escaping=";
  const wanted: [string, string][] = [
    ["", `${text}underscores`],
    ["application/json", `${text}underscores`],
    ["application/openmetrics-text; version=1.0.0", `${text}underscores`],
    ["text/plain; version=0.0.4; escaping=allow-utf-8", `${text}allow-utf-8`],
    [`text/plain;q=0.7,${asked("delimited")};q=0.6`, `${text}underscores`],
    [`text/plain;q=0.5,${asked("delimited")};q=0.6`, `${asked("delimited")}; escaping=underscores`],
    [`text/plain;version=1.0.0,${asked("delimited")};q=0.6`, `${asked("delimited")}; escaping=underscores`],
    ["application/vnd.google.protobuf", `${text}underscores`],
  ];
  for (const [accept, type] of wanted) assert.equal((await read({ accept })).type, type, accept);
});

test("gzip for who takes it, be the answer short", async () => {
  const plain = await read({});
  const zipped = await read({ "accept-encoding": "zstd, gzip;q=0.5" });
  assert.equal(zipped.encoding, "gzip");
  assert.deepEqual(gunzipSync(zipped.body), plain.body);
  for (const each of ["zstd", "gzip;q=0"])
    assert.equal((await read({ "accept-encoding": each })).encoding, undefined, each);
});
