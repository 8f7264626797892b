import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { silentLogger } from "../../machinery/index.ts";
import { FakeClock } from "../../testing/index.ts";
import type { UserInfo } from "../auth-contract.ts";
import { collect } from "../testing/collector.ts";
import { conversionHook, thing, things, withThings } from "../testing/conversion-webhook.ts";
import { configMap } from "../testing/harness.ts";
import { configure, hook, maps, serve, webhookServer } from "../testing/webhooks.ts";
import { readTracingConfig } from "./config.ts";
import { openTracing } from "./open.ts";
import { type FinishedSpan, Span } from "./span.ts";
import { listingStore, type StoreList } from "./store-spans.ts";
import { readTraceContext } from "./trace-context.ts";
import { Tracer } from "./tracer.ts";

const config = (more: object = {}) => ({
  apiVersion: "apiserver.config.k8s.io/v1",
  kind: "TracingConfiguration",
  ...more,
});
const [traceId, spanId] = ["0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"];
const traceparent = `00-${traceId}-${spanId}-01`;
const admin: UserInfo = { name: "admin", groups: ["system:masters"] };
const alice: UserInfo = { name: "alice", groups: ["devs"] };

/** A server that records spans, for one user. */
async function traced(t: TestContext, user: UserInfo, samplingRatePerMillion: number) {
  const spans: FinishedSpan[] = [];
  const clock = new FakeClock();
  const tracer = new Tracer({
    clock,
    log: silentLogger,
    samplingRatePerMillion,
    send: (batch) => Promise.resolve(void spans.push(...batch)),
  });
  const h = await serve(t, { clock, tracer, authenticator: { authenticate: () => user } });
  const taken = async (): Promise<FinishedSpan[]> => {
    await tracer.close();
    return spans.splice(0);
  };
  return { h, taken };
}

test("a request has a span, its verb another, and each webhook learns to which trace it belongs", async (t) => {
  const given: (string | undefined)[] = [];
  const hooks = await webhookServer(
    t,
    () => ({ allowed: true }),
    (_url, headers) => given.push(headers.traceparent as string | undefined),
  );
  const { h, taken } = await traced(t, alice, 1_000_000);
  await configure(h, "Mutating", "m", [hook("m", hooks.url)]);
  await taken();
  await h.call("POST", maps, configMap("a"), { host: "server.example.com:6443", "user-agent": "tester" });
  const spans = await taken();
  const named = (name: string): FinishedSpan => spans.find((each) => each.name === name) as FinishedSpan;
  const [request, verb, call, post, write] = [
    named("POST /api/v1/namespaces/{:namespace}/configmaps"),
    named("Create"),
    named("Call mutating webhook"),
    named("HTTP POST"),
    named("Create etcd3"),
  ];
  assert.equal(spans.length, 5);
  assert.deepEqual(
    [request, verb, call, post, write].map(({ kind, parentId }) => [kind, parentId]),
    [
      ["server", ""],
      ["internal", request.context.spanId],
      ["internal", verb.context.spanId],
      ["client", call.context.spanId],
      ["internal", verb.context.spanId],
    ],
  );
  assert.deepEqual(
    [call.attributes.configuration, call.attributes.resource, call.attributes.operation],
    ["m", "v1, Resource=configmaps", "CREATE"],
  );
  assert.equal(new Set(spans.map(({ context }) => context.traceId)).size, 1);
  assert.deepEqual(given, [`00-${request.context.traceId}-${post.context.spanId}-01`]);
  const { attributes } = request;
  assert.equal(attributes["http.request.method"], "POST");
  assert.equal(attributes["http.response.status_code"], 201);
  assert.equal(attributes["http.target"], maps);
  assert.equal(attributes["server.port"], 6443);
  assert.equal(attributes["user_agent.original"], "tester");
  assert.deepEqual(
    [verb.attributes.resource, verb.attributes.scope, verb.attributes.verb],
    ["configmaps", "namespace", "create"],
  );
});

test("what is read and written has spans: of the cache and of the store, with their keys", async (t) => {
  const { h, taken } = await traced(t, alice, 1_000_000);
  const noted = async (): Promise<unknown[]> =>
    (await taken())
      .filter(({ name }) => /etcd3|^cacher/.test(name))
      .map(({ name, attributes, error }) => {
        const { "audit-id": audit, ...others } = attributes;
        assert.notEqual(audit, undefined);
        return [name, others, error];
      });
  const key = "/core/configmaps/default/a";
  const type = { type: "*core.ConfigMap", group: "", resource: "configmaps" };
  await h.call("POST", maps, configMap("a"));
  assert.deepEqual(await noted(), [["Create etcd3", { key, ...type }, undefined]]);
  await h.call("PUT", `${maps}/a`, configMap("a", { k: "v" }));
  assert.deepEqual(await noted(), [["GuaranteedUpdate etcd3", { key, ...type }, undefined]]);
  await h.call("GET", `${maps}/a?resourceVersion=0`);
  assert.deepEqual(await noted(), [["cacher.Get", { key, "resource-version": "0" }, undefined]]);
  await h.call("GET", maps);
  assert.deepEqual(await noted(), [["cacher.GetList", { type: "configmaps" }, undefined]]);
  await h.call("GET", "/apis/apps/v1/deployments");
  assert.deepEqual(await noted(), [["cacher.GetList", { type: "deployments.apps" }, undefined]]);
});

