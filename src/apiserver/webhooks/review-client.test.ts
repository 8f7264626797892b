import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { type TestContext, test } from "node:test";
import { gzipSync } from "node:zlib";
import type { Deadline } from "../deadline.ts";
import { ca, clientCert, serverCert, serverKey } from "../testing/certificates.ts";
import type { WebhookAddress } from "./address.ts";
import { ReviewClient } from "./review-client.ts";

interface Webhook {
  address: WebhookAddress;
  server: Server;
  /** All connections so far. */
  sockets: Duplex[];
}

type Answer = (response: ServerResponse, request: IncomingMessage, count: number) => void;

async function webhook(t: TestContext, answer: Answer): Promise<Webhook> {
  const sockets: Duplex[] = [];
  let count = 0;
  const server = createServer({ key: serverKey, cert: serverCert }, (request, response) => {
    request.resume().once("end", () => answer(response, request, ++count));
  });
  server.on("connection", (socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/x`;
  return { address: { url, caBundle: Buffer.from(ca).toString("base64") }, server, sockets };
}

function clientOf(t: TestContext): ReviewClient {
  const client = new ReviewClient(
    { get: () => undefined, list: () => [], onChange: () => () => {} },
    () => 0,
  );
  t.after(() => client.close());
  return client;
}

/** A deadline that passes when the client has the head of an answer. */
function whenHeadIsThere(t: TestContext): Pick<Deadline, "leftMs" | "signal"> {
  const channel = "http.client.response.finish";
  const up = new AbortController();
  const over = (): void => void setImmediate(() => up.abort());
  subscribe(channel, over);
  t.after(() => unsubscribe(channel, over));
  return { leftMs: Infinity, signal: up.signal };
}

test("a server may be trusted by its own certificate, without the authority that signed it", async (t) => {
  const { address } = await webhook(t, (response) => response.end("{}"));
  const own = Buffer.from(serverCert).toString("base64");
  assert.deepEqual(await clientOf(t).post({ ...address, caBundle: own }, {}, 30), {});
  const stranger = Buffer.from(clientCert).toString("base64");
  await assert.rejects(
    clientOf(t).post({ ...address, caBundle: stranger }, {}, 30),
    /certificate signed by unknown authority/,
  );
});

test("connections are kept; one that was closed meanwhile is replaced", async (t) => {
  const { address, sockets } = await webhook(t, (response) => response.end("{}"));
  const client = clientOf(t);
  assert.deepEqual(await client.post(address, {}, 30), {});
  assert.deepEqual(await client.post(address, {}, 30), {});
  assert.equal(sockets.length, 1);
  // The server disconnects silently: the client notices when it writes.
  sockets[0]?.destroy();
  assert.deepEqual(await client.post(address, {}, 30), {});
  assert.equal(sockets.length, 2);
});

test("a new connection that is closed without an answer is an error", async (t) => {
  const { address } = await webhook(t, (response) => response.socket?.destroy());
  await assert.rejects(clientOf(t).post(address, {}, 30), /^Error: Post "https:.*\/x\?timeout=30s": EOF$/);
});

test("whoever asks for patience is asked again, as long as there is time", async (t) => {
  const { address } = await webhook(t, (response, _request, count) => {
    if (count < 3) response.writeHead(503, { "retry-after": "0" }).end();
    else response.end('{"count":3}');
  });
  assert.deepEqual(await clientOf(t).post(address, {}, 30), { count: 3 });
  const busy = await webhook(t, (response) => response.writeHead(429, { "retry-after": "60" }).end());
  // The timeout passes while it waits or, on a busy machine, before: the message then names the step.
  await assert.rejects(clientOf(t).post(busy.address, {}, 0.05), /context deadline exceeded$/);
});

test("redirects are not followed (CVE-2020-8561)", async (t) => {
  let called = 0;
  const { address } = await webhook(t, (response) => {
    called++;
    response.writeHead(307, { location: "/x" }).end();
  });
  await assert.rejects(clientOf(t).post(address, {}, 30), {
    message: "the server responded with the status code 307 but did not return more information",
  });
  assert.equal(called, 1);
});

test("what is asked for, and how", async (t) => {
  const { address } = await webhook(t, (response, { method, url, headers }) => {
    const { host, accept, "user-agent": agent, "content-type": type } = headers;
    const seen = JSON.stringify({ method, url, host, accept, agent, type });
    response.setHeader("content-encoding", "gzip").end(gzipSync(seen));
  });
  assert.deepEqual(await clientOf(t).post(address, {}, 7), {
    method: "POST",
    url: "/x?timeout=7s",
    host: new URL(address.url as string).host,
    accept: "application/json, */*",
    agent: "kube-apiserver-admission",
    type: "application/json",
  });
});

test("time runs out before the head of the answer, and in the middle of it", async (t) => {
  const silent = await webhook(t, () => undefined);
  await assert.rejects(clientOf(t).post(silent.address, {}, 0.05), /timeout=1s": context deadline exceeded$/);
  const half = await webhook(t, (response) => response.writeHead(200).write("{"));
  const deadline = whenHeadIsThere(t);
  await assert.rejects(clientOf(t).post(half.address, {}, 30, { deadline }), {
    message:
      "unexpected error when reading response body. Please retry. Original error: context deadline exceeded",
  });
  const cut = await webhook(t, (response) => {
    response.writeHead(200, { "content-length": 10 }).write("{", () => response.socket?.destroy());
  });
  await assert.rejects(clientOf(t).post(cut.address, {}, 30), {
    message: "unexpected error when reading response body. Please retry. Original error: unexpected EOF",
  });
});

test("a body that is cut while it goes on is no answer, though it may look whole", async (t) => {
  const { address } = await webhook(t, (response) => {
    // Neither length nor chunks: the body ends with the connection.
    response.socket?.write('HTTP/1.1 200 OK\r\n\r\n{"allowed":true}');
  });
  const deadline = whenHeadIsThere(t);
  await assert.rejects(clientOf(t).post(address, {}, 30, { deadline }), {
    message:
      "unexpected error when reading response body. Please retry. Original error: context deadline exceeded",
  });
});

test("an answer may be longer than the question, but not by much", async (t) => {
  const mebibyte = 1024 * 1024;
  const { address } = await webhook(t, (response, { headers }) => {
    const size = Number(headers["content-length"]) > mebibyte ? 9 * mebibyte : 8.5 * mebibyte;
    response.end(`{"a":"${"x".repeat(size)}"}`);
  });
  const client = clientOf(t);
  assert.ok(await client.post(address, { a: "x".repeat(mebibyte) }, 30));
  await assert.rejects(client.post(address, {}, 30), /http: request body too large$/);
});

test("whom the bundle does not sign is not believed", async (t) => {
  const { address } = await webhook(t, (response) => response.end("{}"));
  const { caBundle: _, ...unsigned } = address;
  await assert.rejects(
    clientOf(t).post(unsigned, {}, 30),
    /tls: failed to verify certificate: x509: certificate signed by unknown authority$/,
  );
});
