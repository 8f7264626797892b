import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { Agent, request as httpsRequest } from "node:https";
import { connect, type ClientHttp2Session } from "node:http2";
import { test, type TestContext } from "node:test";
import type { HandlerRequest, ShutdownOptions, SpecialHandler } from "./contract.ts";
import { Shutdown } from "./shutdown.ts";
import { ca, clientCert, clientKey, serverCert, serverKey } from "./testing/certificates.ts";
import { type Harness, startHarness } from "./testing/harness.ts";

const reviews = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

interface Answered {
  status: number;
  headers: Record<string, unknown>;
  text: string;
}

interface Running {
  h: Harness;
  session: ClientHttp2Session;
  port: number;
  /** Resolves when the server holds a request. */
  holds: Promise<void>;
  /** Continues it. */
  release(): void;
}

async function start(t: TestContext, shutdown: ShutdownOptions): Promise<Running> {
  let held: (() => void) | undefined;
  let arrived = (): void => {};
  const there = new Promise<void>((resolve) => (arrived = resolve));
  const holding: SpecialHandler = {
    group: "authentication.k8s.io",
    version: "v1",
    kind: "SelfSubjectReview",
    namespaced: false,
    verbs: ["create"],
    handle: () =>
      new Promise((resolve) => {
        held = () => resolve({ apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" } as never);
        arrived();
      }),
  };
  const h = await startHarness({
    shutdown,
    authenticator: { authenticate: () => ({ name: "u", groups: ["system:masters"] }) },
    special: new Map([["selfsubjectreviews.authentication.k8s.io", holding]]),
  });
  const tls = { key: serverKey, cert: serverCert, clientCa: ca };
  const { port } = await h.server.listen({ host: "127.0.0.1", port: 0, tls });
  const session = connect(`https://127.0.0.1:${port}`, { ca, key: clientKey, cert: clientCert });
  session.on("error", () => {});
  t.after(async () => {
    session.destroy();
    await h.close();
  });
  return {
    h,
    session,
    port,
    holds: there,
    release: () => held?.(),
  };
}

function http2(session: ClientHttp2Session, path: string, body?: object): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const headers = { ":path": path, ":method": body ? "POST" : "GET", "content-type": "application/json" };
    const stream = session.request(headers);
    let got: Record<string, unknown> = {};
    let text = "";
    stream.on("response", (answered) => (got = answered));
    stream.on("data", (chunk) => (text += chunk));
    stream.on("end", () => resolve({ status: Number(got[":status"]), headers: got, text }));
    stream.on("error", reject);
    stream.end(body && JSON.stringify(body));
  });
}

function http1(agent: Agent, port: number, path: string, body?: object): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const method = body ? "POST" : "GET";
    const headers = { "content-type": "application/json" };
    const options = { host: "127.0.0.1", port, path, ca, agent, method, headers };
    const request = httpsRequest(options, (response: IncomingMessage) => {
      let text = "";
      response.on("data", (chunk) => (text += chunk));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      );
    });
    request.on("error", reject);
    request.end(body && JSON.stringify(body));
  });
}

const review = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" };

test("it is not ready first, serves on for a while, then lets go of clients and finishes what is under way", async (t) => {
  const { h, session, port, holds, release } = await start(t, { delayMs: 5000 });
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const idle = new Agent({ keepAlive: true });
  t.after(() => idle.destroy());
  assert.equal((await http1(idle, port, "/readyz")).text, "ok");
  const watch = session.request({ ":path": "/api/v1/namespaces?watch=1" });
  await once(watch, "response");
  let ended = false;
  watch.on("end", () => (ended = true)).resume();
  const underWay = http1(agent, port, reviews, review);
  await holds;
  const away = once(session, "goaway");

  const closed = h.server.close();
  assert.match((await http2(session, "/readyz")).text, /\[-\]shutdown failed/);
  assert.equal((await http2(session, "/livez")).text, "ok");
  assert.equal((await http2(session, "/api/v1/namespaces/default")).status, 200);
  assert.equal(ended, false);

  const watchEnds = once(watch, "end");
  await h.clock.run(5000);
  await watchEnds;
  await away;
  await assert.rejects(http1(idle, port, "/livez"), /ECONNREFUSED/);
  release();
  const { status, headers } = await underWay;
  assert.deepEqual([status, headers.connection], [201, "close"]);
  await closed;
});

test("when it says when to come again, it listens until all is done", async (t) => {
  const { h, session, port, holds, release } = await start(t, { sendRetryAfter: true });
  const agent = new Agent();
  const underWay = http2(session, reviews, review);
  await holds;
  const closed = h.server.close();
  const late = await http1(agent, port, "/api/v1/namespaces/default");
  assert.equal(late.status, 429);
  assert.equal(late.text, "The apiserver is shutting down, please try again later.\n");
  assert.deepEqual([late.headers["retry-after"], late.headers.connection], ["5", "close"]);
  assert.equal((await http1(agent, port, "/livez")).status, 200);
  assert.equal((await http1(agent, port, "/metrics")).status, 200);
  release();
  assert.equal((await underWay).status, 201);
  await closed;
});

test("what takes too long is cut off", async (t) => {
  const { h, session, holds } = await start(t, { graceMs: 20 });
  const underWay = http2(session, reviews, review);
  await holds;
  const status = underWay.then(
    (answered) => answered.status,
    () => 0,
  );
  await h.server.close();
  assert.notEqual(await status, 201);
});

test("what comes too late is told to try again; who looks after the server is answered", () => {
  const shutdown = new Shutdown({});
  const request = (path: string, userAgent = "kubectl"): HandlerRequest => ({
    method: "GET",
    path,
    headers: { "user-agent": userAgent },
    peer: { address: "" },
  });
  shutdown.leave();
  assert.throws(() => shutdown.check(), /process is shutting down/);
  assert.equal(shutdown.refusal(request("/api/v1/pods")), undefined);
  shutdown.end();
  const { status, headers, body } = shutdown.refusal(request("/api/v1/pods")) ?? {};
  assert.deepEqual([status, headers?.["retry-after"]], [503, "1"]);
  assert.equal(JSON.parse(Buffer.from(body as Uint8Array).toString()).message, "apiserver is shutting down");
  assert.equal(shutdown.refusal(request("/readyz?verbose")), undefined);
  assert.equal(shutdown.refusal(request("/api/v1/pods", "kube-apiserver/v1.36")), undefined);
});

test("watches may end one after the other, and connections last until the last one has", async (t) => {
  const { h, session } = await start(t, { watchGraceMs: 60_000 });
  const watches = await Promise.all(
    Array.from({ length: 12 }, async () => {
      const watch = session.request({ ":path": "/api/v1/namespaces?watch=1" });
      await once(watch, "response");
      watch.resume();
      return watch;
    }),
  );
  const ended = watches.map((watch) => once(watch, "end"));
  const closed = h.server.close();
  await Promise.all(ended.slice(0, 10));
  assert.deepEqual(
    watches.map(({ readableEnded }) => readableEnded),
    watches.map((_, i) => i < 10),
  );
  assert.equal(session.destroyed, false);
  await h.clock.run(50);
  await Promise.all(ended);
  await closed;
});
