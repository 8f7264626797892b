import type { TLSSocket } from "node:tls";
import type { Peer } from "../auth-contract.ts";

/** By socket or HTTP/2 session. */
const peers = new WeakMap<object, Peer>();

/** The other end of a connection, read once per connection. */
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
  // The last of several, as in Go's pkix.Name.
  const commonName = [subject?.CN ?? []].flat().at(-1);
  if (!commonName) return { address };
  const fingerprint = shown.fingerprint256.replaceAll(":", "").toLowerCase();
  return {
    address,
    certificate: { commonName, organizations: [subject?.O ?? []].flat(), fingerprint, der: shown.raw },
  };
}
