import type { TLSSocket } from "node:tls";
import type { Peer } from "../auth-contract.ts";

/** By the connection's socket, or what stands for it. */
const peers = new WeakMap<object, Peer>();

/** Who is at the other end: read once per connection. */
export function peerOf(connection: object, socket: TLSSocket): Peer {
  let peer = peers.get(connection);
  if (!peer) {
    peer = readPeer(socket);
    peers.set(connection, peer);
  }
  return peer;
}

function readPeer(socket: TLSSocket): Peer {
  const address = socket.remoteAddress ?? "";
  if (!socket.authorized) return { address };
  const shown = socket.getPeerCertificate();
  const subject = shown.subject as { CN?: string | string[]; O?: string | string[] } | undefined;
  // Of several the last one counts, as for Go's pkix.Name and for who judges requests.
  const commonName = [subject?.CN ?? []].flat().at(-1);
  if (!commonName) return { address };
  const fingerprint = shown.fingerprint256.replaceAll(":", "").toLowerCase();
  return {
    address,
    certificate: { commonName, organizations: [subject?.O ?? []].flat(), fingerprint, der: shown.raw },
  };
}
