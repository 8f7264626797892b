import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { connect, createServer, type TLSSocket } from "node:tls";
import { createAuthority, loadAuthority } from "../../../cluster/pki/authority.ts";
import { CredentialAuthenticator } from "./credential-authenticator.ts";
import { certificatesOf } from "./front-proxy.ts";
import { TokenUnion } from "./token-union.ts";
import { peerOf } from "../../http/peer.ts";

const now = Date.now();

test("clients behind an intermediate authority are taken where the bundle has it as well as its root", async (t) => {
  const root = createAuthority("root", now);
  const between = loadAuthority(root.issue({ commonName: "between", usages: ["ca"] }, now));
  const client = between.issue({ commonName: "alice", usages: ["client"] }, now);
  const bundle = root.cert + between.cert;
  const server = createServer({
    ...root.issue({ commonName: "server", hosts: ["localhost"], usages: ["server"] }, now),
    ca: bundle,
    requestCert: true,
    rejectUnauthorized: false,
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const arrived = once(server, "secureConnection") as Promise<[TLSSocket]>;
  const { port } = server.address() as AddressInfo;
  const ends = connect({ host: "127.0.0.1", port, servername: "localhost", ca: root.cert, ...client });
  t.after(() => ends.destroy());
  const [socket] = await arrived;
  const peer = peerOf(socket, socket);
  const clientAuthorities = certificatesOf(bundle);
  const authenticator = new CredentialAuthenticator({ tokens: new TokenUnion([]), clientAuthorities });
  assert.equal((await authenticator.authenticate({ headers: {}, peer }))?.name, "alice");
});
