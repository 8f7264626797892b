import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { createLogger } from "../../machinery/index.ts";
import { decodeMessage, textOf } from "../codec/protobuf/plain-message.ts";
import { failure, type Harness, startHarness } from "../testing/harness.ts";
import { cpuProfile, heapProfile } from "./pprof.ts";

async function serving(options: Parameters<typeof startHarness>[0] = {}): Promise<Harness & AsyncDisposable> {
  const h = await startHarness({
    flags: new Map([
      ["v", "0"],
      ["profiling", "true"],
    ]),
    ...options,
  });
  return { ...h, [Symbol.asyncDispose]: () => h.close() };
}
const get = (h: Harness, path: string, accept: string) => h.call("GET", path, undefined, { accept });
const kindOf = (kind: string, v: string, type = "application/json") =>
  `${type};g=config.k8s.io;v=${v};as=${kind}`;

test("/statusz and /flagz tell people by lines and programs by an object of a version", async () => {
  await using h = await serving();
  for (const accept of ["", "*/*", "text/plain", "text/html, */*;q=0.1", "application/json;as=Foo, text/*"]) {
    const { status, headers, text } = await get(h, "/statusz", accept);
    assert.equal(status, 200, accept);
    assert.equal(headers["content-type"], "text/plain; charset=utf-8");
    assert.match(
      text,
      /^\napiserver statusz\nWarning: .*\n\nStarted\W+\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d UTC \d{4}\nUp/,
    );
    assert.match(
      text,
      /\nBinary version\W+1\.36\.3\nEmulation version\W+1\.36\nPaths\W+\/flagz \/healthz \/livez \/metrics/,
    );
  }
  const flags = await get(h, "/flagz", "text/plain");
  assert.match(flags.text, /^\napiserver flagz\nWarning: .*\nprofiling(:|: |=| )true\nv(:|: |=| )0\n$/);
  const status = await get(h, "/statusz", kindOf("Statusz", "v1beta1"));
  assert.equal(status.headers["content-type"], kindOf("Statusz", "v1beta1"));
  assert.equal(status.headers.warning, undefined);
  assert.deepEqual(Object.keys(status.body), [
    "kind",
    "apiVersion",
    "metadata",
    "startTime",
    "uptimeSeconds",
    "goVersion",
    "binaryVersion",
    "emulationVersion",
    "paths",
  ]);
  const old = await get(h, "/flagz", kindOf("Flagz", "v1alpha1"));
  assert.equal(
    old.headers.warning,
    '299 - "This version of the flagz endpoint is deprecated. Please use a newer version."',
  );
  assert.deepEqual(old.body.flags, { profiling: "true", v: "0" });
  const yaml = await get(h, "/flagz", kindOf("Flagz", "v1beta1", "application/yaml"));
  assert.match(yaml.text, /^apiVersion: config.k8s.io\/v1beta1\nflags:\n {2}profiling: "true"\n/);
});

test("/statusz is for no other kind, version or encoding", async () => {
  await using h = await serving();
  for (const accept of [
    "application/json",
    "application/*",
    kindOf("Statusz", "v1"),
    kindOf("Flagz", "v1beta1"),
    kindOf("Statusz", "v1beta1", "application/vnd.kubernetes.protobuf"),
    "text/plain;v=v1beta1",
  ])
    assert.equal(
      failure(await get(h, "/statusz", accept), 406).message,
      "only the following media types are accepted: application/json, application/yaml, text/plain",
      accept,
    );
});

test("the root lists what is for everybody, not what is for debugging", async () => {
  await using h = await serving();
  const { paths } = (await h.call("GET", "/")).body;
  assert.deepEqual(
    paths.filter((path: string) => /z$|debug/.test(path)),
    ["/flagz", "/healthz", "/livez", "/readyz", "/statusz"],
  );
});

test("how much is logged changes while it runs", async () => {
  const lines: string[] = [];
  const log = createLogger(
    (line) => lines.push(line),
    () => 0,
  );
  await using h = await serving({ log });
  const put = (value: string) => h.call("PUT", "/debug/flags/v", value);
  log.debug("first");
  assert.equal((await put("4")).text, "successfully set klog.logging.verbosity to 4\n");
  log.with({ part: "p" }).debug("second");
  assert.equal((await put("0")).status, 200);
  log.debug("third");
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).message).filter((text) => /first|second|third/.test(text)),
    ["second"],
  );
  const wrong = await put("x");
  assert.deepEqual([wrong.status, wrong.text], [400, 'strconv.ParseUint: parsing "x": invalid syntax\n']);
  assert.equal((await h.call("GET", "/debug/flags/v")).status, 406);
  assert.match((await h.call("GET", "/debug/flags")).text, /<tr>v<br>/);
});

