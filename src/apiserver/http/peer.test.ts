import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { connect, createServer, type TLSSocket } from "node:tls";
import { der, signCertificate } from "../../machinery/index.ts";
import { certificateAuthority } from "../../testing/index.ts";
import type { Peer } from "../auth-contract.ts";
import { ca, serverCert, serverKey } from "../testing/certificates.ts";
import { peerOf } from "./peer.ts";

const { oid, sequence, set, utf8 } = der;
const name = (type: string, value: string): Buffer => sequence(oid(type), utf8(value));
const commonName = (value: string): Buffer => name("2.5.4.3", value);
const organization = (value: string): Buffer => name("2.5.4.10", value);

const now = Date.now();
const dayMs = 24 * 3600 * 1000;
const signer = certificateAuthority(now - dayMs, now + dayMs);

/** The peer that the server identifies by a certificate with these names. */
async function seen(
  t: TestContext,
  names: { commonNames: string[]; organizations: string[]; subject: Buffer },
): Promise<Peer> {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const cert = signCertificate(
    {
      ...names,
      ...{ commonName: "", dnsNames: [], ipAddresses: [], emailAddresses: [], uris: [] },
      publicKey: publicKey.export({ type: "spki", format: "der" }),
      signatureProblem: () => undefined,
    },
    signer,
    {
      usages: ["client auth"],
      notBefore: new Date(now - dayMs / 2),
      notAfter: new Date(now + dayMs / 2),
      serial: Buffer.from([1]),
    },
  );
  const server = createServer({
    ...{ key: serverKey, cert: serverCert, ca: signer.cert },
    ...{ requestCert: true, rejectUnauthorized: false },
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const key = privateKey.export({ type: "pkcs8", format: "pem" });
  const { port } = server.address() as AddressInfo;
  const client = connect({ host: "127.0.0.1", port, ca, cert, key, checkServerIdentity: () => undefined });
  t.after(() => {
    client.destroy();
    server.close();
  });
  const [socket] = (await once(server, "secureConnection")) as [TLSSocket];
  const peer = peerOf(socket, socket);
  socket.destroy();
  return peer;
}

test("of several common names the last one counts, as for who signed it; all organizations do", async (t) => {
  const { certificate: several } = await seen(t, {
    commonNames: ["system:kube-controller-manager", "system:node:a"],
    organizations: ["a", "b"],
    subject: sequence(
      set(organization("a")),
      set(commonName("system:kube-controller-manager"), organization("b")),
      set(commonName("system:node:a")),
    ),
  });
  assert.equal(several?.commonName, "system:node:a");
  assert.deepEqual(several?.organizations, ["a", "b"]);
  const { certificate: one } = await seen(t, {
    commonNames: ["me"],
    organizations: ["a"],
    subject: sequence(set(commonName("me")), set(organization("a"))),
  });
  assert.deepEqual([one?.commonName, one?.organizations], ["me", ["a"]]);
  // Nobody: the first name does not replace an empty last one.
  const nobody = await seen(t, {
    commonNames: ["me", ""],
    organizations: [],
    subject: sequence(set(commonName("me")), set(commonName(""))),
  });
  assert.equal(nobody.certificate, undefined);
});
