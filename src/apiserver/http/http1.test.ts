/** Invalid and unusual HTTP/1.1 requests, byte by byte, as no client library sends them. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { connect as tlsConnect } from "node:tls";
import { ca, clientCert, clientKey, serverCert, serverKey } from "../testing/certificates.ts";
import { configMap, type Harness, startHarness } from "../testing/harness.ts";

const maps = "/api/v1/namespaces/default/configmaps";
let h: Harness;
let port: number;

before(async () => {
  h = await startHarness({
    authorizer: {
      authorize: ({ user }) => ({ allowed: user.groups.includes("system:masters"), reason: "" }),
    },
  });
  ({ port } = await h.server.listen({
    host: "127.0.0.1",
    port: 0,
    tls: { key: serverKey, cert: serverCert, clientCa: ca },
  }));
});
after(() => h.close());

/** Everything received until the server closes the connection. */
async function said(text: string): Promise<string> {
  const socket = tlsConnect({
    host: "127.0.0.1",
    port,
    ca,
    key: clientKey,
    cert: clientCert,
    ALPNProtocols: ["http/1.1"],
  });
  let got = "";
  socket.on("data", (chunk: Buffer) => (got += chunk.toString()));
  socket.on("error", () => undefined);
  socket.write(text);
  await once(socket, "close");
  return got;
}

const statuses = (text: string): string[] => text.match(/(?<=HTTP\/1\.1 )\d+/g) ?? [];
const last = "connection: close\r\n";

test("a request says once and properly which host it means", async () => {
  const ask = (hosts: string): Promise<string> => said(`GET /version HTTP/1.1\r\n${hosts}${last}\r\n`);
  const missing = await ask("");
  assert.match(missing, /^HTTP\/1.1 400 Bad Request: missing required Host header\r\n/);
  assert.match(missing, /\r\n\r\n.*400 Bad Request: missing required Host header/s);
  assert.match(await ask("host: a/../b\r\n"), /^HTTP\/1.1 400 Bad Request: malformed Host header\r\n/);
  assert.deepEqual(statuses(await ask("host: a\r\nhost: b\r\n")), ["400"]);
  assert.deepEqual(statuses(await ask("host: [::1]:6443\r\n")), ["200"]);
  assert.deepEqual(statuses(await said("GET /version HTTP/1.0\r\n\r\n")), ["200"]);
});

test("that a connection stays open is said to HTTP/1.0 alone", async () => {
  const two = await said(
    `GET /version HTTP/1.1\r\nhost: a\r\n\r\nGET /version HTTP/1.1\r\nhost: a\r\n${last}\r\n`,
  );
  assert.deepEqual(statuses(two), ["200", "200"]);
  assert.doesNotMatch(two, /keep-alive/i);
  assert.equal(two.match(/connection: close/gi)?.length, 1);
  const old = "GET /version HTTP/1.0\r\nconnection: keep-alive\r\n\r\n";
  assert.match(await said(`${old}GET /version HTTP/1.0\r\n\r\n`), /connection: keep-alive/i);
});

test("a path with a broken escape is no request; a query goes without the part that nobody can read", async () => {
  const ask = (method: string, path: string): Promise<string> =>
    said(`${method} ${path} HTTP/1.1\r\nhost: x\r\n${last}\r\n`);
  const broken = await ask("GET", "/version%zz");
  assert.match(broken, /^HTTP\/1.1 400 Bad Request\r\n/);
  assert.doesNotMatch(broken, /audit-id/);
  for (const query of ["limit=1;x=y", "limit=%zz", "limit=nonsense;&limit=1"])
    assert.deepEqual(statuses(await ask("GET", `${maps}?${query}`)), ["200"], query);
  assert.deepEqual(statuses(await ask("GET", `${maps}?limit=nonsense`)), ["400"]);
  const all = await ask("OPTIONS", "*");
  assert.deepEqual(statuses(all), ["200"]);
  assert.doesNotMatch(all, /audit-id/);
});