test("a watch has spans: its place in the cache, and the state that it begins with until that is told", async (t) => {
  const { h, taken } = await traced(t, alice, 1_000_000);
  await h.call("POST", maps, configMap("a"));
  await taken();
  const query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
  const watch = await h.watch(`${maps}?${query}`);
  while ((await watch.next())?.type !== "BOOKMARK");
  const spans = await taken();
  const [place, list] = ["cacher.Watch", "WatchList"].map((name) => spans.find((each) => each.name === name));
  assert.equal(place?.attributes.type, "configmaps");
  assert.equal(place.parentId, list?.context.spanId);
  assert.deepEqual([list?.attributes.resource, list?.attributes.verb], ["configmaps", "watch"]);
  watch.close();
  const plain = await h.watch(`${maps}?watch=1&resourceVersion=1`);
  plain.close();
  const others = (await taken()).map(({ name }) => name);
  assert.ok(others.includes("cacher.Watch") && !others.includes("WatchList"), others.join());
});

test("a former revision that only the store has is a span of its own, with what was asked", async () => {
  const spans: FinishedSpan[] = [];
  const around = {
    now: () => 0,
    newId: () => spanId,
    finished: (span: FinishedSpan) => void spans.push(span),
  };
  const context = { traceId, spanId, sampled: true, state: "" };
  const start = { name: "List", kind: "internal" } as const;
  const resource = { storeKey: (key: string) => `/registry/core/pods/${key}` };
  const span = new Span(around, start, context, { id: "", link: undefined });
  const asked = { namespace: "n", revision: 7, match: "Exact", limit: 5, continue: "" };
  const request = { method: "GET", path: "/", peer: { address: "" }, span };
  const list = { ...asked, resource: resource as unknown as StoreList["resource"] };
  assert.equal(await listingStore(request, list, () => Promise.resolve("what is there")), "what is there");
  const [{ name, attributes, parentId } = {} as FinishedSpan] = spans;
  assert.deepEqual([name, parentId], ["List(recursive=true) etcd3", spanId]);
  assert.deepEqual(attributes, {
    "audit-id": "",
    key: "/core/pods/n/",
    resourceVersion: "7",
    resourceVersionMatch: "Exact",
    limit: 5,
    continue: "",
  });
});

test("a review of objects to convert begins a trace of its own: it may be for several requests", async (t) => {
  const hook = await conversionHook(t);
  const spans: FinishedSpan[] = [];
  const clock = new FakeClock();
  const send = (batch: readonly FinishedSpan[]) => Promise.resolve(void spans.push(...batch));
  const tracer = new Tracer({ clock, log: silentLogger, samplingRatePerMillion: 1_000_000, send });
  const h = await withThings(t, hook, { tracer, authenticator: { authenticate: () => admin } });
  hook.traces.length = 0;
  const made = await h.call("POST", things("v2"), thing("v2", "a", { host: "h", port: "1" }), {
    traceparent,
  });
  assert.equal(made.status, 201, made.text);
  await tracer.close();
  const posts = spans.filter(({ name }) => name === "HTTP POST");
  assert.deepEqual(
    hook.traces,
    posts.map(({ context }) => `00-${context.traceId}-${context.spanId}-01`),
  );
  assert.ok(posts.length > 0);
  for (const { context, parentId, kind } of posts)
    assert.deepEqual([context.traceId === traceId, parentId, kind], [false, "", "client"]);
});

test("administrators say to which trace a request belongs; of others it is only noted", async (t) => {
  const privileged = await traced(t, admin, 0);
  await privileged.h.call("GET", `${maps}/none`, undefined, { traceparent, tracestate: "a=b" });
  await privileged.h.call("GET", `${maps}/none`);
  await privileged.h.call("GET", `${maps}/none`, undefined, { traceparent: traceparent.replace(/1$/, "0") });
  const [, verb, request, ...others] = await privileged.taken();
  assert.equal(others.length, 0, "what is not sampled leaves nothing");
  assert.deepEqual(
    [request?.context.traceId, request?.parentId, request?.context.state, verb?.name],
    [traceId, spanId, "a=b", "Get"],
  );
  assert.equal(verb?.error, 'configmaps "none" not found');
  const plain = await traced(t, alice, 1_000_000);
  await plain.h.call("GET", "/version", undefined, { traceparent });
  const [own] = await plain.taken();
  assert.equal(own?.name, "GET");
  assert.notEqual(own?.context.traceId, traceId);
  assert.deepEqual([own?.parentId, own?.link?.traceId], ["", traceId]);
});

