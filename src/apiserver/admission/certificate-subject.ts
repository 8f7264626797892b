/** Who a PKCS #10 certificate request (RFC 2986) says it is for. Node reads certificates, but not requests. */
export interface Subject {
  commonName: string;
  organizations: string[];
}

const sequence = 0x30;
const set = 0x31;
const objectIdentifier = 0x06;
const commonNameOid = "550403";
const organizationOid = "55040a";

/** Undefined when the text is no request in PEM. */
export function requestSubject(pem: string): Subject | undefined {
  const match = /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([\s\S]*?)-----END /.exec(pem);
  if (!match) return undefined;
  const request = [...parts(Buffer.from(match[1] ?? "", "base64"))][0];
  const info = request?.tag === sequence ? [...parts(request.value)][0] : undefined;
  // CertificationRequestInfo: version, subject, key, attributes.
  const name = info?.tag === sequence ? [...parts(info.value)][1] : undefined;
  if (name?.tag !== sequence) return undefined;
  const subject: Subject = { commonName: "", organizations: [] };
  for (const relative of parts(name.value)) {
    if (relative.tag !== set) return undefined;
    for (const attribute of parts(relative.value)) {
      const [type, value] = [...parts(attribute.value)];
      if (type?.tag !== objectIdentifier || !value) return undefined;
      const oid = type.value.toString("hex");
      if (oid === commonNameOid) subject.commonName = value.value.toString();
      if (oid === organizationOid) subject.organizations.push(value.value.toString());
    }
  }
  return subject;
}

interface Part {
  tag: number;
  value: Buffer;
}

/** Elements in DER that follow one another; ends early where the bytes make no sense. */
function* parts(bytes: Buffer): Generator<Part> {
  for (let at = 0; at + 2 <= bytes.length; ) {
    const tag = bytes[at] as number;
    let length = bytes[at + 1] as number;
    at += 2;
    if (length & 0x80) {
      const digits = length & 0x7f;
      if (digits === 0 || digits > 4 || at + digits > bytes.length) return;
      length = bytes.readUIntBE(at, digits);
      at += digits;
    }
    if (at + length > bytes.length) return;
    yield { tag, value: bytes.subarray(at, at + length) };
    at += length;
  }
}
