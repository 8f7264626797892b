/** PKCS #10 certificate requests (RFC 2986). Node reads certificates, but not requests. */
import { goQuote } from "../go-format.ts";
import { parseGoUrl } from "../go-url.ts";
import { DerError, expected, only, type Part, within } from "./der.ts";
import { oidOf, readName, type SubjectName } from "./name.ts";
import { nextPemBlock } from "./pem-blocks.ts";
import { readPublicKey } from "./public-key.ts";
import { signatureProblem } from "./request-signature.ts";

export interface CertificateSigningInput extends SubjectName {
  /** The last one, which counts. */
  commonName: string;
  dnsNames: string[];
  /** As bytes: 4 or 16. */
  ipAddresses: Buffer[];
  emailAddresses: string[];
  uris: string[];
  /** The subject's name, in DER. */
  subject: Buffer;
  /** SubjectPublicKeyInfo, in DER. */
  publicKey: Buffer;
  /** Why the requester may not hold the key, in Go's words; undefined when the signature is valid. */
  signatureProblem(): string | undefined;
}

const tags = { sequence: 0x30, set: 0x31, integer: 0x02, bits: 0x03, octets: 0x04, attributes: 0xa0 };
const oids = {
  extensionRequest: "2a864886f70d01090e",
  subjectAltName: "551d11",
};

/** Undefined when the text is not a request in PEM and strict DER. */
export function readCertificateRequest(pem: string): CertificateSigningInput | undefined {
  const block = nextPemBlock(pem, 0);
  if (block?.type !== "CERTIFICATE REQUEST") return undefined;
  try {
    return parseCertificateRequest(Buffer.from(block.bytes, "latin1"));
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

/**
 * Parses a CertificationRequest. Throws a DerError for ambiguous or extra bytes: approvers, signers and users of the certificate
 * must all read the same.
 */
export function parseCertificateRequest(bytes: Buffer): CertificateSigningInput {
  const [info, algorithm, signature] = within(only(bytes), tags.sequence, 3, 3) as [Part, Part, Part];
  // CertificationRequestInfo: version, subject, key, attributes.
  const [version, subject, key, attributes] = within(info, tags.sequence, 4, 4) as [Part, Part, Part, Part];
  expected(version, tags.integer);
  expected(signature, tags.bits);
  oidOf(within(algorithm, tags.sequence, 1, 2)[0]);
  const read = readPublicKey(key);
  const { commonNames, organizations } = readName(subject);
  return {
    commonName: commonNames.at(-1) ?? "",
    commonNames,
    organizations,
    ...readAlternativeNames(alternativeNames(attributes)),
    subject: subject.raw,
    publicKey: key.raw,
    signatureProblem: () => signatureProblem({ info, algorithm, signature, key: read }),
  };
}

function readAlternativeNames(names: readonly Part[]) {
  const read = {
    dnsNames: [] as string[],
    ipAddresses: [] as Buffer[],
    emailAddresses: [] as string[],
    uris: [] as string[],
  };
  for (const { tag, value } of names) {
    if (tag === 0x81) read.emailAddresses.push(ia5(value, "rfc822Name"));
    if (tag === 0x82) read.dnsNames.push(ia5(value, "dNSName"));
    if (tag === 0x86) read.uris.push(uriOf(ia5(value, "uniformResourceIdentifier")));
    if (tag !== 0x87) continue;
    if (value.length !== 4 && value.length !== 16)
      throw new DerError(`x509: cannot parse IP address of length ${value.length}`);
    read.ipAddresses.push(value);
  }
  return read;
}

/** The text, if Go accepts it as a URI. */
function uriOf(text: string): string {
  const refused = (why: string): DerError => new DerError(`x509: cannot parse URI ${goQuote(text)}: ${why}`);
  const read = parseGoUrl(text);
  if (typeof read === "string") throw refused(read);
  const { host } = read;
  if (host !== "" && (!/^[!-~]+$/.test(host) || host.split(".").includes("")))
    throw refused("invalid domain");
  return text;
}

function ia5(value: Buffer, kind: string): string {
  if (value.some((byte) => byte === 0 || byte > 0x7f)) throw new DerError(`x509: SAN ${kind} is malformed`);
  return value.toString("latin1");
}

/** GeneralNames of the requested extension (RFC 5280, 4.2.1.6). */
function alternativeNames(attributes: Part): Part[] {
  const seen = new Set<string>();
  let names: Part[] = [];
  for (const attribute of within(attributes, tags.attributes)) {
    const [type, values] = within(attribute, tags.sequence, 2, 2);
    if (oidOf(type) !== oids.extensionRequest) continue;
    for (const extension of within(within(values, tags.set, 1, 1)[0], tags.sequence)) {
      const members = within(extension, tags.sequence, 2, 3);
      const kind = oidOf(members[0]);
      if (seen.has(kind))
        throw new DerError("x509: certificate request contains duplicate requested extensions");
      seen.add(kind);
      const { value } = expected(members.at(-1), tags.octets);
      if (kind === oids.subjectAltName) names = within(only(value), tags.sequence);
    }
  }
  return names;
}
