import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { type WebSocket, WebSocketServer } from "ws";
import { isReason, StatusError } from "../../machinery/index.ts";
import { exitCodeOf, openExec } from "./exec.ts";
import { openPortForward } from "./port-forward.ts";

/** Stands in for the API server: `serve` gets the socket of every upgrade. */
async function start(serve: (socket: WebSocket, path: string) => void) {
  const server = http.createServer();
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => [...offered][0] ?? false,
  });
  server.on("upgrade", (request, socket, head) => {
    if (request.headers.authorization !== "Bearer t") {
      const body = JSON.stringify(new StatusError("Forbidden", "not you").toStatus());
      socket.end(`HTTP/1.1 403 Forbidden\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (each) => serve(each, request.url ?? ""));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => {
    for (const each of sockets.clients) each.terminate();
    server.closeAllConnections();
    server.close();
  });
  return { server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: "t" };
}

const message = (channel: number, text: string): Buffer =>
  Buffer.concat([Buffer.from([channel]), Buffer.from(text)]);
const options = {
  namespace: "default",
  pod: "web",
  container: "c",
  command: ["sh", "-c", "echo a b"],
  stdin: true,
  stdout: true,
  stderr: true,
  tty: false,
};
const failed = {
  kind: "Status",
  status: "Failure",
  reason: "NonZeroExitCode",
  details: { causes: [{ reason: "ExitCode", message: "3" }] },
};

test("exec: input, both outputs, end of input, exit code", async () => {
  let path = "";
  const connection = await start((socket, url) => {
    path = url;
    socket.on("message", (data: Buffer) => {
      if (data[0] === 0) socket.send(message(1, `got ${data.subarray(1).toString()}`));
      else if (data[0] === 255 && data[1] === 0) {
        socket.send(message(2, "end of input"));
        socket.send(message(3, JSON.stringify(failed)));
        socket.close(1000);
      }
    });
  });
  let out = "";
  let err = "";
  const session = await openExec(connection, "exec", options, {
    stdout: async (data) => {
      await Promise.resolve();
      out += data.toString();
    },
    stderr: (data) => void (err += data.toString()),
  });
  await session.write(Buffer.from("hello"));
  session.endInput();
  assert.equal(exitCodeOf(await session.status), 3);
  assert.deepEqual([out, err], ["got hello", "end of input"]);
  assert.equal(
    path,
    "/api/v1/namespaces/default/pods/web/exec?container=c&stdin=true&stdout=true&stderr=true&command=sh&command=-c&command=echo%20a%20b",
  );
});

test("exec: a refused upgrade is the server's Status; a broken stream is no success", async () => {
  const connection = await start((socket) => socket.terminate());
  await assert.rejects(openExec({ ...connection, token: "x" }, "exec", options, {}), (error) =>
    isReason(error, "Forbidden"),
  );
  const session = await openExec(connection, "attach", { ...options, command: [] }, {});
  await assert.rejects(session.status, /ended without a result/);
});

test("port-forward: bytes both ways behind the port numbers, errors by their text", async () => {
  const connection = await start((socket, url) => {
    const port = Number(new URL(url, "http://x").searchParams.get("ports"));
    for (const channel of [0, 1]) socket.send(Buffer.from([channel, port & 255, port >> 8]));
    if (port === 81) socket.send(message(1, "connection refused"));
    else socket.on("message", (data: Buffer) => socket.send(data));
  });
  const stream = await openPortForward(connection, "default", "web", 8080);
  stream.write("ping");
  const [echoed] = (await once(stream, "data")) as [Buffer];
  assert.equal(echoed.toString(), "ping");
  stream.destroy();
  const refused = await openPortForward(connection, "default", "web", 81);
  const [error] = (await once(refused, "error")) as [Error];
  assert.equal(error.message, "connection refused");
});
