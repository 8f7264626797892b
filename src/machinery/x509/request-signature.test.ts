import assert from "node:assert/strict";
import { constants, generateKeyPairSync, type KeyPairKeyObjectResult, sign } from "node:crypto";
import { test } from "node:test";
import { bits, DerError, explicit, integer, oid, sequence, set, utf8 } from "./der.ts";
import { parseCertificateRequest } from "./request.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = (namedCurve: string): KeyPairKeyObjectResult => generateKeyPairSync("ec", { namedCurve });
const none = Buffer.from([5, 0]);

interface How {
  pair: KeyPairKeyObjectResult;
  /** Dotted, with what follows it. */
  algorithm: string;
  parameters?: Buffer[];
  digest: string | null;
  salt?: number;
  /** Of the key, instead of its own. */
  key?: Buffer;
  tampered?: boolean;
}

function request({ pair, algorithm, parameters = [], digest, salt, key, tampered }: How): Buffer {
  const info = (name: string): Buffer =>
    sequence(
      integer(Buffer.from([0])),
      sequence(set(sequence(oid("2.5.4.3"), utf8(name)))),
      key ?? pair.publicKey.export({ type: "spki", format: "der" }),
      explicit(0, Buffer.alloc(0)),
    );
  const padding = salt === undefined ? {} : { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: salt };
  const signature = sign(digest, info("x"), { key: pair.privateKey, ...padding });
  return sequence(info(tampered ? "y" : "x"), sequence(oid(algorithm), ...parameters), bits(signature));
}

function problem(how: How): string | undefined {
  try {
    return parseCertificateRequest(request(how)).signatureProblem();
  } catch (error) {
    if (error instanceof DerError) return error.message;
    throw error;
  }
}

const pkcs = (last: number, digest: string, more: Partial<How> = {}): How => ({
  pair: rsa,
  algorithm: `1.2.840.113549.1.1.${last}`,
  parameters: [none],
  digest,
  ...more,
});
const pss = (salt: number, digest = "2.16.840.1.101.3.4.2.1", mask = digest): How => {
  const members = [
    explicit(0, sequence(oid(digest), none)),
    explicit(1, sequence(oid("1.2.840.113549.1.1.8"), sequence(oid(mask), none))),
    explicit(2, integer(Buffer.from([salt]))),
  ];
  return pkcs(10, "sha256", { salt, parameters: [sequence(...members)] });
};
const ecdsa = (curve: string, last = "3.2", digest = "sha256"): How => ({
  pair: ec(curve),
  algorithm: `1.2.840.10045.4.${last}`,
  digest,
});
const ed25519: How = { pair: generateKeyPairSync("ed25519"), algorithm: "1.3.101.112", digest: null };

test("requests are signed with RSA, ECDSA or Ed25519, with SHA-1 at the least", () => {
  for (const how of [
    pkcs(5, "sha1"),
    pkcs(11, "sha256"),
    pkcs(12, "sha384"),
    pkcs(13, "sha512"),
    pss(32),
    ecdsa("P-224"),
    ecdsa("P-256", "1", "sha1"),
    ecdsa("P-384", "3.3", "sha384"),
    ecdsa("P-521", "3.4", "sha512"),
    ed25519,
  ])
    assert.equal(problem(how), undefined, how.algorithm);
});

test("what is signed with another key, or was changed since, is told in Go's words", () => {
  assert.equal(problem({ ...pkcs(11, "sha256"), tampered: true }), "crypto/rsa: verification error");
  assert.equal(problem({ ...pss(32), tampered: true }), "crypto/rsa: verification error");
  assert.equal(problem({ ...ecdsa("P-256"), tampered: true }), "x509: ECDSA verification failure");
  assert.equal(problem({ ...ed25519, tampered: true }), "x509: Ed25519 verification failure");
});

test("algorithms and keys that Go does not take", () => {
  const unimplemented = "x509: cannot verify signature: algorithm unimplemented";
  const dsa = generateKeyPairSync("dsa", { modulusLength: 1024, divisorLength: 160 });
  for (const how of [
    pkcs(14, "sha224"),
    pss(20),
    pss(32, undefined, "2.16.840.1.101.3.4.2.2"),
    ecdsa("P-256", "3.1", "sha224"),
    { ...ed25519, parameters: [none] },
    { pair: dsa, algorithm: "2.16.840.1.101.3.4.3.2", digest: "sha256" },
    { pair: generateKeyPairSync("ed448"), algorithm: "1.3.101.113", digest: null },
  ])
    assert.equal(problem(how), unimplemented, how.algorithm);
  assert.equal(problem(pkcs(4, "md5")), "x509: cannot verify signature: insecure algorithm MD5-RSA");
  assert.equal(
    problem({ ...ecdsa("P-256"), algorithm: "1.2.840.113549.1.1.11" }),
    "x509: signature algorithm specifies an RSA public key, but have public key of type *ecdsa.PublicKey",
  );
  assert.equal(problem(ecdsa("secp256k1")), "x509: unsupported elliptic curve");
  const short = generateKeyPairSync("rsa", { modulusLength: 768 });
  assert.match(problem(pkcs(11, "sha256", { pair: short })) ?? "", /^crypto\/rsa: 768-bit keys are insecure/);
  const point = ec("P-256").publicKey.export({ type: "spki", format: "der" });
  const off = Buffer.from(point);
  off[off.length - 1] = (off.at(-1) ?? 0) ^ 1;
  assert.equal(problem({ ...ecdsa("P-256"), key: off }), "P256 point not on curve");
});

test("numbers of RSA keys have to be such", () => {
  const key = (parameters: Buffer[], ...numbers: Buffer[]): Buffer =>
    sequence(sequence(oid("1.2.840.113549.1.1.1"), ...parameters), bits(sequence(...numbers)));
  const told = (of: Buffer) => problem(pkcs(11, "sha256", { key: of }));
  const [n, e] = [integer(Buffer.alloc(256, 0xff)), integer(Buffer.from([1, 0, 1]))];
  assert.equal(told(key([], n, e)), "x509: RSA key missing NULL parameters");
  assert.equal(told(key([none])), "x509: invalid RSA modulus");
  assert.equal(told(key([none], n, utf8("x"))), "x509: invalid RSA public exponent");
  assert.equal(told(key([none], Buffer.from([2, 1, 0x80]), e)), "x509: RSA modulus is not a positive number");
  assert.equal(told(key([none], n, integer(Buffer.from([2])))), "crypto/rsa: public exponent is even");
  assert.equal(
    told(key([none], n, integer(Buffer.from([1])))),
    "crypto/rsa: public exponent too small or negative",
  );
  assert.equal(
    told(key([none], n, integer(Buffer.from([0x80, 0, 0, 1])))),
    "crypto/rsa: public exponent too large",
  );
});
