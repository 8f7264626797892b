import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";
import { der, pemOf } from "../../machinery/index.ts";

/** A certificate and its private key, both PEM (the key PKCS #8). */
export interface KeyPair {
  cert: string;
  key: string;
}

export interface CertificateRequest {
  commonName: string;
  /** For a client certificate: the user's groups. */
  organizations?: readonly string[];
  /** DNS names and IP addresses it serves under. */
  hosts?: readonly string[];
  usages: readonly ("server" | "client" | "ca")[];
  notBefore: Date;
  notAfter: Date;
}

/** The signer: a certificate authority, or the key itself (self-signed). */
export interface Issuer {
  /** The authority's name. */
  commonName: string;
  key: KeyObject;
  publicKey: KeyObject;
}

const { bits, boolean, explicit, implicit, integer, octets, oid, sequence, set, time, utf8 } = der;

const ecdsaWithSha256 = sequence(oid("1.2.840.10045.4.3.2"));
const usageOids = { server: "1.3.6.1.5.5.7.3.1", client: "1.3.6.1.5.5.7.3.2" } as const;

const rdn = (type: string, value: string): Buffer => set(sequence(oid(type), utf8(value)));
const nameOf = (commonName: string, organizations: readonly string[] = []): Buffer =>
  sequence(...organizations.map((o) => rdn("2.5.4.10", o)), rdn("2.5.4.3", commonName));

const extension = (type: string, critical: boolean, value: Uint8Array): Buffer =>
  sequence(oid(type), ...(critical ? [boolean(true)] : []), octets(value));

/** SHA-1 of the public key's bits (RFC 5280, 4.2.1.2, method 1); an identifier, not a protection. */
function keyIdentifier(publicKey: KeyObject): Buffer {
  const spki = publicKey.export({ type: "spki", format: "der" });
  // A P-256 SubjectPublicKeyInfo ends with its 65-byte uncompressed point.
  return createHash("sha1").update(spki.subarray(-65)).digest();
}

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split(".").map(Number));
  const [head = "", tail] = address.split("::");
  const words = (text: string): string[] => (text === "" ? [] : text.split(":"));
  const left = words(head);
  const right = tail === undefined ? [] : words(tail);
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => "0");
  return Buffer.from([...left, ...zeros, ...right].map((w) => w.padStart(4, "0")).join(""), "hex");
}

function extensionsOf(request: CertificateRequest, own: KeyObject, issuer: KeyObject): Buffer {
  const ca = request.usages.includes("ca");
  const list = [
    extension("2.5.29.19", true, sequence(...(ca ? [boolean(true)] : []))),
    // keyUsage: digitalSignature, and for an authority keyCertSign and cRLSign.
    extension("2.5.29.15", true, ca ? bits(Buffer.from([0x86]), 1) : bits(Buffer.from([0x80]), 7)),
    extension("2.5.29.14", false, octets(keyIdentifier(own))),
    extension("2.5.29.35", false, sequence(implicit(0, keyIdentifier(issuer)))),
  ];
  const extended = request.usages.filter((usage) => usage !== "ca").map((usage) => oid(usageOids[usage]));
  if (extended.length > 0) list.push(extension("2.5.29.37", false, sequence(...extended)));
  const hosts = (request.hosts ?? []).map((host) =>
    isIP(host) ? implicit(7, addressBytes(host)) : implicit(2, Buffer.from(host, "ascii")),
  );
  if (hosts.length > 0) list.push(extension("2.5.29.17", false, sequence(...hosts)));
  return explicit(3, sequence(...list));
}

/** A new P-256 key and a certificate for it, signed by `issuer` or, without one, by itself. Well below a millisecond. */
export function issueCertificate(request: CertificateRequest, issuer?: Issuer): KeyPair {
  const own = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40; // positive, and always the same length
  const body = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(serial),
    ecdsaWithSha256,
    nameOf(issuer?.commonName ?? request.commonName),
    sequence(time(request.notBefore), time(request.notAfter)),
    nameOf(request.commonName, request.organizations),
    own.publicKey.export({ type: "spki", format: "der" }),
    extensionsOf(request, own.publicKey, issuer?.publicKey ?? own.publicKey),
  );
  const signature = sign("sha256", body, issuer?.key ?? own.privateKey);
  return {
    cert: pemOf("CERTIFICATE", sequence(body, ecdsaWithSha256, bits(signature))),
    // As Kubernetes' tools write it: Java clients take a key for RSA unless its PEM says EC.
    key: own.privateKey.export({ type: "sec1", format: "pem" }).toString(),
  };
}
