/** Public keys of certificate requests (SubjectPublicKeyInfo), checked like in Go's crypto/x509. */
import { createPublicKey, type KeyObject } from "node:crypto";
import { DerError, only, type Part, within } from "./der.ts";
import { oidOf } from "./name.ts";

export type KeyKind = "RSA" | "ECDSA" | "Ed25519" | "DSA" | "X25519";

export interface PublicKey {
  kind: KeyKind;
  key: KeyObject;
  /** Why its signatures are not verified. */
  unfit: string | undefined;
}

const kinds: Readonly<Record<string, KeyKind>> = {
  "2a864886f70d010101": "RSA",
  "2a8648ce3d0201": "ECDSA",
  "2a8648ce380401": "DSA",
  "2b6570": "Ed25519",
  "2b656e": "X25519",
};

/** By identifier: name, and length of a coordinate in bytes. */
const curves: Readonly<Record<string, readonly [name: string, bytes: number]>> = {
  "2b81040021": ["P224", 28],
  "2a8648ce3d030107": ["P256", 32],
  "2b81040022": ["P384", 48],
  "2b81040023": ["P521", 66],
};

const tags = { integer: 0x02, bits: 0x03, null: 0x05, sequence: 0x30 };

/** Undefined for an unsupported key type. Throws a DerError for an invalid key. */
export function readPublicKey(info: Part): PublicKey | undefined {
  const [algorithm, bits] = within(info, tags.sequence, 2, 2) as [Part, Part];
  const [oid, parameters] = within(algorithm, tags.sequence, 1, 2) as [Part, Part?];
  const kind = kinds[oidOf(oid)];
  if (kind === undefined) return undefined;
  // A bit string begins with the number of unused bits.
  const data = bits.value.subarray(1);
  const unfit = kind === "RSA" ? rsa(data, parameters) : undefined;
  const [curve, bytes] = kind === "ECDSA" ? curveOf(parameters) : [];
  if (bytes !== undefined && data[0] !== 4) throw new DerError("ecdsa: invalid uncompressed public key");
  if (bytes !== undefined && data.length !== 2 * bytes + 1)
    throw new DerError(`invalid ${curve} point encoding`);
  if ((kind === "Ed25519" || kind === "X25519") && parameters)
    throw new DerError(`x509: ${kind} key encoded with illegal parameters`);
  if (kind === "Ed25519" && data.length !== 32) throw new DerError("x509: wrong Ed25519 public key size");
  try {
    return { kind, key: createPublicKey({ key: info.raw, format: "der", type: "spki" }), unfit };
  } catch {
    if (unfit !== undefined || kind === "RSA") return undefined;
    throw new DerError(curve ? `${curve} point not on curve` : `x509: invalid ${kind} public key`);
  }
}

function curveOf(parameters: Part | undefined): readonly [name: string, bytes: number] {
  if (parameters?.tag !== 0x06) throw new DerError("x509: invalid ECDSA parameters");
  const curve = curves[oidOf(parameters)];
  if (!curve) throw new DerError("x509: unsupported elliptic curve");
  return curve;
}

/** Why Go refuses signatures of an RSA key; undefined when it does not. */
function rsa(data: Buffer, parameters: Part | undefined): string | undefined {
  if (parameters?.tag !== tags.null) throw new DerError("x509: RSA key missing NULL parameters");
  const [modulus, exponent] = rsaNumbers(data);
  const n = numberOf(modulus);
  const e = numberOf(exponent);
  if (n <= 0n) throw new DerError("x509: RSA modulus is not a positive number");
  if (e <= 0n) throw new DerError("x509: RSA public exponent is not a positive number");
  const bits = n.toString(2).length;
  if (bits < 1024)
    return `crypto/rsa: ${bits}-bit keys are insecure (see https://go.dev/pkg/crypto/rsa#hdr-Minimum_key_size)`;
  if ((n & 1n) === 0n) return "crypto/rsa: public modulus is even";
  if (e < 2n) return "crypto/rsa: public exponent too small or negative";
  if ((e & 1n) === 0n) return "crypto/rsa: public exponent is even";
  return e >= 2n ** 31n ? "crypto/rsa: public exponent too large" : undefined;
}

function rsaNumbers(data: Buffer): [modulus: Part, exponent: Part] {
  let numbers: Part[];
  try {
    numbers = within(only(data), tags.sequence);
  } catch (cause) {
    throw new DerError("x509: invalid RSA public key", { cause });
  }
  const [modulus, exponent] = numbers;
  if (modulus?.tag !== tags.integer || modulus.value.length === 0)
    throw new DerError("x509: invalid RSA modulus");
  if (exponent?.tag !== tags.integer || exponent.value.length === 0 || exponent.value.length > 8)
    throw new DerError("x509: invalid RSA public exponent");
  return [modulus, exponent];
}

/** Two's complement. */
function numberOf({ value }: Part): bigint {
  const read = BigInt(`0x${value.toString("hex")}`);
  return (value[0] ?? 0) & 0x80 ? read - (1n << BigInt(8 * value.length)) : read;
}
