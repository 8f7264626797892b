/** Verifies that a certificate request is signed with its own key, with the errors of Go's crypto/x509. */
import { constants, verify } from "node:crypto";
import { DerError, expected, only, type Part, within } from "./der.ts";
import { oidOf } from "./name.ts";
import type { KeyKind, PublicKey } from "./public-key.ts";

interface Algorithm {
  kind: KeyKind;
  /** Null when the key determines it. */
  digest: string | null;
  /** Salt length of PSS, equal to that of the digest. */
  salt?: number;
}

/** By the algorithm's identifier. */
const algorithms: Readonly<Record<string, Algorithm>> = {
  "2a864886f70d010104": { kind: "RSA", digest: "md5" },
  "2a864886f70d010105": { kind: "RSA", digest: "sha1" },
  "2b0e03021d": { kind: "RSA", digest: "sha1" },
  "2a864886f70d01010b": { kind: "RSA", digest: "sha256" },
  "2a864886f70d01010c": { kind: "RSA", digest: "sha384" },
  "2a864886f70d01010d": { kind: "RSA", digest: "sha512" },
  "2a8648ce380403": { kind: "DSA", digest: "sha1" },
  "608648016503040302": { kind: "DSA", digest: "sha256" },
  "2a8648ce3d0401": { kind: "ECDSA", digest: "sha1" },
  "2a8648ce3d040302": { kind: "ECDSA", digest: "sha256" },
  "2a8648ce3d040303": { kind: "ECDSA", digest: "sha384" },
  "2a8648ce3d040304": { kind: "ECDSA", digest: "sha512" },
  "2b6570": { kind: "Ed25519", digest: null },
};

const pss = "2a864886f70d01010a";
const mgf1 = "2a864886f70d010108";
/** Digests of PSS by their identifiers. */
const pssDigests: Readonly<Record<string, Algorithm>> = {
  "608648016503040201": { kind: "RSA", digest: "sha256", salt: 32 },
  "608648016503040202": { kind: "RSA", digest: "sha384", salt: 48 },
  "608648016503040203": { kind: "RSA", digest: "sha512", salt: 64 },
};

const tags = { integer: 0x02, null: 0x05, sequence: 0x30 };

export interface SignedRequest {
  /** The signed bytes. */
  info: Part;
  algorithm: Part;
  signature: Part;
  /** Undefined for an unsupported one. */
  key: PublicKey | undefined;
}

const unimplemented = "x509: cannot verify signature: algorithm unimplemented";
const goTypes = { RSA: "*rsa.PublicKey", ECDSA: "*ecdsa.PublicKey", Ed25519: "ed25519.PublicKey" } as const;
const failures = {
  RSA: "crypto/rsa: verification error",
  ECDSA: "x509: ECDSA verification failure",
  Ed25519: "x509: Ed25519 verification failure",
} as const;

/** Undefined for a valid signature. */
export function signatureProblem({ info, algorithm, signature, key }: SignedRequest): string | undefined {
  const found = algorithmOf(algorithm);
  if (!found) return unimplemented;
  if (found.digest === "md5") return "x509: cannot verify signature: insecure algorithm MD5-RSA";
  const kind = key?.kind;
  if (!key || kind === undefined || kind === "DSA" || kind === "X25519") return unimplemented;
  if (found.kind !== kind)
    return `x509: signature algorithm specifies an ${found.kind} public key, but have public key of type ${goTypes[kind]}`;
  if (key.unfit !== undefined) return key.unfit;
  return isSigned(found, key, info.raw, signature.value.subarray(1)) ? undefined : failures[kind];
}

function isSigned({ digest, salt }: Algorithm, { key }: PublicKey, data: Buffer, signature: Buffer): boolean {
  const padding = salt === undefined ? {} : { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: salt };
  try {
    return verify(digest, data, { key, ...padding }, signature);
  } catch {
    return false;
  }
}

function algorithmOf(algorithm: Part): Algorithm | undefined {
  const [oid, parameters] = within(algorithm, tags.sequence, 1, 2) as [Part, Part?];
  const name = oidOf(oid);
  if (name === pss) return parameters && pssOf(parameters);
  const found = algorithms[name];
  return found?.kind === "Ed25519" && parameters ? undefined : found;
}

/** The combinations that Go supports: one digest for all, a salt of its length, the default trailer. */
function pssOf(parameters: Part): Algorithm | undefined {
  try {
    const members = new Map(
      within(parameters, tags.sequence).map((part) => [part.tag & 0x1f, only(part.value)]),
    );
    const digest = digestOf(members.get(0));
    const [generator, generatorDigest] = within(members.get(1), tags.sequence, 1, 2);
    const salt = expected(members.get(2), tags.integer).value;
    const trailer = members.get(3)?.value;
    const plain =
      oidOf(generator) === mgf1 &&
      digestOf(generatorDigest) === digest &&
      (trailer === undefined || trailer.equals(Buffer.from([1])));
    const found = digest === undefined ? undefined : pssDigests[digest];
    return plain && salt.length === 1 && salt[0] === found?.salt ? found : undefined;
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

/** Its identifier; undefined when it has parameters. */
function digestOf(algorithm: Part | undefined): string | undefined {
  const [oid, parameters] = within(algorithm, tags.sequence, 1, 2);
  return parameters && parameters.tag !== tags.null ? undefined : oidOf(oid);
}