test("a server that traces nothing passes on what it is given", async (t) => {
  const given: unknown[] = [];
  const hooks = await webhookServer(
    t,
    () => ({ allowed: true }),
    (_url, headers) => given.push([headers.traceparent, headers.baggage]),
  );
  const h = await serve(t);
  await configure(h, "Mutating", "m", [hook("m", hooks.url)]);
  await h.call("POST", maps, configMap("a"), { traceparent, baggage: "k=v" });
  await h.call("POST", maps, configMap("b"));
  assert.deepEqual(given, [
    [traceparent, "k=v"],
    [undefined, undefined],
  ]);
});

test("spans go to the collector that the configuration names", async (t) => {
  const collector = await collect(t);
  const clock = new FakeClock();
  const tracing = openTracing(config({ endpoint: collector.endpoint, samplingRatePerMillion: 1_000_000 }), {
    clock,
    log: silentLogger,
  });
  const h = await serve(t, { clock, tracer: tracing.tracer });
  await h.call("GET", "/api/v1/nodes/none");
  await h.call("GET", "/api/v1/nodes", undefined, { accept: "nothing/here" });
  await tracing.close();
  assert.deepEqual(
    [...new Set(collector.paths)],
    ["/opentelemetry.proto.collector.trace.v1.TraceService/Export"],
  );
  assert.equal(collector.resources[0]?.["service.name"], "apiserver");
  const [, get, node, nodes] = collector.spans;
  assert.deepEqual(
    [get?.name, node?.name, nodes?.name, get?.parentId],
    ["Get", "GET /api/v1/nodes/{:name}", "GET /api/v1/nodes", node?.spanId],
  );
  assert.deepEqual([get?.kind, node?.kind, get?.failed, node?.failed], [1, 2, true, false]);
  assert.equal(nodes?.attributes["http.response.status_code"], 406);
});

test("a collector that is not there costs spans and nothing else", async (t) => {
  const lines: string[] = [];
  const clock = new FakeClock();
  const log = { ...silentLogger, warn: (message: string) => void lines.push(message) };
  const tracer = new Tracer({
    clock,
    log,
    samplingRatePerMillion: 1_000_000,
    send: () => Promise.reject(new Error("connection refused")),
  });
  const h = await serve(t, { clock, tracer });
  for (let i = 0; i < 3; i++) assert.equal((await h.call("GET", "/version")).status, 200);
  clock.advance(5000);
  await tracer.close();
  assert.deepEqual(lines, ["spans could not be sent"]);
});

test("one in so many requests is traced", () => {
  const tracer = new Tracer({
    clock: new FakeClock(),
    log: silentLogger,
    samplingRatePerMillion: 250_000,
    send: () => Promise.resolve(),
  });
  const sampled = Array.from(
    { length: 4000 },
    () => tracer.begin({ name: "n", kind: "server" }, undefined, false).context.sampled,
  ).filter(Boolean).length;
  // The probability of a greater deviation is below one in a million.
  assert.ok(sampled > 850 && sampled < 1150, String(sampled));
});

test("trace context: what makes no sense is none", () => {
  assert.deepEqual(readTraceContext({ traceparent }), { traceId, spanId, sampled: true, state: "" });
  assert.ok(readTraceContext({ traceparent: `01-${traceId}-${spanId}-01-more` }));
  for (const wrong of [
    "",
    `ff-${traceId}-${spanId}-01`,
    `00-${traceId}-${spanId}-01-more`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${"0".repeat(32)}-${spanId}-01`,
    `00-${traceId}-${"0".repeat(16)}-01`,
    `00-${traceId}-01`,
  ])
    assert.equal(readTraceContext({ traceparent: wrong }), undefined, wrong);
});

test("the configuration names a collector, and every mistake is told", () => {
  const address = (endpoint?: string) => readTracingConfig(config({ endpoint })).address;
  assert.deepEqual(address(), { host: "localhost", port: 4317 });
  assert.deepEqual(address("collector:1"), { host: "collector", port: 1 });
  assert.deepEqual(address("dns://collector:2"), { host: "collector", port: 2 });
  assert.deepEqual(address("[::1]:3"), { host: "::1", port: 3 });
  assert.deepEqual(address("unix:///run/c.sock"), { path: "/run/c.sock" });
  assert.throws(
    () => readTracingConfig(config({ endpoint: "http://c", samplingRatePerMillion: 1_000_001, more: 1 })),
    /unknown field "more"; samplingRatePerMillion: Invalid value: 1000001: .* one million; endpoint: Invalid value: "http:\/\/c": unsupported scheme: http\./,
  );
  assert.throws(
    () => readTracingConfig(config({ samplingRatePerMillion: -1 })),
    /sampling rate must be positive/,
  );
  assert.throws(() => readTracingConfig({ kind: "Other" }), /must hold a TracingConfiguration/);
});
