/** Malicious HTTP/2 clients: their resources are limited, and other clients are served. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, connect, constants } from "node:http2";
import { after, before, test } from "node:test";
import { until } from "../../testing/index.ts";
import { ca, clientCert, clientKey, serverCert, serverKey } from "../testing/certificates.ts";
import { configMap, type Harness, startHarness } from "../testing/harness.ts";
import { endHeaders, endStream, frameTypes, headerBlock, RawHttp2 } from "../testing/raw-http2.ts";

const maps = "/api/v1/namespaces/default/configmaps";
const identity = { key: clientKey, cert: clientCert };
let h: Harness;
let port: number;

before(async () => {
  h = await startHarness();
  ({ port } = await h.server.listen({
    host: "127.0.0.1",
    port: 0,
    tls: { key: serverKey, cert: serverCert, clientCa: ca },
  }));
});
after(() => h.close());

const raw = (): Promise<RawHttp2> => RawHttp2.open({ host: "127.0.0.1", port, ca, ...identity });
const session = (who: object = identity): ClientHttp2Session =>
  connect(`https://127.0.0.1:${port}`, { ca, ...who });

async function statusOf(over: ClientHttp2Session, path: string): Promise<number> {
  const stream = over.request({ ":path": path });
  stream.resume();
  const [headers] = (await once(stream, "response")) as [{ ":status": number }];
  await once(stream, "close");
  return headers[":status"];
}

async function servesOthers(): Promise<void> {
  const own = session();
  assert.equal(await statusOf(own, "/version"), 200);
  own.destroy();
}

test("settings are those of kube-apiserver", async () => {
  const own = session();
  const [settings] = (await once(own, "remoteSettings")) as [Record<string, number>];
  own.destroy();
  const { maxConcurrentStreams, initialWindowSize, maxFrameSize, maxHeaderListSize } = settings;
  assert.deepEqual(
    [maxConcurrentStreams, initialWindowSize, maxFrameSize, maxHeaderListSize],
    [100, 262_144, 262_144, 1_048_896],
  );
});

test("headers may take a mebibyte over HTTP/2 too, in few frames, and no more", async () => {
  const block = (count: number): Buffer =>
    headerBlock({
      ":method": "GET",
      ":scheme": "https",
      ":authority": "x",
      ":path": "/version",
      ...Object.fromEntries(Array.from({ length: count }, (_, i) => [`x-${i}`, "x".repeat(60_000)])),
    });
  const send = (client: RawHttp2, stream: number, whole: Buffer): void => {
    const size = 250_000;
    for (let at = 0; at < whole.length; at += size) {
      const flags = at + size >= whole.length ? endHeaders : 0;
      const part = whole.subarray(at, at + size);
      if (at === 0) client.send(frameTypes.headers, flags | endStream, stream, part);
      else client.send(frameTypes.continuation, flags, stream, part);
    }
  };
  const client = await raw();
  send(client, 1, block(17));
  const answered = await client.until(({ type, stream }) => type === frameTypes.headers && stream === 1);
  // 200 is entry 8 of the static table (RFC 7541, appendix A).
  assert.equal(answered?.payload[0], 0x88);
  send(client, 3, block(18));
  const refused = await client.until(
    ({ type }) => type === frameTypes.rstStream || type === frameTypes.goAway,
  );
  assert.ok(refused || client.socket.closed);
  client.socket.destroy();
  await servesOthers();
});

test("requests that are taken back at once, again and again, end the connection (CVE-2023-44487)", async () => {
  const client = await raw();
  const cancel = Buffer.from([0, 0, 0, 8]);
  for (let stream = 1; stream < 2 * 20_000 && !client.socket.destroyed; stream += 2) {
    client.request(stream, `${maps}?limit=1`);
    client.send(frameTypes.rstStream, 0, stream, cancel);
    if (stream % 1001 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await client.closed;
  await servesOthers();
});

test("headers that never end are not collected for ever", async () => {
  const client = await raw();
  client.send(frameTypes.headers, endStream, 1, headerBlock({ ":method": "GET" }));
  for (let i = 0; i < 1000 && !client.socket.destroyed; i++)
    client.send(frameTypes.continuation, 0, 1, headerBlock({ x: "y" }));
  await client.closed;
  await servesOthers();
});

test("pings and settings whose answers nobody takes are not answered for ever", async () => {
  for (const type of [frameTypes.ping, frameTypes.settings]) {
    const client = await raw();
    client.socket.pause();
    const payload = type === frameTypes.ping ? Buffer.alloc(8) : Buffer.alloc(0);
    const frames = Buffer.concat(
      Array.from({ length: 10_000 }, () =>
        Buffer.concat([Buffer.from([0, 0, payload.length, type, 0, 0, 0, 0, 0]), payload]),
      ),
    );
    let sent = 0;
    while (!client.socket.destroyed && sent++ < 2000)
      if (!client.socket.write(frames))
        await Promise.race([once(client.socket, "drain"), client.closed]).catch(() => undefined);
    assert.ok(sent < 2000, "the connection has ended");
    await servesOthers();
  }
});

test("more requests at once than there may be on a connection end it", async () => {
  const client = await raw();
  for (let i = 0; i < 100; i++) client.request(2 * i + 1, `${maps}?watch=1`);
  await client.until(({ type, stream }) => type === frameTypes.headers && stream === 199);
  client.request(201, "/version");
  const away = await client.until(({ type }) => type === frameTypes.goAway);
  // PROTOCOL_ERROR (RFC 9113, 5.1.2 and 7)
  assert.equal(away?.payload.readUInt32BE(4), 1);
  await client.closed;
  await servesOthers();
});

test("of what comes before a client knows how much there may be at once, only what is too much is refused", async () => {
  const client = await RawHttp2.begin({ host: "127.0.0.1", port, ca, ...identity });
  for (let i = 0; i < 102; i++) client.request(2 * i + 1, `${maps}?watch=1`);
  const refused = new Map<number, number>();
  const watching = new Set<number>();
  await client.until(({ type, stream, payload }) => {
    if (type === frameTypes.headers) watching.add(stream);
    if (type === frameTypes.rstStream) refused.set(stream, payload.readUInt32BE(0));
    return watching.size === 100 && refused.size === 2;
  });
  const { NGHTTP2_REFUSED_STREAM: code } = constants;
  assert.deepEqual(
    [...refused],
    [201, 203].map((stream) => [stream, code]),
  );
  client.send(frameTypes.rstStream, 0, 1, Buffer.from([0, 0, 0, 8]));
  client.request(205, "/version");
  const answered = await client.until(({ stream }) => stream === 205);
  assert.equal(answered?.type, frameTypes.headers);
  client.socket.destroy();
});

test("a stranger has one request on a connection of HTTP/2", async () => {
  const stranger = session({});
  const away = once(stranger, "goaway");
  assert.equal(await statusOf(stranger, "/version"), 200);
  const [code] = (await away) as [number];
  assert.equal(code, 0);
  await once(stranger, "close");
  const own = session();
  let left = false;
  own.once("goaway", () => (left = true));
  assert.equal(await statusOf(own, "/version"), 200);
  assert.equal(await statusOf(own, "/version"), 200);
  assert.equal(left, false);
  own.destroy();
});

test("a watcher that takes nothing is cut off, and what it did not take is gone", async () => {
  const client = await raw();
  client.request(1, `${maps}?watch=1&fieldSelector=metadata.name%3Dlarge`);
  await client.until(({ type }) => type === frameTypes.headers);
  const own = session();
  const reader = own.request({ ":path": `${maps}?watch=1&fieldSelector=metadata.name%3Dlarge` });
  let read = 0;
  reader.on("data", (chunk: Buffer) => (read += chunk.length));
  await once(reader, "response");
  const events = 72;
  const size = 1_000_000;
  assert.equal((await h.call("POST", maps, configMap("large"))).status, 201);
  for (let i = 0; i < events; i++) {
    const { status } = await h.call("PUT", `${maps}/large`, configMap("large", { i: `${i}`.padEnd(size) }));
    assert.equal(status, 200);
    while (read < (i + 1) * size) await once(reader, "data");
  }
  const cut = await client.until(({ type, stream }) => type === frameTypes.rstStream && stream === 1);
  assert.equal(cut?.payload.readUInt32BE(0), 2, "INTERNAL_ERROR");
  const { text } = await h.call("GET", "/metrics");
  assert.match(text, /^apiserver_terminated_watchers_total\{group="",resource="configmaps"\} 1$/m);
  client.socket.destroy();
  own.destroy();
  await servesOthers();
});

test("connections end by chance where that is wanted, and their requests are answered", async () => {
  const balanced = await startHarness({ goAwayChance: 0.02, random: () => 0.019 });
  try {
    const tls = { key: serverKey, cert: serverCert, clientCa: ca };
    const listening = await balanced.server.listen({ host: "127.0.0.1", port: 0, tls, maxStreams: 7 });
    const own = connect(`https://127.0.0.1:${listening.port}`, { ca, ...identity });
    const settings = once(own, "remoteSettings");
    const away = once(own, "goaway");
    assert.equal(await statusOf(own, "/version"), 200);
    await away;
    const [{ maxConcurrentStreams }] = (await settings) as [{ maxConcurrentStreams: number }];
    assert.equal(maxConcurrentStreams, 7);
  } finally {
    await balanced.close();
  }
});

test("thousands of idle watches cost others nothing, and are gone with their connections", async () => {
  const sessions = Array.from({ length: 20 }, () => session());
  const path = `${maps}?watch=1&resourceVersion=0&fieldSelector=metadata.name%3Dseen`;
  const watches = sessions.flatMap((each) =>
    Array.from({ length: 100 }, () => each.request({ ":path": path })),
  );
  for (const each of watches) each.on("error", () => undefined);
  await Promise.all(watches.map((each) => once(each, "response")));
  const open = async (): Promise<number> => {
    const { text } = await h.call("GET", "/metrics");
    const lines = text.matchAll(
      /^apiserver_longrunning_requests\{[^}]*resource="configmaps"[^}]*\} (\d+)$/gm,
    );
    return lines.reduce((sum, [, count]) => sum + Number(count), 0);
  };
  assert.equal(await open(), 2000);
  const seen = Promise.all(watches.map((each) => once(each, "data")));
  assert.equal((await h.call("POST", maps, configMap("seen"))).status, 201);
  await seen;
  await servesOthers();
  for (const each of sessions) each.destroy();
  await until("their end", async () => (await open()) === 0);
});

test("who gives up long answers again and again is served all the same", async () => {
  await h.call("POST", maps, configMap("long", { text: "x".repeat(900_000) }));
  let own = session();
  let sessions = 1;
  /** True when it has been answered; false when it has to be retried on a new connection. */
  const giveUp = async (): Promise<boolean> => {
    const stream = own.request({ ":path": `${maps}/long` });
    try {
      const [headers] = (await once(stream, "response")) as [{ ":status": number }];
      assert.equal(headers[":status"], 200);
    } catch (error) {
      assert.equal(stream.rstCode, constants.NGHTTP2_REFUSED_STREAM, String(error));
      return false;
    }
    stream.close(constants.NGHTTP2_CANCEL);
    await once(stream, "close");
    return true;
  };
  for (let i = 0; i < 350; ) {
    if (!own.closed && (await giveUp())) i++;
    else {
      own.close();
      own = session();
      sessions++;
    }
  }
  own.destroy();
  assert.ok(sessions > 1 && sessions < 20, `${sessions} connections`);
});
