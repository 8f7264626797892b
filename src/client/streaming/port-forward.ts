import { Duplex } from "node:stream";
import type { ServerConnection } from "../transport/credentials.ts";
import { openWebSocket } from "./open.ts";

/**
 * A connection to a port of a pod over its own WebSocket (`v4.channel.k8s.io` of the portforward subresource: channel 0 is
 * data, 1 is errors; the first message of each is the port number). The stream is destroyed with the error's text when the node
 * cannot connect.
 */
export async function openPortForward(
  connection: ServerConnection,
  namespace: string,
  pod: string,
  port: number,
  signal?: AbortSignal,
): Promise<Duplex> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/portforward?ports=${port}`;
  const socket = await openWebSocket(connection, path, ["v4.channel.k8s.io"], signal);
  const started = new Set<number>();
  const stream = new Duplex({
    read: () => socket.resume(),
    write(chunk: Buffer, _encoding, done) {
      const message = Buffer.allocUnsafe(chunk.length + 1);
      message[0] = 0;
      message.set(chunk, 1);
      socket.send(message, (error) => done(error ?? null));
    },
    final(done) {
      // The protocol cannot close one direction: send the last bytes, then close both.
      socket.close(1000);
      done();
    },
    destroy(error, done) {
      socket.terminate();
      done(error);
    },
  });
  socket.on("message", (data: Buffer) => {
    const channel = data[0] ?? 0;
    const bytes = data.subarray(1);
    if (!started.has(channel)) {
      started.add(channel);
      // Two bytes, little endian: the channel's port.
      if (bytes.length === 2) return;
    }
    if (channel === 1) {
      if (bytes.length > 0) stream.destroy(new Error(bytes.toString("utf8").trim()));
    } else if (bytes.length > 0 && !stream.push(bytes)) socket.pause();
  });
  socket.on("close", () => stream.push(null));
  socket.on("error", (error) => stream.destroy(error));
  socket.resume();
  return stream;
}
