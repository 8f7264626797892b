/** PKCS #10 certificate requests (RFC 2986). Node reads certificates, but not requests. */
import { createPublicKey, verify } from "node:crypto";
import { type Part, parts, within } from "./der.ts";
import { pemBlock } from "./pem.ts";

export interface CertificateSigningInput {
  commonName: string;
  organizations: string[];
  dnsNames: string[];
  /** As bytes: 4 or 16. */
  ipAddresses: Buffer[];
  emailAddresses: string[];
  uris: string[];
  /** The subject's name, in DER. */
  subject: Buffer;
  /** SubjectPublicKeyInfo, in DER. */
  publicKey: Buffer;
  /** Whether who asks has the key. */
  isSigned(): boolean;
}

const tags = { sequence: 0x30, set: 0x31, oid: 0x06, octets: 0x04, attributes: 0xa0 };
const oids = {
  commonName: "550403",
  organization: "55040a",
  extensionRequest: "2a864886f70d01090e",
  subjectAltName: "551d11",
};

/** By the signature algorithm's identifier: the digest; null where the key says it. */
const digests: Readonly<Record<string, string | null>> = {
  "2a864886f70d010105": "sha1",
  "2a864886f70d01010b": "sha256",
  "2a864886f70d01010c": "sha384",
  "2a864886f70d01010d": "sha512",
  "2a8648ce3d040302": "sha256",
  "2a8648ce3d040303": "sha384",
  "2a8648ce3d040304": "sha512",
  "2b6570": null,
};

const hex = (part: Part | undefined): string => (part?.tag === tags.oid ? part.value.toString("hex") : "");

/** Undefined when the text is no request in PEM. */
export function readCertificateRequest(pem: string): CertificateSigningInput | undefined {
  const bytes = pemBlock(pem, "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST");
  if (!bytes) return undefined;
  const [info, algorithm, signature] = within([...parts(bytes)][0], tags.sequence);
  // CertificationRequestInfo: version, subject, key, attributes.
  const [, subject, key, attributes] = within(info, tags.sequence);
  if (!info || subject?.tag !== tags.sequence || key?.tag !== tags.sequence) return undefined;
  const read: CertificateSigningInput = {
    commonName: "",
    organizations: [],
    dnsNames: [],
    ipAddresses: [],
    emailAddresses: [],
    uris: [],
    subject: subject.raw,
    publicKey: key.raw,
    isSigned: () => isSigned(info, key, algorithm, signature),
  };
  for (const relative of parts(subject.value)) {
    if (relative.tag !== tags.set) return undefined;
    for (const attribute of parts(relative.value)) {
      const [type, value] = [...parts(attribute.value)];
      if (type?.tag !== tags.oid || !value) return undefined;
      if (hex(type) === oids.commonName) read.commonName = value.value.toString();
      if (hex(type) === oids.organization) read.organizations.push(value.value.toString());
    }
  }
  for (const name of alternativeNames(attributes)) {
    if (name.tag === 0x81) read.emailAddresses.push(name.value.toString());
    if (name.tag === 0x82) read.dnsNames.push(name.value.toString());
    if (name.tag === 0x86) read.uris.push(name.value.toString());
    if (name.tag === 0x87) read.ipAddresses.push(name.value);
  }
  return read;
}

/** GeneralNames of the extension that is asked for (RFC 5280, 4.2.1.6). */
function alternativeNames(attributes: Part | undefined): Part[] {
  for (const attribute of within(attributes, tags.attributes)) {
    const [type, values] = within(attribute, tags.sequence);
    if (hex(type) !== oids.extensionRequest) continue;
    for (const extension of within(within(values, tags.set)[0], tags.sequence)) {
      const members = within(extension, tags.sequence);
      const value = members.at(-1);
      if (hex(members[0]) !== oids.subjectAltName || value?.tag !== tags.octets) continue;
      return within([...parts(value.value)][0], tags.sequence);
    }
  }
  return [];
}

function isSigned(info: Part, key: Part, algorithm: Part | undefined, signature: Part | undefined): boolean {
  const digest = digests[hex(within(algorithm, tags.sequence)[0])];
  if (digest === undefined || signature?.tag !== 0x03) return false;
  try {
    const publicKey = createPublicKey({ key: key.raw, format: "der", type: "spki" });
    // A bit string begins with how many bits do not count.
    return verify(digest, info.raw, publicKey, signature.value.subarray(1));
  } catch {
    return false;
  }
}
