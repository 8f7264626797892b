import assert from "node:assert/strict";
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { certificateAuthority, certificateRequest } from "../../testing/index.ts";
import { type CertificateSigningInput, readCertificateRequest } from "./request.ts";
import { endOf, signCertificate } from "./sign.ts";

const day = 24 * 3600 * 1000;
const now = Date.parse("2026-01-01T00:00:00Z");

const read = (...given: Parameters<typeof certificateRequest>): CertificateSigningInput => {
  const found = readCertificateRequest(certificateRequest(...given));
  assert.ok(found);
  return found;
};

const all = {
  commonName: "me",
  organizations: ["a", "b"],
  dnsNames: ["x.example"],
  ipAddresses: [Buffer.from([10, 0, 0, 1])],
  emailAddresses: ["me@x.example"],
  uris: ["spiffe://x/y"],
};

test("a request says who it is for, and whether who asks has the key", () => {
  const { commonName, organizations, dnsNames, ipAddresses, emailAddresses, uris, ...rest } = read(all);
  assert.deepEqual({ commonName, organizations, dnsNames, ipAddresses, emailAddresses, uris }, all);
  assert.equal(rest.signatureProblem(), undefined);
  const other = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  assert.equal(read(all, other).signatureProblem(), "x509: ECDSA verification failure");
  assert.equal(readCertificateRequest("nothing"), undefined);
  const pem = certificateRequest(all);
  assert.equal(readCertificateRequest(pem.replace(/\n.{20}/, "\nAAAAAAAAAAAAAAAAAAAA")), undefined);
});

test("a certificate has the names and the key of the request, and what it may be used for", () => {
  for (const key of [
    generateKeyPairSync("ec", { namedCurve: "P-256" }),
    generateKeyPairSync("ec", { namedCurve: "P-384" }),
    generateKeyPairSync("rsa", { modulusLength: 2048 }),
    generateKeyPairSync("ed25519"),
  ]) {
    const signer = certificateAuthority(now - day, now + 100 * day, key);
    const request = read(all);
    const pem = signCertificate(request, signer, {
      usages: ["client auth", "digital signature", "server auth", "decipher only"],
      notBefore: new Date(now),
      notAfter: new Date(now + day),
      serial: Buffer.from("0123456789abcdef"),
    });
    const made = new X509Certificate(pem);
    const ca = new X509Certificate(signer.cert);
    assert.ok(made.verify(ca.publicKey), String(key.privateKey.asymmetricKeyType));
    assert.ok(made.checkIssued(ca));
    assert.equal(made.ca, false);
    assert.deepEqual(made.publicKey.export({ type: "spki", format: "der" }), Buffer.from(request.publicKey));
    assert.equal(made.subject, "O=a\nO=b\nCN=me");
    assert.equal(
      made.subjectAltName,
      "DNS:x.example, email:me@x.example, IP Address:10.0.0.1, URI:spiffe://x/y",
    );
    // What it may be used for, in Node's words: extended usages alone.
    assert.deepEqual(made.keyUsage, ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
    assert.equal(made.serialNumber, Buffer.from("0123456789abcdef").toString("hex").toUpperCase());
    assert.deepEqual([Date.parse(made.validFrom), Date.parse(made.validTo)], [now, now + day]);
    // KeyUsage: the first and the ninth bit, seven bits of the second byte unused.
    assert.ok(made.raw.includes(Buffer.from("0603551d0f0101ff04050303078080", "hex").subarray(0, 13)));
  }
});

test("unknown usages are refused; the authority's end is told", () => {
  const signer = certificateAuthority(now - day, now + 100 * day);
  assert.equal(endOf(signer), now + 100 * day);
  const issued = { notBefore: new Date(now), notAfter: new Date(now + day), serial: Buffer.from([1]) };
  assert.throws(() => signCertificate(read(all), signer, { ...issued, usages: ["sing"] }), {
    message: 'unrecognized usage values: ["sing"]',
  });
});
