/** Bodies are read after authentication and authorization: others are answered at once, whatever they send. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { after, before, test } from "node:test";
import { connect as tlsConnect, type TLSSocket } from "node:tls";
import { ca, clientCert, clientKey, serverCert, serverKey } from "../testing/certificates.ts";
import { configMap, type Harness, startHarness } from "../testing/harness.ts";
import type { AuditTrail } from "../contract.ts";

const maps = "/api/v1/namespaces/default/configmaps";
const asked: string[] = [];
let h: Harness;
let port: number;
let own: ClientHttp2Session;
let handedOn: Promise<number> | undefined;

const trail: AuditTrail = {
  auditId: "an-id",
  received: ({ user, verb }) => void asked.push(`${user.name} ${verb}`),
  spent: () => undefined,
  impersonating: () => undefined,
  requested: () => undefined,
  decided: () => undefined,
  annotate: () => undefined,
  annotateBody: () => undefined,
  answered: (answer) => answer,
  upgraded: () => () => undefined,
};

before(async () => {
  h = await startHarness({
    audit: { begin: () => trail },
    authorizer: {
      authorize: ({ user }) => ({ allowed: user.groups.includes("system:masters"), reason: "" }),
    },
    special: new Map([
      [
        "pods/proxy",
        {
          group: "",
          version: "v1",
          kind: "PodProxyOptions",
          namespaced: true,
          verbs: ["create"],
          anyMethod: true,
          async handle({ request }) {
            const { promise, resolve } = Promise.withResolvers<number>();
            handedOn = promise;
            let bytes = 0;
            for await (const chunk of request.input?.stream().from ?? []) bytes += (chunk as Buffer).length;
            resolve(bytes);
            return { status: 200, headers: {}, body: (async function* () {})() };
          },
        },
      ],
    ]),
  });
  ({ port } = await h.server.listen({
    host: "127.0.0.1",
    port: 0,
    tls: { key: serverKey, cert: serverCert, clientCa: ca },
  }));
  own = connect(`https://127.0.0.1:${port}`, { ca, key: clientKey, cert: clientCert });
});
after(async () => {
  own.destroy();
  await h.close();
});

/** An HTTP/1.1 connection, byte by byte. `until`: what was received, when it ends with this or the connection closes. */
async function raw(withCertificate: boolean): Promise<{
  socket: TLSSocket;
  until(end: string): Promise<string>;
  closed: Promise<unknown>;
}> {
  const identity = withCertificate ? { key: clientKey, cert: clientCert } : {};
  const socket = tlsConnect({ host: "127.0.0.1", port, ca, ALPNProtocols: ["http/1.1"], ...identity });
  let got = "";
  let tell = (): void => undefined;
  socket.on("data", (chunk: Buffer) => {
    got += chunk.toString();
    tell();
  });
  socket.on("error", () => undefined);
  const closed = once(socket, "close");
  await once(socket, "secureConnect");
  return {
    socket,
    closed,
    until: (end) =>
      new Promise((resolve) => {
        tell = () => {
          if (!got.endsWith(end) && !socket.closed) return;
          resolve(got);
          got = "";
        };
        socket.once("close", () => tell());
        tell();
      }),
  };
}

const head = (length: string): string =>
  `POST ${maps} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${length}\r\n\r\n`;

test("a stranger who announces a short body is answered before it comes, and may go on afterwards", async () => {
  const { socket, until } = await raw(false);
  socket.write(head("content-length: 1000"));
  const refused = await until("}\n");
  assert.match(refused, /^HTTP\/1.1 403 Forbidden\r\n/);
  assert.doesNotMatch(refused, /connection: close/i);
  socket.write(`${" ".repeat(1000)}GET /version HTTP/1.1\r\nhost: x\r\n\r\n`);
  assert.match(await until("}\n"), /^HTTP\/1.1 403 Forbidden\r\n.*path \\"\/version\\"/s);
  socket.destroy();
});

test("a stranger with a long body is answered at once and hung up on, with time to read the answer", async () => {
  for (const length of ["content-length: 300000", "content-length: 9000000", "transfer-encoding: chunked"]) {
    const { socket, until, closed } = await raw(false);
    socket.write(head(length));
    const refused = await until("}\n");
    assert.match(refused, /^HTTP\/1.1 403 Forbidden\r\n/);
    assert.match(refused, /connection: close/i);
    await closed;
  }
});

