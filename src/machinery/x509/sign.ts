/** Signs certificates for requests, as cluster authorities do (with Go's crypto/x509's encoding and order of extensions). */
import { createPrivateKey, type KeyObject, sign, X509Certificate } from "node:crypto";
import {
  bits,
  boolean,
  explicit,
  implicit,
  integer,
  octets,
  oid,
  only,
  sequence,
  time,
  within,
} from "./der.ts";
import { pemBlock, pemOf } from "./pem.ts";
import type { CertificateSigningInput } from "./request.ts";

/** Bits of KeyUsage (RFC 5280, 4.2.1.3), by the names of Kubernetes' CertificateSigningRequests. */
const keyUsages: Readonly<Record<string, number>> = {
  signing: 0,
  "digital signature": 0,
  "content commitment": 1,
  "key encipherment": 2,
  "data encipherment": 3,
  "key agreement": 4,
  "cert sign": 5,
  "crl sign": 6,
  "encipher only": 7,
  "decipher only": 8,
};

/** Purposes of ExtKeyUsage (RFC 5280, 4.2.1.12), in Go's order. */
const purposes: readonly (readonly [oid: string, ...names: string[]])[] = [
  ["2.5.29.37.0", "any"],
  ["1.3.6.1.5.5.7.3.1", "server auth"],
  ["1.3.6.1.5.5.7.3.2", "client auth"],
  ["1.3.6.1.5.5.7.3.3", "code signing"],
  ["1.3.6.1.5.5.7.3.4", "email protection", "s/mime"],
  ["1.3.6.1.5.5.7.3.5", "ipsec end system"],
  ["1.3.6.1.5.5.7.3.6", "ipsec tunnel"],
  ["1.3.6.1.5.5.7.3.7", "ipsec user"],
  ["1.3.6.1.5.5.7.3.8", "timestamping"],
  ["1.3.6.1.5.5.7.3.9", "ocsp signing"],
  ["1.3.6.1.4.1.311.10.3.3", "microsoft sgc"],
  ["2.16.840.1.113730.4.1", "netscape sgc"],
];

export interface Signer {
  /** PEM of the authority's certificate. */
  cert: string;
  /** PEM of its private key. */
  key: string;
}

export interface Issued {
  /** By the names of CertificateSigningRequests. Throws an Error for unknown ones. */
  usages: readonly string[];
  notBefore: Date;
  notAfter: Date;
  /** 16 random bytes. */
  serial: Uint8Array;
}

/** Expiry of the authority's certificate; milliseconds since the epoch. */
export const endOf = ({ cert }: Signer): number => Date.parse(new X509Certificate(cert).validTo);

/**
 * PEM of a certificate for a request. Throws an Error for unknown usages, unsupported keys, and subjects that differ when they
 * are read from the certificate.
 */
export function signCertificate(request: CertificateSigningInput, signer: Signer, issued: Issued): string {
  const key = createPrivateKey(signer.key);
  const { algorithm, digest } = algorithmOf(key);
  const { name, keyIdentifier } = authorityOf(signer.cert);
  const body = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(issued.serial),
    algorithm,
    name,
    sequence(time(issued.notBefore), time(issued.notAfter)),
    request.subject,
    request.publicKey,
    explicit(3, sequence(...extensionsOf(request, issued.usages, keyIdentifier))),
  );
  const pem = pemOf("CERTIFICATE", sequence(body, algorithm, bits(sign(digest, body, key))));
  if (!names(new X509Certificate(pem), request))
    throw new Error(
      "refusing to sign: the certificate's subject is not the one that the request was read to have",
    );
  return pem;
}

/** Whether TLS finds the same common names and organizations in a certificate as in its request. */
function names(made: X509Certificate, { commonNames, organizations }: CertificateSigningInput): boolean {
  const { CN, O } = (made.toLegacyObject().subject ?? {}) as {
    CN?: string | string[];
    O?: string | string[];
  };
  const same = (found: string | string[] | undefined, read: readonly string[]): boolean =>
    JSON.stringify([found ?? []].flat().sort()) === JSON.stringify([...read].sort());
  return same(CN, commonNames) && same(O, organizations);
}

