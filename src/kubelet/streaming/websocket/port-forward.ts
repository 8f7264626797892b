import type { Duplex } from "node:stream";
import { createWebSocketStream, type WebSocket } from "ws";
import { joinStreams } from "../port-forward.ts";
import { servePortForward } from "../spdy/port-forward.ts";
import { WebSocketChannels } from "./channels.ts";

export const tunnelProtocol = "SPDY/3.1+portforward.k8s.io";
export const webSocketPortForwardProtocols = [
  tunnelProtocol,
  "v4.channel.k8s.io",
  "v4.base64.channel.k8s.io",
] as const;

/** SPDY frames in binary messages. */
export async function serveTunnel(
  socket: WebSocket,
  pod: string,
  connect: (port: number) => Promise<Duplex>,
): Promise<void> {
  const carrier = createWebSocketStream(socket, { allowHalfOpen: false });
  await servePortForward(carrier, Buffer.alloc(0), pod, connect);
}

/** Channel 2n carries the data of the n-th port, 2n+1 its errors; each begins with the port, little-endian. */
export async function serveChannelPortForward(
  socket: WebSocket,
  ports: readonly number[],
  pod: string,
  connect: (port: number) => Promise<Duplex>,
): Promise<void> {
  const channels = new WebSocketChannels(socket);
  await Promise.all(
    ports.map(async (port, index) => {
      const data = channels.duplex(index * 2);
      const number = Buffer.alloc(2);
      number.writeUInt16LE(port);
      channels.send(index * 2, number);
      channels.send(index * 2 + 1, number);
      try {
        await joinStreams(data, await connect(port));
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        channels.send(index * 2 + 1, Buffer.from(`error forwarding port ${port} to pod ${pod}: ${why}`));
      } finally {
        data.destroy();
      }
    }),
  );
  channels.close();
  await channels.gone;
}
