import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { certificateAuthority } from "../../testing/index.ts";
import { checkKeyPair } from "./key-pair.ts";

const pair = (curve = "P-256") =>
  certificateAuthority(0, 1e12, generateKeyPairSync("ec", { namedCurve: curve }));
const { cert, key } = pair();
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({
  type: "pkcs8",
  format: "pem",
}) as string;

test("a certificate and a key that go together are taken, whatever stands around them", () => {
  checkKeyPair({ cert, key });
  checkKeyPair({ cert: `${cert}${pair().cert}`, key: `${cert}${key}` });
});

test("those that do not are told in the words of Go's crypto/tls", () => {
  for (const [given, message] of [
    [{ cert, key: pair().key }, "tls: private key does not match public key"],
    [{ cert, key: rsa }, "tls: private key type does not match public key type"],
    [{ cert: "", key }, "tls: failed to find any PEM data in certificate input"],
    [
      { cert: key, key: cert },
      "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched",
    ],
    [
      { cert: `${key}${key}`, key },
      'tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: [PRIVATE KEY PRIVATE KEY]',
    ],
    [{ cert, key: "junk" }, "tls: failed to find any PEM data in key input"],
    [{ cert, key: cert }, "tls: found a certificate rather than a key in the PEM for the private key"],
    [
      { cert, key: `${cert}${cert}` },
      'tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the following types: [CERTIFICATE CERTIFICATE]',
    ],
    [
      { cert, key: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" },
      "tls: failed to parse private key",
    ],
  ] as const)
    assert.throws(() => checkKeyPair(given), { message });
});