function algorithmOf(key: KeyObject): { algorithm: Buffer; digest: string | null } {
  const of = (type: string, digest: string | null, ...parameters: Buffer[]) => ({
    algorithm: sequence(oid(type), ...parameters),
    digest,
  });
  const none = Buffer.from([0x05, 0x00]);
  switch (key.asymmetricKeyType) {
    case "rsa":
      return of("1.2.840.113549.1.1.11", "sha256", none);
    case "ed25519":
      return of("1.3.101.112", null);
    case "ec":
      switch (key.asymmetricKeyDetails?.namedCurve) {
        case "secp384r1":
          return of("1.2.840.10045.4.3.3", "sha384");
        case "secp521r1":
          return of("1.2.840.10045.4.3.4", "sha512");
        default:
          return of("1.2.840.10045.4.3.2", "sha256");
      }
    default:
      throw new Error("x509: only RSA, ECDSA and Ed25519 keys supported");
  }
}

/** The authority's name, and the identifier of its key if it has one. */
function authorityOf(cert: string): { name: Buffer; keyIdentifier: Buffer | undefined } {
  const [body] = within(only(pemBlock(cert, "CERTIFICATE") ?? Buffer.alloc(0)), 0x30);
  const members = within(body, 0x30);
  // version, serial, algorithm, issuer, validity, subject, key, extensions
  const name = members[5]?.raw;
  if (!name) throw new Error("the authority's certificate cannot be read");
  const wrapped = members.find(({ tag }) => tag === 0xa3);
  const extensions = wrapped ? within(only(wrapped.value), 0x30) : [];
  const identifier = extensions
    .map((each) => within(each, 0x30))
    .find(([type]) => type?.value.toString("hex") === "551d0e")
    ?.at(-1);
  return { name, keyIdentifier: identifier && only(identifier.value).value };
}

const extension = (type: string, critical: boolean, value: Uint8Array): Buffer =>
  sequence(oid(type), ...(critical ? [boolean(true)] : []), octets(value));

function extensionsOf(
  request: CertificateSigningInput,
  usages: readonly string[],
  keyIdentifier: Buffer | undefined,
): Buffer[] {
  const unknown = usages.filter(
    (usage) => !(usage in keyUsages) && !purposes.some(([, ...names]) => names.includes(usage)),
  );
  if (unknown.length > 0)
    throw new Error(`unrecognized usage values: [${unknown.map((each) => JSON.stringify(each)).join(" ")}]`);
  const positions = usages.flatMap((usage) => keyUsages[usage] ?? []);
  const extended = purposes.filter(([, ...names]) => names.some((name) => usages.includes(name)));
  const names = [
    ...request.dnsNames.map((each) => implicit(2, Buffer.from(each))),
    ...request.emailAddresses.map((each) => implicit(1, Buffer.from(each))),
    ...request.ipAddresses.map((each) => implicit(7, each)),
    ...request.uris.map((each) => implicit(6, Buffer.from(each))),
  ];
  const nobody = request.subject.length === 2;
  return [
    ...(positions.length > 0 ? [extension("2.5.29.15", true, usageBits(positions))] : []),
    ...(extended.length > 0
      ? [extension("2.5.29.37", false, sequence(...extended.map(([type]) => oid(type))))]
      : []),
    extension("2.5.29.19", true, sequence()),
    ...(keyIdentifier ? [extension("2.5.29.35", false, sequence(implicit(0, keyIdentifier)))] : []),
    ...(names.length > 0 ? [extension("2.5.29.17", nobody, sequence(...names))] : []),
  ];
}

/** Without trailing zeros (X.690, 11.2.2). */
function usageBits(positions: readonly number[]): Buffer {
  const last = Math.max(...positions);
  const bytes = Buffer.alloc(last > 7 ? 2 : 1);
  for (const at of positions) bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (0x80 >> (at & 7));
  return bits(bytes, 7 - (last & 7));
}
