import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { isReason, StatusError } from "../../machinery/index.ts";
import { FakeClock, settle } from "../../testing/index.ts";
import { createClient } from "../client.ts";
import { bodyText, textLines } from "./body.ts";
import { authorizationSource } from "./credentials.ts";
import { httpsTransport } from "./https.ts";

type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => void;

async function serve(handler: Handler) {
  const server = http.createServer(handler);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const transport = httpsTransport({ server: `http://127.0.0.1:${port}`, token: "secret" });
  after(async () => {
    await transport.close();
    server.closeAllConnections();
    server.close();
  });
  return { server, transport };
}

test("one connection serves many requests, with the token", async () => {
  const sockets = new Set<unknown>();
  const { transport } = await serve((request, response) => {
    sockets.add(request.socket);
    response.end(`${request.headers.authorization} ${request.url}`);
  });
  for (let i = 0; i < 3; i++) {
    const response = await transport.request({ method: "GET", path: `/n/${i}?q=a%20b` });
    assert.equal(await bodyText(response.body), `Bearer secret /n/${i}?q=a%20b`);
  }
  assert.equal(sockets.size, 1);
});

test("a kept connection that the server closed is replaced without the caller seeing it", async () => {
  let first: import("node:net").Socket | undefined;
  const { transport } = await serve((request, response) => {
    if (first && request.socket === first) request.socket.destroy();
    else {
      first ??= request.socket;
      response.end("ok");
    }
  });
  for (let i = 0; i < 2; i++) {
    assert.equal(await bodyText((await transport.request({ method: "GET", path: "/" })).body), "ok");
  }
});

test("aborting and leaving the loop early end the request on the server", async () => {
  const closed: string[] = [];
  const ends = Promise.withResolvers<void>();
  const { transport } = await serve((request, response) => {
    response.write("a\nb\n");
    response.on("close", () => {
      closed.push(request.url ?? "");
      if (closed.length === 2) ends.resolve();
    });
  });
  const left = await transport.request({ method: "GET", path: "/left" });
  for await (const line of textLines(left.body)) {
    assert.equal(line, "a");
    break;
  }
  const abort = new AbortController();
  const aborted = await transport.request({ method: "GET", path: "/aborted", signal: abort.signal });
  abort.abort(new Error("enough"));
  await assert.rejects(bodyText(aborted.body));
  await ends.promise;
  assert.deepEqual(closed.sort(), ["/aborted", "/left"]);
  await assert.rejects(transport.request({ method: "GET", path: "/", signal: abort.signal }), /enough/);
});

test("an error answer keeps reason, code and details; one that is no Status gets them from its code", async () => {
  const status = new StatusError("Conflict", "changed", { details: { name: "x", kind: "pods" } }).toStatus();
  const { transport } = await serve((request, response) => {
    if (request.url?.endsWith("/plain")) response.writeHead(503).end("upstream is down");
    else response.writeHead(409).end(JSON.stringify(status));
  });
  const client = createClient(transport);
  await assert.rejects(client.pods.get("default", "x"), (error) => {
    assert.ok(isReason(error, "Conflict"));
    assert.equal(error.details?.name, "x");
    return true;
  });
  await assert.rejects(client.pods.get("default", "plain"), (error) => {
    assert.ok(isReason(error, "ServiceUnavailable"));
    return error.message === "upstream is down";
  });
});

test("a server that is busy is asked again when it says so, ten times at most", async () => {
  let busy = 2;
  let asked = 0;
  const { transport } = await serve((request, response) => {
    asked++;
    if (request.url?.endsWith("/plain")) response.writeHead(429).end("not again");
    else if (busy-- > 0) response.writeHead(busy % 2 ? 429 : 503, { "retry-after": "3" }).end("busy");
    else response.end("{}");
  });
  const clock = new FakeClock();
  const client = createClient(transport, { clock });
  const found = client.pods.create("default", { metadata: { name: "x" } });
  for (const asks of [1, 2]) {
    while (clock.waiting === 0) await settle(1);
    assert.equal(asked, asks);
    clock.advance(2999);
    assert.equal(clock.waiting, 1);
    clock.advance(1);
  }
  assert.deepEqual(await found, {});
  await assert.rejects(client.pods.get("default", "plain"), (error) => isReason(error, "TooManyRequests"));
  busy = 100;
  asked = 0;
  const failed = assert.rejects(client.pods.get("default", "x"), /busy/);
  for (let i = 0; i < 10; i++) {
    while (clock.waiting === 0) await settle(1);
    clock.advance(3000);
  }
  await failed;
  assert.equal(asked, 11);
});

test("a watch gives objects as they come and throws what the server says", async () => {
  const { transport } = await serve((_request, response) => {
    const line = (type: string, object: object): string => `${JSON.stringify({ type, object })}\n`;
    const text =
      line("ADDED", { metadata: { name: "ä" } }) +
      line("ERROR", new StatusError("Expired", "too old").toStatus());
    const bytes = Buffer.from(text);
    // In pieces that respect neither lines nor characters.
    for (let at = 0; at < bytes.length; at += 7) response.write(bytes.subarray(at, at + 7));
    response.end();
  });
  const names: (string | undefined)[] = [];
  const follow = async (): Promise<void> => {
    for await (const event of createClient(transport).pods.watch("default"))
      names.push(event.object.metadata?.name);
  };
  await assert.rejects(follow(), (error) => isReason(error, "Expired"));
  assert.deepEqual(names, ["ä"]);
});

test("a token file is read again every minute", () => {
  const dir = mkdtempSync(join(tmpdir(), "token-"));
  after(() => rmSync(dir, { recursive: true }));
  const tokenFile = join(dir, "token");
  const clock = new FakeClock();
  writeFileSync(tokenFile, "one\n");
  const authorization = authorizationSource({ server: "https://x", tokenFile }, clock);
  assert.equal(authorization(), "Bearer one");
  writeFileSync(tokenFile, "two\n");
  assert.equal(authorization(), "Bearer one");
  clock.advance(61_000);
  assert.equal(authorization(), "Bearer two");
});
