import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { WebSocket } from "ws";
import { ensureCertificates } from "../../cluster/pki/cluster-certificates.ts";
import { silentLogger } from "../../machinery/index.ts";
import { createKubeletServer, type KubeletServer } from "./server.ts";
import { processBackend } from "./testing/process-backend.ts";

const dir = mkdtempSync(join(tmpdir(), "streaming-"));
const made = ensureCertificates(
  dir,
  { apiserver: ["127.0.0.1"], kubelet: ["n1", "127.0.0.1"], nodeName: "n1" },
  Date.now(),
);
const backend = processBackend();
const client = { ...made.clients["apiserver-kubelet"], ca: made.ca };
let server: KubeletServer;

before(async () => {
  server = await createKubeletServer({
    tls: made.kubelet,
    clientCa: made.ca,
    host: "127.0.0.1",
    port: 0,
    backend,
    log: silentLogger,
  });
});
after(async () => {
  await server.close();
  rmSync(dir, { recursive: true });
});

interface Collected {
  out: Map<number, Buffer[]>;
  text(channel: number): string;
  status(): { status: string; reason?: string; details?: { causes: { message: string }[] } };
}

function dial(path: string, protocol: string): [WebSocket, Collected] {
  const socket = new WebSocket(`wss://127.0.0.1:${server.port}${path}`, protocol, client);
  const out = new Map<number, Buffer[]>();
  const base64 = protocol.includes("base64");
  socket.on("message", (data: Buffer) => {
    const channel = base64 ? (data[0] ?? 0) - 48 : (data[0] ?? 0);
    const body = base64 ? Buffer.from(data.toString("latin1", 1), "base64") : data.subarray(1);
    out.set(channel, [...(out.get(channel) ?? []), body]);
  });
  const text = (channel: number): string => Buffer.concat(out.get(channel) ?? []).toString();
  return [socket, { out, text, status: () => JSON.parse(text(3)) }];
}

const command = (words: string[], options = "output=1&error=1"): string =>
  `/exec/ns/pod/c?${words.map((word) => `command=${encodeURIComponent(word)}`).join("&")}&${options}`;

for (const protocol of ["v5.channel.k8s.io", "v4.channel.k8s.io", "v4.base64.channel.k8s.io"]) {
  test(`${protocol}: output, errors and exit code arrive`, async () => {
    const [socket, got] = dial(command(["sh", "-c", "echo out; echo err >&2; exit 3"]), protocol);
    await once(socket, "close");
    assert.equal(socket.protocol, protocol);
    assert.equal(got.text(1), "out\n");
    assert.equal(got.text(2), "err\n");
    assert.equal(got.status().reason, "NonZeroExitCode");
    assert.equal(got.status().details?.causes[0]?.message, "3");
  });
}

test("an ended stdin is passed on by the v5 close signal; many megabytes come back whole", async () => {
  const [socket, got] = dial(command(["cat"], "input=1&output=1&error=1"), "v5.channel.k8s.io");
  await once(socket, "open");
  const piece = Buffer.alloc(64 * 1024);
  const hash = createHash("sha256");
  for (let i = 0; i < 100; i++) {
    piece.fill(i);
    hash.update(piece);
    socket.send(Buffer.concat([Buffer.from([0]), piece]));
  }
  socket.send(Buffer.from([255, 0]));
  await once(socket, "close");
  assert.equal(got.status().status, "Success");
  const back = Buffer.concat(got.out.get(1) ?? []);
  assert.equal(createHash("sha256").update(back).digest("hex"), hash.digest("hex"));
});

test("a slow reader holds the command back instead of filling memory, while others get theirs", async () => {
  const path = command(["head", "-c", "64000000", "/dev/zero"]);
  const [slow] = dial(path, "v5.channel.k8s.io");
  await once(slow, "open");
  slow.pause();
  const [session] = backend.sessions;
  assert.ok(session);
  let isOver = false;
  const exited = session.exited.then(() => (isOver = true));
  const [fast, got] = dial(path, "v5.channel.k8s.io");
  await once(fast, "close");
  assert.equal(Buffer.concat(got.out.get(1) ?? []).length, 64_000_000);
  // As long as all of it takes, the slow one's command still waits to be rid of its own.
  assert.equal(isOver, false);
  slow.terminate();
  await exited;
});

test("a client that leaves takes its command along", async () => {
  const [socket] = dial(command(["sleep", "60"], "output=1"), "v5.channel.k8s.io");
  await once(socket, "open");
  const [session] = backend.sessions;
  assert.ok(session);
  socket.terminate();
  await session.exited;
});

test("the terminal's size is passed on; attach ends well whatever the exit code", async () => {
  const [socket, got] = dial("/attach/ns/pod/c?input=1&output=1&tty=1", "v5.channel.k8s.io");
  await once(socket, "open");
  socket.send(Buffer.concat([Buffer.from([4]), Buffer.from('{"Width":80,"Height":24}')]));
  socket.send(Buffer.concat([Buffer.from([0]), Buffer.from("hi")]));
  socket.send(Buffer.from([255, 0]));
  await once(socket, "close");
  assert.equal(got.text(1), "hi");
  assert.equal(got.status().status, "Success");
  assert.deepEqual(backend.sizes.splice(0), ["80x24"]);
});

test("port forwarding by channels says the port first and ends with the connection", async () => {
  const echo = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
  echo.listen(0, "127.0.0.1");
  await once(echo, "listening");
  const { port } = echo.address() as AddressInfo;
  const [socket, got] = dial(`/portForward/ns/pod?port=${port}`, "v4.channel.k8s.io");
  await once(socket, "open");
  socket.send(Buffer.from([0, ...Buffer.from("ping")]));
  while (Buffer.concat(got.out.get(0) ?? []).length < 6) await once(socket, "message");
  const bytes = Buffer.concat(got.out.get(0) ?? []);
  assert.equal(bytes.readUInt16LE(0), port);
  assert.equal(bytes.toString("utf8", 2), "ping");
  socket.close();
  await once(socket, "close");
  echo.close();
});

test("errors before the upgrade are HTTP answers; strangers are refused", async () => {
  const ask = (path: string, options: object): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      httpsRequest({ host: "127.0.0.1", port: server.port, path, agent: false, ...options }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      })
        .on("error", reject)
        .end();
    });
  assert.equal(await ask("/pods", { ca: made.ca }), 401);
  assert.equal(await ask("/pods", { ...made.clients.scheduler, ca: made.ca }), 403);
  assert.equal(await ask("/pods", client), 200);
  assert.equal(await ask("/containerLogs/ns/missing/c", client), 404);
  assert.equal(await ask("/containerLogs/ns/pod/c?tailLines=x", client), 400);
  const [socket] = dial("/exec/ns/missing/c?command=true&output=1", "v5.channel.k8s.io");
  const [, answer] = (await once(socket, "unexpected-response")) as [unknown, { statusCode: number }];
  assert.equal(answer.statusCode, 404);
  socket.on("error", () => {});
  socket.terminate();
});
