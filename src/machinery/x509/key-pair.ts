/** Checks that a certificate and a private key in PEM match, with the errors of Go's crypto/tls (X509KeyPair). */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { nextPemBlock } from "./pem-blocks.ts";

const isKey = (type: string): boolean => type === "PRIVATE KEY" || type.endsWith(" PRIVATE KEY");
const named = (types: readonly string[]): string => `[${types.join(" ")}]`;

/** Throws an error with the reason. Of several certificates the first belongs to the key. */
export function checkKeyPair(pair: { cert: string; key: string }): void {
  const found = typesOf(pair.cert);
  if (!found.includes("CERTIFICATE")) throw new Error(noCertificate(found));
  const certificate = new X509Certificate(pair.cert);
  const others = typesOf(pair.key);
  if (!others.some(isKey)) throw new Error(noKey(others));
  const key = readKey(pair.key);
  if (key.asymmetricKeyType !== certificate.publicKey.asymmetricKeyType)
    throw new Error("tls: private key type does not match public key type");
  if (!certificate.checkPrivateKey(key)) throw new Error("tls: private key does not match public key");
}

function typesOf(pem: string): string[] {
  const types: string[] = [];
  for (let block = nextPemBlock(pem, 0); block; block = nextPemBlock(pem, block.next)) types.push(block.type);
  return types;
}

function noCertificate(found: readonly string[]): string {
  if (found.length === 0) return "tls: failed to find any PEM data in certificate input";
  if (found.length === 1 && found.some(isKey))
    return "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched";
  return `tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: ${named(found)}`;
}

function noKey(found: readonly string[]): string {
  if (found.length === 0) return "tls: failed to find any PEM data in key input";
  if (found.length === 1 && found[0] === "CERTIFICATE")
    return "tls: found a certificate rather than a key in the PEM for the private key";
  return `tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the following types: ${named(found)}`;
}

function readKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw new Error("tls: failed to parse private key");
  }
}