test("profiles are taken for as long as one asks, one of a kind at a time, and not where nobody wants them", async () => {
  await using h = await serving();
  const before = h.clock.waiting;
  const running = h.call("GET", "/debug/pprof/profile?seconds=2");
  while (h.clock.waiting === before) await new Promise((resolve) => setImmediate(resolve));
  const second = await h.call("GET", "/debug/pprof/profile");
  assert.deepEqual([second.status, second.headers["x-go-pprof"]], [500, "1"]);
  while (!(await Promise.race([running, Promise.resolve()]))) {
    h.clock.advance(2000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { status, headers, bytes } = await running;
  assert.deepEqual([status, headers["content-disposition"]], [200, 'attachment; filename="profile"']);
  const texts = (decodeMessage(gunzipSync(bytes)).get(6) ?? []).map((text) =>
    Buffer.from(text as Uint8Array).toString(),
  );
  assert.ok(texts.includes("cpu") && texts.includes("nanoseconds"), String(texts));
  assert.equal((await h.call("GET", "/debug/pprof")).headers.location, "/debug/pprof/");
  assert.match((await h.call("GET", "/debug/pprof/")).text, /href="profile"/);
  assert.equal((await h.call("GET", "/debug/pprof/nope")).text, "Unknown profile\n");
  await using off = await serving({ profiling: false });
  assert.equal((await off.call("GET", "/debug/pprof/")).status, 404);
});

/** Twenty megabytes of garbage. */
function makeGarbage(): number {
  let made = 0;
  for (let i = 0; i < 20_000; i++) made += Array.from({ length: 100 }, () => i).length;
  return made;
}

test("allocs tells of memory that is free again, too; memory is profiled once at a time", async () => {
  await using h = await serving();
  const before = h.clock.waiting;
  const running = h.call("GET", "/debug/pprof/allocs?seconds=1");
  while (h.clock.waiting === before) await new Promise((resolve) => setImmediate(resolve));
  const second = await h.call("GET", "/debug/pprof/heap?seconds=1");
  assert.deepEqual(
    [second.status, second.text],
    [500, "Could not enable memory profiling: memory profiling already in use\n"],
  );
  assert.equal(makeGarbage(), 2_000_000);
  h.clock.advance(1000);
  const { status, headers, bytes } = await running;
  assert.deepEqual([status, headers["content-disposition"]], [200, 'attachment; filename="allocs"']);
  const texts = (decodeMessage(gunzipSync(bytes)).get(6) ?? []).map((text) =>
    Buffer.from(text as Uint8Array).toString(),
  );
  assert.ok(texts.includes("alloc_space") && !texts.includes("inuse_space"), String(texts.slice(0, 5)));
  const garbage = samplesOf(bytes).filter(([names]) => names.split("<").includes("makeGarbage"));
  const number = (varint: number[]): number =>
    varint.reduce((sum, byte, i) => sum + (byte & 0x7f) * 128 ** i, 0);
  const total = garbage.reduce((sum, [, ...value]) => sum + number(value), 0);
  assert.ok(total > 2 ** 20, `${total} bytes of garbage`);
});

const frame = (functionName: string) => ({
  functionName,
  scriptId: "1",
  url: "file:///a.ts",
  lineNumber: 4,
  columnNumber: 0,
});

/** Samples as names from the innermost frame, and their values. */
function samplesOf(bytes: Buffer): [string, ...number[]][] {
  const profile = decodeMessage(gunzipSync(bytes));
  const texts = (profile.get(6) ?? []).map((each) => Buffer.from(each as Uint8Array).toString());
  const messages = (number: number) =>
    (profile.get(number) ?? []).map((each) => decodeMessage(each as Uint8Array));
  const names = new Map(messages(5).map((each) => [each.get(1)?.[0], texts[each.get(2)?.[0] as number]]));
  assert.equal(textOf(profile, 6), texts.at(-1));
  return messages(2).map((sample) => {
    const [values] = (sample.get(2) ?? []) as Uint8Array[];
    return [(sample.get(1) ?? []).map((place) => names.get(place as number)).join("<"), ...(values ?? [])];
  });
}

test("a CPU profile says how often and how long each way through the program was on; waiting counts for nothing", () => {
  const bytes = cpuProfile(
    {
      nodes: [
        { id: 1, callFrame: frame("(root)"), children: [2, 4] },
        { id: 2, callFrame: frame("outer"), children: [3] },
        { id: 3, callFrame: frame("inner") },
        { id: 4, callFrame: frame("(idle)") },
      ],
      startTime: 0,
      endTime: 10,
      samples: [3, 4, 3, 2],
      timeDeltas: [0, 5, 0, 0],
    },
    0,
  );
  assert.deepEqual(samplesOf(bytes), [
    ["inner<outer", 2, 0],
    ["outer", 1, 0],
  ]);
});

test("a profile of memory says where what is still in use was taken", () => {
  const leaf = { callFrame: frame("leaf"), selfSize: 7, id: 2, children: [] };
  const head = { callFrame: frame("(root)"), selfSize: 0, id: 1, children: [leaf] };
  assert.deepEqual(samplesOf(heapProfile({ head }, 0, "inuse_space")), [["leaf", 7]]);
});
