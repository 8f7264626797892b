import assert from "node:assert/strict";
import { once } from "node:events";
import { request as httpsRequest } from "node:https";
import { type ClientHttp2Session, connect } from "node:http2";
import { after, before, test } from "node:test";
import { connect as tlsConnect } from "node:tls";
import { gunzipSync } from "node:zlib";
import type { IncomingMessage } from "node:http";
import { ca, clientCert, clientKey, serverCert, serverKey } from "../testing/certificates.ts";
import { configMap, type Harness, startHarness } from "../testing/harness.ts";

let h: Harness;
let port: number;
let session: ClientHttp2Session;
const upgraded: string[] = [];
const maps = "/api/v1/namespaces/default/configmaps";

// Another server's answer, which is truncated.
async function* cutShort(): AsyncGenerator<Uint8Array> {
  yield Buffer.from("half");
  throw new Error("unexpected EOF");
}

before(async () => {
  h = await startHarness({
    authenticator: {
      authenticate: ({ peer: { certificate } }) =>
        certificate && { name: certificate.commonName, groups: certificate.organizations },
    },
    authorizer: {
      authorize: ({ user, path }) => ({
        allowed: user.groups.includes("system:masters") || path === "/version",
        reason: "",
      }),
    },
    special: new Map([
      [
        "pods/log",
        {
          ...{ group: "", version: "v1", kind: "PodLogOptions", namespaced: true, verbs: ["get"] },
          async handle() {
            return { status: 200, headers: {}, body: cutShort() };
          },
        },
      ],
    ]),
    upgrades: {
      takes: ({ subresource }) => subresource === "exec",
      handleUpgrade(_request, socket, _head, info, user) {
        upgraded.push(`${user.name} ${info.resource}/${info.subresource} ${info.name}`);
        socket.end(
          "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\nhello",
        );
      },
    },
  });
  ({ port } = await h.server.listen({
    host: "127.0.0.1",
    port: 0,
    tls: { key: serverKey, cert: serverCert, clientCa: ca },
  }));
  session = connect(`https://127.0.0.1:${port}`, { ca, key: clientKey, cert: clientCert });
});
after(async () => {
  session.destroy();
  await h.close();
});

interface Got {
  status: number;
  headers: Record<string, unknown>;
  body: Buffer;
}

function http1(
  method: string,
  path: string,
  options: { body?: string | Buffer; headers?: Record<string, string>; anonymous?: boolean } = {},
): Promise<Got> {
  return new Promise((resolve, reject) => {
    const identity = options.anonymous ? {} : { key: clientKey, cert: clientCert };
    const request = httpsRequest(
      {
        host: "127.0.0.1",
        port,
        method,
        path,
        ca,
        ...identity,
        agent: false,
        headers: { "content-type": "application/json", ...options.headers },
      },
      (response: IncomingMessage) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks),
          }),
        );
        response.on("error", reject);
      },
    );
    request.on("error", reject);
    request.end(options.body);
  });
}

function http2(path: string, headers: Record<string, string> = {}, body?: Buffer): Promise<Got> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ":path": path, ":method": body ? "POST" : "GET", ...headers });
    const chunks: Buffer[] = [];
    let got: Record<string, unknown> = {};
    stream.on("response", (answered) => (got = answered));
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () =>
      resolve({ status: Number(got[":status"]), headers: got, body: Buffer.concat(chunks) }),
    );
    stream.on("error", reject);
    stream.end(body);
  });
}

test("HTTP/1.1 and HTTP/2 on one port; the client certificate says who it is", async () => {
  const made = await http1("POST", maps, { body: JSON.stringify(configMap("a")) });
  assert.equal(made.status, 201);
  const read = await http2(`${maps}/a`);
  assert.equal(read.status, 200);
  assert.deepEqual(read.body, made.body);
  const stranger = await http1("GET", `${maps}/a`, { anonymous: true });
  assert.equal(stranger.status, 403);
  assert.equal(
    JSON.parse(stranger.body.toString()).message,
    'configmaps "a" is forbidden: User "system:anonymous" cannot get resource "configmaps" in API group "" in the namespace "default"',
  );
  assert.equal((await http1("GET", "/version", { anonymous: true })).status, 200);
  const groups = await http1("GET", "/apis");
  const head = await http1("HEAD", "/apis");
  assert.deepEqual(
    [head.status, head.body.length, head.headers["content-length"]],
    [200, 0, String(groups.body.length)],
  );
});

