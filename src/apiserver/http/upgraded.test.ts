import assert from "node:assert/strict";
import { request as httpsRequest } from "node:https";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { WebSocket } from "ws";
import { withoutToken, webSocketToken } from "../auth/authn/websocket-token.ts";
import { ca, clientCert, clientKey, serverCert, serverKey } from "../testing/certificates.ts";
import { until } from "../../testing/index.ts";
import { configMap, type Harness, startHarness } from "../testing/harness.ts";

const maps = "/api/v1/namespaces/default/configmaps";
let h: Harness;
let port: number;
before(async () => {
  h = await startHarness();
  await h.call("POST", maps, configMap("a"));
  ({ port } = await h.server.listen({
    host: "127.0.0.1",
    port: 0,
    tls: { key: serverKey, cert: serverCert, clientCa: ca },
  }));
});
after(() => h.close());

const open = (path: string, protocols: string[] = [], headers: Record<string, string> = {}): WebSocket =>
  new WebSocket(`wss://127.0.0.1:${port}${path}`, protocols, {
    ca,
    key: clientKey,
    cert: clientCert,
    origin: "https://page.example.com",
    headers,
  });

/** The status of a refused handshake. */
async function refused(client: WebSocket): Promise<number | undefined> {
  client.on("error", () => {});
  const [, response] = await once(client, "unexpected-response");
  response.resume();
  return response.statusCode;
}

test("a watch by WebSocket: an event is a message, and what the client says is not heard", async () => {
  const client = open(`${maps}?watch=1`, ["mine"]);
  const [first, binary] = await once(client, "message");
  assert.equal(client.protocol, "mine");
  assert.equal(binary, false);
  assert.match(String(first), /^\{"type":"ADDED",.*\}\n$/);
  client.send("anything");
  const next = once(client, "message");
  await h.call("POST", maps, configMap("b"));
  assert.equal(JSON.parse(String((await next)[0])).object.metadata.name, "b");
  const watches = async (): Promise<string | undefined> =>
    /^apiserver_longrunning_requests\{.*"configmaps".* (\d+)$/m.exec(
      (await h.call("GET", "/metrics")).text,
    )?.[1];
  assert.equal(await watches(), "1");
  client.close();
  await once(client, "close");
  await until("its end", async () => (await watches()) === "0");
});

test("protobuf comes in binary messages, without the length that stands before it elsewhere", async () => {
  const client = open(`${maps}?watch=1`, [], { accept: "application/vnd.kubernetes.protobuf" });
  const [first, binary] = await once(client, "message");
  assert.equal(binary, true);
  assert.equal((first as Buffer).subarray(0, 7).toString(), "\n\u0005ADDED");
  client.close();
  await once(client, "close");
});

test("a watch that is over closes the WebSocket", async () => {
  const client = open(`${maps}?watch=1&resourceVersion=${h.store.revision}&timeoutSeconds=5`);
  await once(client, "open");
  h.clock.advance(6000);
  const [code] = await once(client, "close");
  assert.equal(code, 1000);
});

test("pages must say where they come from, and offer one protocol at most", async () => {
  assert.equal(await refused(open(`${maps}?watch=1`, ["a", "b"])), 400);
  const nowhere = new WebSocket(`wss://127.0.0.1:${port}${maps}?watch=1`, {
    ca,
    key: clientKey,
    cert: clientCert,
  });
  assert.equal(await refused(nowhere), 403);
});

test("what is no handshake of a WebSocket is refused in Kubernetes' words", async () => {
  const asked = async (change: Record<string, string | undefined>): Promise<[number | undefined, string]> => {
    const headers: Record<string, string | undefined> = {
      connection: "Upgrade",
      upgrade: "websocket",
      origin: "https://page.example.com",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      "sec-websocket-version": "13",
      ...change,
    };
    const request = httpsRequest({
      host: "127.0.0.1",
      port,
      path: `${maps}?watch=1`,
      ca,
      key: clientKey,
      cert: clientCert,
      agent: false,
      headers: Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)),
    });
    request.end();
    const [response] = await once(request, "response");
    let text = "";
    for await (const chunk of response) text += chunk;
    return [response.statusCode, text];
  };
  for (const version of [undefined, "8", "14"])
    assert.deepEqual(await asked({ "sec-websocket-version": version }), [
      400,
      "missing or bad WebSocket Version",
    ]);
  assert.deepEqual(await asked({ "sec-websocket-key": undefined }), [400, "mismatch challenge/response"]);
  for (const origin of [undefined, "null", ":::", "page.example.com"])
    assert.deepEqual(await asked({ origin }), [403, ""], origin);
});

test("where nothing can be upgraded the answer is the ordinary one", async () => {
  assert.equal(await refused(open(`${maps}/a`)), 200);
  assert.equal(await refused(open(`${maps}/none`)), 404);
  const request = httpsRequest({
    host: "127.0.0.1",
    port,
    path: `${maps}/a`,
    ca,
    key: clientKey,
    cert: clientCert,
    agent: false,
    headers: { connection: "Upgrade", upgrade: "h2c" },
  });
  request.end();
  const [response] = await once(request, "response");
  let text = "";
  for await (const chunk of response) text += chunk;
  assert.equal(JSON.parse(text).metadata.name, "a");
});

test("a token among the protocols is read, and passed on to nobody", () => {
  const protocol = (text: string): string =>
    `base64url.bearer.authorization.k8s.io.${Buffer.from(text).toString("base64url")}`;
  const headers = (...protocols: string[]) => ({
    upgrade: "websocket",
    "sec-websocket-protocol": protocols.join(", "),
  });
  assert.equal(webSocketToken(headers(protocol("secret"), "v5.channel.k8s.io")), "secret");
  assert.equal(webSocketToken(headers("v5.channel.k8s.io")), undefined);
  assert.equal(webSocketToken({ ...headers(protocol("secret"), "x"), upgrade: "spdy/3.1" }), undefined);
  for (const protocols of [[protocol("a")], [protocol("a"), protocol("b"), "x"]])
    assert.throws(() => webSocketToken(headers(...protocols)), { reason: "Unauthorized" });
  for (const text of ["***", "A", "_w"])
    assert.throws(() => webSocketToken(headers(protocol("") + text, "x")), { reason: "Unauthorized" }, text);
  // An empty token counts as none.
  for (const protocols of [[protocol("")], [protocol(""), "x"]])
    assert.equal(webSocketToken(headers(...protocols)), undefined);
  assert.equal(withoutToken(`${protocol("a")}, x, y`), "x, y");
});
