import type { Duplex, Readable, Writable } from "node:stream";
import { finished } from "node:stream/promises";

/** One direction: copies until `from` ends, then ends `to`. An error on either side ends both. */
async function oneWay(from: Readable, to: Writable): Promise<void> {
  from.pipe(to);
  await Promise.race([finished(from, { writable: false }), finished(to, { readable: false })]);
  await finished(to, { readable: false }).catch(() => {});
}

/**
 * Connects a client's stream with a connection to the pod until both directions have ended (half-close, as in TCP). Rejects
 * when the pod's side failed.
 */
export async function joinStreams(client: Duplex, pod: Duplex): Promise<void> {
  let broken: Error | undefined;
  pod.on("error", (error) => {
    broken = error;
  });
  client.on("error", () => {});
  const toPod = oneWay(client, pod).catch(() => {});
  const toClient = oneWay(pod, client).catch(() => {});
  await toClient;
  // The pod has closed its side. The client's data matters only as long as the pod reads.
  await Promise.race([toPod, finished(pod).catch(() => {})]);
  pod.destroy();
  if (broken) throw broken;
}
