/** Upgrade requests that get an ordinary answer, or a watch over WebSocket. */
import { type IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Socket } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { withoutToken } from "../auth/authn/websocket-token.ts";
import { type Answer, isPushStream, type PushStream } from "../response.ts";
import { ofResponse } from "./carrier.ts";
import { respond } from "./respond.ts";

export interface Upgrading {
  message: IncomingMessage;
  socket: Duplex;
  head: Buffer;
}

/** Answers on a socket of an upgrade request: over WebSocket for a watch that asked for it. */
export async function answerUpgrade({ message, socket, head }: Upgrading, answer: Answer): Promise<void> {
  const wanted = String(message.headers.upgrade ?? "").toLowerCase();
  if (wanted === "websocket" && isPushStream(answer.body)) {
    watchByWebSocket({ message, socket, head }, answer.body, isBinary(answer));
    return;
  }
  const response = new ServerResponse(message);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as Socket);
  response.once("finish", () => socket.end());
  const encoding = message.headers["accept-encoding"];
  await respond(
    ofResponse(response),
    answer,
    typeof encoding === "string" ? encoding : undefined,
    message.method === "HEAD",
  );
}

const isBinary = ({ headers }: Answer): boolean => headers["content-type"]?.includes("protobuf") ?? false;

const webSockets = new WebSocketServer({
  noServer: true,
  perMessageDeflate: false,
  maxPayload: 64 * 1024,
  handleProtocols: (offered) => [...offered][0] ?? false,
});

/** Length prefix of frames in protocols without message boundaries. */
const lengthBytes = 4;

function watchByWebSocket({ message, socket, head }: Upgrading, stream: PushStream, binary: boolean): void {
  // Clients that offer several protocols are not supported, and pages must pass the origin check.
  const { origin, "sec-websocket-protocol": protocols, "sec-websocket-version": version } = message.headers;
  if (version !== "13") {
    const text = "missing or bad WebSocket Version";
    return refuse(socket, "400 Bad Request\r\nSec-WebSocket-Version: 13", text);
  }
  if (!message.headers["sec-websocket-key"])
    return refuse(socket, "400 Bad Request", "mismatch challenge/response");
  if (!origin || !(origin.startsWith("/") || URL.canParse(origin))) return refuse(socket, "403 Forbidden");
  if (protocols !== undefined) {
    const left = withoutToken(protocols);
    if (left.includes(",")) return refuse(socket, "400 Bad Request");
    message.headers["sec-websocket-protocol"] = left;
  }
  webSockets.handleUpgrade(message, socket, head, (client: WebSocket) => {
    client.on("error", () => {}); // followed by close
    const stop = stream.start({
      write(chunk) {
        if (binary) client.send(chunk.subarray(lengthBytes), { binary: true });
        else client.send(chunk, { binary: false });
      },
      writeParts(parts) {
        this.write(Buffer.concat(parts));
      },
      end: () => client.close(1000),
      get backlog() {
        return client.bufferedAmount;
      },
      whenTaken(callback) {
        if (socket.writableNeedDrain) socket.once("drain", callback);
        else setImmediate(callback);
      },
    });
    client.once("close", stop);
  });
}

function refuse(socket: Duplex, status: string, text = ""): void {
  socket.end(`HTTP/1.1 ${status}\r\n\r\n${text}`);
}