test("large answers are packed for who asks, small ones never", async () => {
  await http1("POST", maps, { body: JSON.stringify(configMap("big", { text: "abc ".repeat(100_000) })) });
  const packed = await http2(`${maps}/big`, { "accept-encoding": "gzip" });
  assert.equal(packed.headers["content-encoding"], "gzip");
  assert.ok(packed.body.length < 20_000);
  assert.equal(JSON.parse(gunzipSync(packed.body).toString()).data.text.length, 400_000);
  assert.equal(
    (await http2(`${maps}/a`, { "accept-encoding": "gzip" })).headers["content-encoding"],
    undefined,
  );
  for (let i = 0; i < 4; i++)
    await http1("POST", maps, {
      body: JSON.stringify(configMap(`big${i}`, { text: "abc ".repeat(100_000) })),
    });
  const list = await http1("GET", maps, { headers: { "accept-encoding": "gzip" } });
  assert.equal(list.headers["content-encoding"], "gzip");
  const plain = await http1("GET", maps);
  assert.deepEqual(gunzipSync(list.body), plain.body);
});

test("a body beyond the limit is refused without being read whole", async () => {
  const large = Buffer.alloc(4 * 1024 * 1024, 0x20);
  const refused = await http2(maps, { "content-type": "application/json" }, large).catch(
    (error: Error) => error,
  );
  if (!(refused instanceof Error)) assert.equal(refused.status, 413);
  assert.equal((await http2(`${maps}/a`)).status, 200);
});

test("a body that does not say its length is refused when it has become too long", async () => {
  const unannounced = session.request({
    ":path": maps,
    ":method": "POST",
    "content-type": "application/json",
  });
  const answered = new Promise<number>((resolve) =>
    unannounced.once("response", (headers) => resolve(Number(headers[":status"]))),
  );
  const closed = new Promise((resolve) => unannounced.once("close", resolve));
  unannounced.on("error", () => {});
  unannounced.resume();
  const more = (): void => {
    while (!unannounced.destroyed && unannounced.write(Buffer.alloc(64 * 1024, 0x20))) {}
    if (!unannounced.destroyed) unannounced.once("drain", more);
  };
  more();
  assert.equal(await answered, 413);
  await closed;
  assert.equal((await http2(`${maps}/a`)).status, 200);
});

test("a client that goes within its request leaves nothing behind", async () => {
  const half = session.request({ ":path": maps, ":method": "POST", "content-type": "application/json" });
  half.on("error", () => {});
  const closed = new Promise((resolve) => half.once("close", resolve));
  half.write('{"apiVersion":"v1",', () => half.close());
  await closed;
  assert.equal((await http2(`${maps}/a`)).status, 200);
});

test("an answer that is cut short does not look whole, over HTTP/2 neither", async () => {
  const path = "/api/v1/namespaces/default/pods/p/log";
  const stream = session.request({ ":path": path });
  let text = "";
  stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const [error] = (await once(stream, "error")) as [Error];
  assert.match(error.message, /NGHTTP2_INTERNAL_ERROR/);
  assert.equal(text, "half");
  await assert.rejects(http1("GET", path), /aborted/);
});

test("a watch streams, and ends when the client goes", async () => {
  const stream = session.request({ ":path": `${maps}?watch=1&fieldSelector=metadata.name%3Dseen` });
  stream.setEncoding("utf8");
  await new Promise((resolve) => stream.once("response", resolve));
  const line = new Promise<string>((resolve) => stream.once("data", resolve));
  await h.call("POST", maps, configMap("seen"));
  assert.equal(JSON.parse(await line).object.metadata.name, "seen");
  const closed = new Promise((resolve) => stream.once("close", resolve));
  stream.close();
  await closed;
});

