import type { Duplex, Readable, Writable } from "node:stream";
import { finished } from "node:stream/promises";

/** One direction: copies until `from` ends, ends `to` then. An error on either side ends both. */
async function oneWay(from: Readable, to: Writable): Promise<void> {
  from.pipe(to);
  await Promise.race([finished(from, { writable: false }), finished(to, { readable: false })]);
  await finished(to, { readable: false }).catch(() => {});
}

/**
 * Joins a client's stream with a connection inside the pod until both directions are done. When one side has said all
 * it had to say, the other may go on (half-close), as with TCP itself. Rejects when the pod's side broke.
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
  // The pod has nothing more to say. What the client still sends matters only as long as the pod listens.
  await Promise.race([toPod, finished(pod).catch(() => {})]);
  pod.destroy();
  if (broken) throw broken;
}
