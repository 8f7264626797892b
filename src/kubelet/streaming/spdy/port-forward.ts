import type { Duplex } from "node:stream";
import { joinStreams } from "../port-forward.ts";
import { SpdyConnection, type SpdyStream } from "./connection.ts";

interface Pair {
  data?: SpdyStream;
  error?: SpdyStream;
}

/** Timeout for the second stream of a pair. */
const pairMs = 30_000;

/**
 * Protocol `portforward.k8s.io`: a pair of streams per connection, `error` and `data`, with the same `requestid` and port.
 * `carrier` is an upgraded connection, or the tunnel in a WebSocket.
 */
export async function servePortForward(
  carrier: Duplex,
  head: Buffer,
  pod: string,
  connect: (port: number) => Promise<Duplex>,
): Promise<void> {
  const pairs = new Map<string, Pair>();
  const serve = async (pair: Required<Pair>, port: number): Promise<void> => {
    try {
      if (!(port >= 1 && port <= 65535)) throw new Error(`port ${port} is not a port`);
      const connection = await connect(port);
      await joinStreams(pair.data, connection);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (!pair.error.destroyed) pair.error.write(`error forwarding port ${port} to pod ${pod}: ${why}`);
    } finally {
      pair.error.end();
      pair.data.end();
      pair.data.resume();
      pair.error.resume();
    }
  };
  const spdy = new SpdyConnection(carrier, head, (stream) => {
    const type = stream.headers["streamtype"];
    const port = stream.headers["port"] ?? "";
    // Older clients send no id; they open one pair per port at a time.
    const id = stream.headers["requestid"] ?? port;
    if (type !== "data" && type !== "error") {
      stream.destroy();
      return;
    }
    const pair = pairs.get(id) ?? {};
    pairs.set(id, pair);
    pair[type] = stream;
    if (pair.data && pair.error) {
      pairs.delete(id);
      void serve({ data: pair.data, error: pair.error }, Number(port));
    } else {
      const timer = setTimeout(() => {
        if (pairs.get(id) !== pair) return;
        pairs.delete(id);
        stream.destroy();
      }, pairMs);
      timer.unref();
    }
  });
  await spdy.closed;
}