test("other versions of HTTP and encodings of bodies are not guessed at", async () => {
  for (const version of ["0.9", "2.0", "3.7"]) {
    const text = await said(`GET /version HTTP/${version}\r\nhost: x\r\n${last}\r\n`);
    assert.match(text, /^HTTP\/1.1 505 HTTP Version Not Supported: unsupported protocol version\r\n/);
  }
  const body = `POST ${maps} HTTP/1.1\r\nhost: x\r\n${last}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`;
  const refused = await said(body);
  assert.match(refused, /^HTTP\/1.1 501 Not Implemented\r\n.*Unsupported transfer encoding/s);
});

test("what follows the last request is not heard, and does not take its answer away", async () => {
  const text = await said(`GET ${maps}/none HTTP/1.1\r\nhost: x\r\n${last}\r\nGARBAGE\r\n\r\n`);
  assert.deepEqual(statuses(text), ["404"]);
});

test("nonsense behind a request is refused after that was answered", async () => {
  const text = await said(`GET ${maps}/none HTTP/1.1\r\nhost: x\r\n\r\nGARBAGE\r\n\r\n`);
  assert.deepEqual(statuses(text), ["404", "400"]);
});

test("a body that is broken is told so and changes nothing", async () => {
  const text = JSON.stringify(configMap("broken"));
  const head = `POST ${maps} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`;
  const broken = await said(`${head}${text.length.toString(16)}\r\n${text}\r\nzz\r\n`);
  assert.match(broken, /^HTTP\/1.1 500 .*"message":"invalid byte in chunk length","code":500/s);
  const stranger = await said(`${head.replace("chunked", "chunked\r\ncontent-length: 5")}5\r\n{}`);
  assert.deepEqual(statuses(stranger), ["400"]);
  assert.equal((await h.call("GET", `${maps}/broken`)).status, 404);
});

test("who may not is told not to guess what kind of page that is", async () => {
  const socket = tlsConnect({ host: "127.0.0.1", port, ca, ALPNProtocols: ["http/1.1"] });
  socket.write(`GET ${maps} HTTP/1.1\r\nhost: x\r\n${last}\r\n`);
  let got = "";
  socket.on("data", (chunk: Buffer) => (got += chunk.toString()));
  await once(socket, "close");
  assert.match(got, /^HTTP\/1.1 403 .*x-content-type-options: nosniff\r\n/s);
});

test("a method that nobody knows makes a request like any other, which is the last of its connection", async () => {
  const ask = (first: string, more = ""): Promise<string> =>
    said(`${first} HTTP/1.1\r\nhost: a\r\n\r\n${more}`);
  for (const method of ["FOO", "get", "PROPPATCHED", "CONNECT"]) {
    const text = await ask(`${method} ${maps}`);
    assert.match(text, /^HTTP\/1.1 405 Method Not Allowed\r\n/);
    assert.match(text, /"reason":"MethodNotAllowed"/);
  }
  assert.deepEqual(statuses(await ask("FOO /healthz")), ["200"]);
  assert.deepEqual(statuses(await ask("FOO /nope", "GET /version HTTP/1.1\r\nhost: a\r\n\r\n")), ["404"]);
  assert.deepEqual(statuses(await said("FOO /version HTTP/1.1\r\n\r\n")), ["400"]);
  assert.deepEqual(statuses(await ask("F@O /version")), ["400"]);
});

test("CONNECT behind a request that is not answered yet ends the connection, and nothing else", async () => {
  const both = "GET /version HTTP/1.1\r\nhost: a\r\n\r\nCONNECT x:443 HTTP/1.1\r\nhost: a\r\n\r\n";
  assert.ok(statuses(await said(both)).length < 2);
  assert.deepEqual(statuses(await said(`GET /version HTTP/1.1\r\nhost: a\r\n${last}\r\n`)), ["200"]);
});

test("of a packet that begins with another request's body no head is taken", async () => {
  const body = "GET /version HTTP/1.1\r\nhost: a\r\n\r\n";
  const post = `POST /nope HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n\r\n`;
  assert.deepEqual(statuses(await said(`${post}${body}FOO /version HTTP/1.1\r\nhost: a\r\n\r\n`)), [
    "404",
    "400",
  ]);
});
