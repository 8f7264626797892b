import { generateKeyPairSync, type KeyObject, type KeyPairKeyObjectResult, sign } from "node:crypto";
import { der, pemOf, type Signer } from "../machinery/index.ts";

const { bits, boolean, explicit, implicit, integer, octets, oid, sequence, set, time, utf8 } = der;

export interface RequestedNames {
  commonName: string;
  organizations?: readonly string[];
  dnsNames?: readonly string[];
  /** As bytes. */
  ipAddresses?: readonly Buffer[];
  emailAddresses?: readonly string[];
  uris?: readonly string[];
  /** A name in DER, or invalid bytes, in place of common name and organizations. */
  subject?: Buffer;
}

/** PEM of a certificate request (PKCS #10) for a new P-256 key, signed by that key or by another. */
export function certificateRequest(names: RequestedNames, signedBy?: KeyObject): string {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const name = (type: string, value: string): Buffer => set(sequence(oid(type), utf8(value)));
  const alternatives = [
    ...(names.emailAddresses ?? []).map((each) => implicit(1, Buffer.from(each))),
    ...(names.dnsNames ?? []).map((each) => implicit(2, Buffer.from(each))),
    ...(names.uris ?? []).map((each) => implicit(6, Buffer.from(each))),
    ...(names.ipAddresses ?? []).map((each) => implicit(7, each)),
  ];
  const extensions = sequence(sequence(oid("2.5.29.17"), octets(sequence(...alternatives))));
  const info = sequence(
    integer(Buffer.from([0])),
    names.subject ??
      sequence(
        ...(names.organizations ?? []).map((each) => name("2.5.4.10", each)),
        name("2.5.4.3", names.commonName),
      ),
    publicKey.export({ type: "spki", format: "der" }),
    explicit(
      0,
      alternatives.length > 0 ? sequence(oid("1.2.840.113549.1.9.14"), set(extensions)) : Buffer.alloc(0),
    ),
  );
  const signature = sign("sha256", info, signedBy ?? privateKey);
  return pemOf("CERTIFICATE REQUEST", sequence(info, sequence(oid("1.2.840.10045.4.3.2")), bits(signature)));
}

/** A self-signed authority with that key, or a P-256 one, with this validity (milliseconds since the epoch). */
export function certificateAuthority(
  from: number,
  until: number,
  { publicKey, privateKey }: KeyPairKeyObjectResult = generateKeyPairSync("ec", { namedCurve: "P-256" }),
): Signer {
  const name = sequence(set(sequence(oid("2.5.4.3"), utf8("an authority"))));
  const algorithm = sequence(oid("1.2.840.10045.4.3.2"));
  const body = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(Buffer.from([1])),
    algorithm,
    name,
    sequence(time(new Date(from)), time(new Date(until))),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    explicit(
      3,
      sequence(
        sequence(oid("2.5.29.19"), boolean(true), octets(sequence(boolean(true)))),
        sequence(oid("2.5.29.14"), octets(octets(Buffer.from("identifier")))),
      ),
    ),
  );
  const other = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  return {
    cert: pemOf("CERTIFICATE", sequence(body, algorithm, bits(sign("sha256", body, other)))),
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}