function upgrade(path: string, withCertificate: boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    const identity = withCertificate ? { key: clientKey, cert: clientCert } : {};
    const socket = tlsConnect(
      { host: "127.0.0.1", port, ca, ALPNProtocols: ["http/1.1"], ...identity },
      () => {
        socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n`);
      },
    );
    let text = "";
    socket.on("data", (chunk) => (text += chunk));
    socket.on("end", () => resolve(text));
    socket.on("error", reject);
  });
}

test("upgrades go through authentication and authorization", async () => {
  const path = "/api/v1/namespaces/default/pods/p/exec?command=sh";
  assert.match(await upgrade(path, true), /^HTTP\/1.1 101 .*hello$/s);
  assert.deepEqual(upgraded, ["alice pods/exec p"]);
  const refused = await upgrade(path, false);
  assert.match(refused, /^HTTP\/1.1 403 Forbidden\r\n.*cannot get resource \\"pods\/exec\\".*\n$/s);
  for (const header of ["audit-id: .", "cache-control: no-cache, private", "x-content-type-options: nosniff"])
    assert.match(refused, new RegExp(`\r\n${header}`, "i"));
  assert.equal(upgraded.length, 1);
});

test("half a request, nonsense and a wrong certificate harm nobody", async () => {
  const half = tlsConnect({ host: "127.0.0.1", port, ca, ALPNProtocols: ["http/1.1"] }, () =>
    half.write("POST /api/v1 HTTP/1.1\r\n"),
  );
  half.on("error", () => {});
  const noise = tlsConnect({ host: "127.0.0.1", port, ca, ALPNProtocols: ["h2"] }, () =>
    noise.write("this is not HTTP/2 at all".repeat(4)),
  );
  noise.on("error", () => {});
  noise.resume();
  await new Promise((resolve) => noise.once("close", resolve));
  half.destroy();
  assert.equal((await http1("GET", `${maps}/a`)).status, 200);
});

test("a taken port is said plainly", async () => {
  await assert.rejects(
    h.server.listen({ host: "127.0.0.1", port, tls: { key: serverKey, cert: serverCert, clientCa: ca } }),
    new RegExp(`port ${port} on 127.0.0.1 is taken by another program`),
  );
});

test("a body that does not come in time is not waited for", async () => {
  const stream = session.request({
    ":method": "POST",
    ":path": `${maps}?timeout=5s`,
    "content-type": "application/json",
  });
  stream.write('{"metadata":');
  // Requests of a session are processed in order.
  await http2("/version");
  const answered = new Promise<unknown>((resolve) =>
    stream.once("response", (head) => resolve(head[":status"])),
  );
  h.clock.advance(5000);
  assert.equal(await answered, 504);
  let text = "";
  for await (const part of stream) text += String(part);
  assert.match(text, /"message":"Timeout: request did not complete within the allotted timeout"/);
});

test("an answer that nobody takes is cut off when the request's time is up", async () => {
  await h.call("POST", maps, configMap("long", { text: "x".repeat(900_000) }));
  const stream = session.request({ ":path": `${maps}/long` });
  const failed = new Promise<string>((resolve) => stream.once("error", ({ message }) => resolve(message)));
  await new Promise((resolve) => stream.once("response", resolve));
  h.clock.advance(60_000);
  stream.resume();
  assert.match(await failed, /NGHTTP2_INTERNAL_ERROR/);
  await h.call("DELETE", `${maps}/long`);
});

test("headers may be as large as with Go's server, and what is larger is told so", async () => {
  const long = { "x-long": "x".repeat(200_000) };
  assert.equal((await http1("GET", "/version", { headers: long })).status, 200);
  assert.equal((await http1("GET", `/version?x=${"x".repeat(200_000)}`)).status, 200);
  const tooLong = await http1("GET", "/version", { headers: { "x-long": "x".repeat(1_100_000) } });
  assert.deepEqual([tooLong.status, tooLong.body.toString()], [431, "431 Request Header Fields Too Large"]);
  const large = connect(`https://127.0.0.1:${port}`, {
    ca,
    key: clientKey,
    cert: clientCert,
    maxSendHeaderBlockLength: 400_000,
  });
  // nghttp2 limits a header to 64 KiB, and CONTINUATION frames to eight of 16 KiB.
  const several = Object.fromEntries(["a", "b"].map((name) => [`x-${name}`, "x".repeat(50_000)]));
  const stream = large.request({ ":path": "/version", ...several });
  const [headers] = (await once(stream, "response")) as [{ ":status": number }];
  stream.close();
  large.destroy();
  assert.equal(headers[":status"], 200);
});

test("what is no request is told so, and a request may name the server in its first line", async () => {
  const raw = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = tlsConnect({ host: "127.0.0.1", port, ca, key: clientKey, cert: clientCert }, () =>
        socket.write(text),
      );
      let got = "";
      socket.on("data", (chunk: Buffer) => {
        got += chunk.toString();
      });
      socket.on("error", reject);
      socket.on("close", () => resolve(got));
    });
  const refused = await raw("GARBAGE\r\n\r\n");
  assert.match(refused, /^HTTP\/1.1 400 Bad Request\r\nContent-Type: text\/plain; charset=utf-8\r\n/);
  assert.match(refused, /\r\n\r\n400 Bad Request$/);
  const answered = await raw("GET http://x/version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  assert.match(answered, /^HTTP\/1.1 200 OK\r\n/);
});
