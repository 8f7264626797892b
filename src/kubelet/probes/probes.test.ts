import assert from "node:assert/strict";
import { createServer as createHttp2 } from "node:http2";
import { createServer } from "node:http";
import type { AddressInfo, Server } from "node:net";
import { test, type TestContext } from "node:test";
import { systemClock } from "../../machinery/index.ts";
import { probeGrpc } from "./grpc.ts";
import { probeHttp } from "./http.ts";
import { resolvePort } from "./prober.ts";
import { probeTcp } from "./tcp.ts";

/** Longer than any answer takes on a busy machine. */
const patientMs = 60_000;

async function listen(t: TestContext, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as AddressInfo).port;
}

test("HTTP: status decides, redirects stay on the host, headers are sent, silence times out", async (t) => {
  const seen: string[] = [];
  const port = await listen(
    t,
    createServer((request, response) => {
      seen.push(`${request.url} ${request.headers["user-agent"]} ${request.headers["x-a"] ?? ""}`.trim());
      if (request.url === "/hang") return;
      if (request.url === "/away")
        return void response.writeHead(302, { location: "http://elsewhere.invalid/" }).end();
      if (request.url === "/near") return void response.writeHead(302, { location: "/bad" }).end();
      response.writeHead(request.url === "/bad" ? 503 : 200).end("hello");
    }),
  );
  const probe = (path: string, timeoutMs = patientMs) =>
    probeHttp(
      { host: "127.0.0.1", port, path, tls: false, headers: [{ name: "X-A", value: "1" }], timeoutMs },
      systemClock,
    );
  assert.deepEqual(await probe("/"), { result: "success", output: "hello" });
  assert.deepEqual(await probe("/bad"), {
    result: "failure",
    output: "HTTP probe failed with statuscode: 503",
    answered: true,
  });
  assert.equal((await probe("/near")).output, "HTTP probe failed with statuscode: 503");
  assert.equal((await probe("/away")).result, "success");
  assert.match((await probe("/hang", 50)).output, /context deadline exceeded/);
  assert.equal(seen[0], "/ kube-probe/1.36 1");
});

test("TCP and refused connections", async (t) => {
  const port = await listen(t, createServer());
  assert.equal((await probeTcp("127.0.0.1", port, patientMs, systemClock)).result, "success");
  const refused = await probeTcp("127.0.0.1", 1, patientMs, systemClock);
  assert.deepEqual(refused, {
    result: "failure",
    output: "dial tcp 127.0.0.1:1: connect: connection refused",
  });
});

test("gRPC health", async (t) => {
  let status = 1;
  const server = createHttp2();
  server.on("stream", (stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.resume();
    stream.end(Buffer.from([0, 0, 0, 0, 2, 8, status]));
  });
  const port = await listen(t, server as unknown as Server);
  const probe = () => probeGrpc("127.0.0.1", port, "svc", patientMs, systemClock);
  assert.equal((await probe()).result, "success");
  status = 2;
  assert.match((await probe()).output, /NOT_SERVING/);
});

test("ports by number, text and name", () => {
  const container = { name: "c", ports: [{ name: "http", containerPort: 8080 }] };
  assert.equal(resolvePort(80, container), 80);
  assert.equal(resolvePort("81", container), 81);
  assert.equal(resolvePort("http", container), 8080);
  assert.throws(() => resolvePort("none", container), /couldn't find port: none/);
});
