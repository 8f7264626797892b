/** Distinguished names (X.501): the parts that identify users in Kubernetes. */
import { DerError, expected, type Part, within } from "./der.ts";

export interface SubjectName {
  /** In order. The last of several counts, as in Go's pkix.Name. */
  commonNames: string[];
  organizations: string[];
}

const oids = { commonName: "550403", organization: "55040a" };

/**
 * Parses a Name strictly, so that all parsers, OpenSSL above all, read the same: strict DER, and only strings without NUL. Throws
 * a DerError.
 */
export function readName(name: Part): SubjectName {
  const read: SubjectName = { commonNames: [], organizations: [] };
  for (const relative of within(name, 0x30)) {
    for (const attribute of within(relative, 0x31, 1)) {
      const [type, value] = within(attribute, 0x30, 2, 2) as [Part, Part];
      const oid = oidOf(type);
      const text = stringOf(value);
      if (oid === oids.commonName) read.commonNames.push(text);
      if (oid === oids.organization) read.organizations.push(text);
    }
  }
  return read;
}

/** The content of an object identifier, in hexadecimal. Throws a DerError for non-minimal or incomplete arcs. */
export function oidOf(part: Part | undefined): string {
  const { value } = expected(part, 0x06);
  if (value.length === 0) throw new DerError("asn1: syntax error: zero length OBJECT IDENTIFIER");
  let begins = true;
  for (const byte of value) {
    if (begins && byte === 0x80) throw new DerError("asn1: syntax error: integer is not minimally encoded");
    begins = byte < 0x80;
  }
  if (!begins) throw new DerError("asn1: syntax error: truncated base 128 integer");
  return value.toString("hex");
}

/** The text of a string of a type that Go's crypto/x509 knows. Throws a DerError. */
function stringOf({ tag, value }: Part): string {
  const text = decoded(tag, value);
  if (text.includes("\0")) throw new DerError("x509: invalid string: it contains NUL");
  return text;
}

function decoded(tag: number, value: Buffer): string {
  const latin = value.toString("latin1");
  const matching = (allowed: RegExp, kind: string): string => {
    if (!allowed.test(latin)) throw new DerError(`asn1: syntax error: ${kind} contains invalid character`);
    return latin;
  };
  switch (tag) {
    case 0x0c:
      try {
        return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value);
      } catch {
        throw new DerError("asn1: invalid UTF-8 string");
      }
    case 0x12:
      return matching(/^[0-9 ]*$/, "NumericString");
    case 0x13:
      // "*" and "&" are not allowed, but common.
      return matching(/^[A-Za-z0-9 '()+,\-./:=?*&]*$/, "PrintableString");
    case 0x14:
      // T.61, in practice Latin-1.
      return latin;
    case 0x16:
      // eslint-disable-next-line no-control-regex
      return matching(/^[\x00-\x7f]*$/, "IA5String");
    case 0x1e:
      return basicPlane(value);
    default:
      throw new DerError(`x509: unsupported string type: ${tag}`);
  }
}

/** UCS-2, big-endian, without surrogates and noncharacters. */
function basicPlane(value: Buffer): string {
  if (value.length % 2 !== 0) throw new DerError("invalid BMPString");
  const text = Buffer.from(value).swap16().toString("utf16le");
  if (/[\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]/.test(text)) throw new DerError("invalid BMPString");
  return text;
}