test("a stranger of HTTP/2 is answered at once, and the rest of the body is not wanted", async () => {
  const session = connect(`https://127.0.0.1:${port}`, { ca });
  const stream = session.request({ ":method": "POST", ":path": maps, "content-type": "application/json" });
  stream.write("x".repeat(100_000));
  const [headers] = (await once(stream, "response")) as [{ ":status": number }];
  assert.equal(headers[":status"], 403);
  stream.resume();
  await once(stream, "close");
  assert.equal(stream.rstCode, 0);
  session.destroy();
});

test("who waits to be asked for a body is asked when it is wanted", async () => {
  const body = JSON.stringify(configMap("expected"));
  const expecting = head(`content-length: ${body.length}\r\nexpect: 100-continue`);
  const stranger = await raw(false);
  stranger.socket.write(expecting);
  const refused = await stranger.until("}\n");
  assert.match(refused, /^HTTP\/1.1 403 Forbidden\r\n/);
  assert.match(refused, /connection: close/i);
  await stranger.closed;
  const friend = await raw(true);
  friend.socket.write(expecting);
  assert.equal(await friend.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  friend.socket.write(body);
  assert.match(await friend.until("}\n"), /^HTTP\/1.1 201 Created\r\n/);
  friend.socket.destroy();
});

test("the record has who asks while the body is still on its way", async () => {
  asked.length = 0;
  const stream = own.request({ ":method": "POST", ":path": maps, "content-type": "application/json" });
  stream.write('{"metadata":{"name":"recorded"},');
  // Requests of a session are processed in order.
  const other = own.request({ ":path": "/version" });
  other.resume();
  await once(other, "close");
  assert.deepEqual(asked, ["alice create", "alice get"]);
  stream.end('"data":{}}');
  const [headers] = (await once(stream, "response")) as [{ ":status": number }];
  assert.equal(headers[":status"], 201);
  stream.resume();
  await once(stream, "close");
});

test("what nobody looks into is not waited for", async () => {
  const { socket, until } = await raw(true);
  socket.write(`GET ${maps}/none HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n`);
  assert.match(await until("}\n"), /^HTTP\/1.1 404 Not Found\r\n/);
  socket.write(`0123456789POST /version HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n`);
  assert.match(await until("}\n"), /^HTTP\/1.1 405 Method Not Allowed\r\n/);
  socket.destroy();
});

test("a body that ends before its end changes nothing", async () => {
  const { socket } = await raw(true);
  const body = JSON.stringify(configMap("half"));
  socket.end(head(`content-length: ${body.length + 1}`) + body);
  await once(socket, "close");
  assert.equal((await h.call("GET", `${maps}/half`)).status, 404);
});

test("what is handed on may be longer than what is stored, and goes on as it comes", async () => {
  const stream = own.request({ ":method": "POST", ":path": "/api/v1/namespaces/default/pods/p/proxy/up" });
  const whole = 5 * 1024 * 1024;
  stream.end(Buffer.alloc(whole));
  const [headers] = (await once(stream, "response")) as [{ ":status": number }];
  assert.equal(headers[":status"], 200);
  assert.equal(await handedOn, whole);
  stream.resume();
  await once(stream, "close");
});

test("an upgrade that leads nowhere is an ordinary request, body and all", async () => {
  const { socket, until } = await raw(true);
  const body = JSON.stringify(configMap("upgrading"));
  const upgrade = `content-length: ${body.length}\r\nconnection: upgrade\r\nupgrade: h2c`;
  socket.write(head(upgrade) + body);
  assert.match(await until("}\n"), /^HTTP\/1.1 201 Created\r\n/);
  socket.destroy();
});

test("of what is created or patched the type is looked at before the length, of what is replaced after it", async () => {
  const rows = [
    ["POST", "", "text/plain", "415"],
    ["POST", "", "application/json", "413"],
    ["PATCH", "/a", "text/plain", "415"],
    ["PATCH", "/a", "application/merge-patch+json", "413"],
    ["PUT", "/a", "text/plain", "413"],
  ] as const;
  for (const [method, name, type, status] of rows) {
    const { socket, until } = await raw(true);
    socket.write(
      `${method} ${maps}${name} HTTP/1.1\r\nhost: x\r\ncontent-type: ${type}\r\ncontent-length: 9000000\r\n\r\n`,
    );
    assert.match(await until("}\n"), new RegExp(`^HTTP/1.1 ${status} `), `${method} ${type}`);
    socket.destroy();
  }
});
