import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { der, signCertificate } from "../../machinery/index.ts";
import { certificateAuthority } from "../../testing/index.ts";
import { ca } from "../testing/certificates.ts";
import { startHarness } from "../testing/harness.ts";
import type { ListenOptions } from "../contract.ts";
import type { NamedPair, ServingPair } from "./certificates.ts";
import { checkCipherSuites, opensslCiphers } from "./cipher-suites.ts";

const { oid, sequence, set, utf8 } = der;
const dayMs = 24 * 3600 * 1000;
const authority = certificateAuthority(Date.now() - dayMs, Date.now() + dayMs);

/** A certificate for these hosts, identified by its organization. */
function issued(organization: string, commonName: string, ...dnsNames: string[]): ServingPair {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const name = (type: string, value: string): Buffer => set(sequence(oid(type), utf8(value)));
  const cert = signCertificate(
    {
      ...{ commonName, commonNames: [commonName], organizations: [organization], dnsNames },
      ...{ ipAddresses: [], emailAddresses: [], uris: [] },
      subject: sequence(name("2.5.4.10", organization), name("2.5.4.3", commonName)),
      publicKey: publicKey.export({ type: "spki", format: "der" }),
      signatureProblem: () => undefined,
    },
    authority,
    {
      usages: ["server auth"],
      notBefore: new Date(Date.now() - dayMs / 2),
      notAfter: new Date(Date.now() + dayMs / 2),
      serial: Buffer.from([1]),
    },
  );
  return { cert, key: privateKey.export({ type: "pkcs8", format: "pem" }) as string };
}

async function serve(
  t: TestContext,
  tls: ServingPair & { named?: NamedPair[] },
  more?: Partial<ListenOptions>,
) {
  const h = await startHarness();
  const sockets: TLSSocket[] = [];
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    return h.close();
  });
  const { port } = await h.server.listen({
    ...{ host: "127.0.0.1", port: 0, tls: { ...tls, clientCa: ca } },
    ...more,
  });
  const connected = async (options: ConnectionOptions): Promise<TLSSocket> => {
    const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false, ...options });
    sockets.push(socket);
    await once(socket, "secureConnect");
    return socket;
  };
  /** The organization in the certificate for this server name. */
  const servedAs = async (servername?: string): Promise<unknown> =>
    (await connected(servername === undefined ? {} : { servername })).getPeerCertificate().subject.O;
  return { h, connected, servedAs };
}

test("who asks for a name gets the certificate for it; what somebody gave outweighs what stands in certificates", async (t) => {
  const { servedAs } = await serve(t, {
    ...issued("default", "default", "default.example", "both.example"),
    named: [
      { ...issued("first", "first.example", "other.example"), names: [] },
      { ...issued("second", "other.example", "unasked.example"), names: ["*.given.example", "127.0.0.1"] },
      { ...issued("third", "second.example", "both.example"), names: ["first.example"] },
      { ...issued("fourth", "10.0.0.1", "other.example", "*.wild.example"), names: [] },
    ],
  });
  for (const [name, expected] of [
    ["default.example", "default"],
    ["other.example", "first"],
    ["OTHER.example", "first"],
    ["first.example", "third"],
    ["a.given.example", "second"],
    ["a.b.given.example", "default"],
    ["a.wild.example", "fourth"],
    ["unasked.example", "second"],
    ["both.example", "default"],
    ["second.example", "default"],
    [undefined, "second"],
  ] as const)
    assert.equal(await servedAs(name), expected, name);
});

test("connections after a change are served with the new certificates, those before it go on", async (t) => {
  const { h, connected, servedAs } = await serve(t, {
    ...issued("old", "a.example"),
    named: [{ ...issued("old-named", "b.example"), names: [] }],
  });
  const before = await connected({});
  const named = [{ ...issued("new-named", "b.example"), names: [] }];
  h.server.renewTls({ ...issued("new", "a.example"), clientCa: ca, named });
  assert.deepEqual([await servedAs(), await servedAs("b.example")], ["new", "new-named"]);
  before.write("GET /livez HTTP/1.1\r\nhost: x\r\n\r\n");
  assert.match(String((await once(before, "data"))[0]), /^HTTP\/1.1 200/);
});

test("cipher suites that were not chosen are not spoken", async (t) => {
  const chosen = ["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"];
  checkCipherSuites(chosen, "TLSv1.2");
  const ciphers = opensslCiphers(chosen, "TLSv1.2");
  const { connected } = await serve(t, issued("x", "x"), { ciphers });
  const spoken = async (options: ConnectionOptions): Promise<unknown> =>
    (await connected(options)).getCipher().standardName;
  const tls12 = { maxVersion: "TLSv1.2" } as const;
  assert.equal(await spoken(tls12), "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
  await assert.rejects(spoken({ ...tls12, ciphers: "ECDHE-ECDSA-CHACHA20-POLY1305" }), {
    code: "ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE",
  });
  assert.equal(await spoken({}), "TLS_AES_128_GCM_SHA256");
});

test("where TLS 1.3 alone is spoken a choice among suites of 1.2 is nothing, even of those that OpenSSL has not", async (t) => {
  const chosen = ["TLS_RSA_WITH_RC4_128_SHA"];
  checkCipherSuites(chosen, "TLSv1.3");
  const terms = { minTls: "TLSv1.3", ciphers: opensslCiphers(chosen, "TLSv1.3") } as const;
  const { connected } = await serve(t, issued("x", "x"), terms);
  assert.equal((await connected({})).getProtocol(), "TLSv1.3");
});
