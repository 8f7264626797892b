/** Certificate requests and certificates as far as they are looked into when they are stored. */
import { nextPemBlock } from "./pem.ts";

/** The bytes behind base64, one character each; nothing when it is none. */
export function fromBase64(text: string): string {
  try {
    return atob(text);
  } catch {
    return "";
  }
}

/** What Go says of bytes that do not begin like a sequence in DER; undefined when they do and are all there. */
function sequenceProblem(bytes: string): string | undefined {
  if (bytes.length < 2) return "asn1: syntax error: truncated tag or length";
  const first = bytes.charCodeAt(0);
  let length = bytes.charCodeAt(1);
  let at = 2;
  if (length & 0x80) {
    const digits = length & 0x7f;
    if (digits === 0) return "asn1: syntax error: indefinite length found (not DER)";
    if (digits > 4 || bytes.length < 2 + digits) return "asn1: syntax error: truncated tag or length";
    length = 0;
    for (; at < 2 + digits; at++) length = length * 256 + bytes.charCodeAt(at);
  }
  if (first !== 0x30) {
    const found = `class:${first >> 6} tag:${first & 0x1f} length:${length} isCompound:${(first & 0x20) !== 0}`;
    const wanted =
      "optional:false explicit:false application:false private:false defaultValue:<nil> tag:<nil> stringType:0 timeType:0 set:false omitEmpty:false";
    return `asn1: structure error: tags don't match (16 vs {${found}}) {${wanted}} certificateRequest @${at}`;
  }
  return at + length > bytes.length ? "asn1: syntax error: data truncated" : undefined;
}

/** Why a text is no certificate request; the signature is not looked at. */
export function requestProblem(text: string): string | undefined {
  const block = nextPemBlock(text, 0);
  if (block?.type !== "CERTIFICATE REQUEST") return "PEM block type must be CERTIFICATE REQUEST";
  return sequenceProblem(block.bytes);
}

/** Why a text is no list of certificates; an empty one is fine. */
export function certificateProblem(text: string): string | undefined {
  if (text === "") return undefined;
  let blocks = 0;
  for (let block = nextPemBlock(text, 0); block; block = nextPemBlock(text, block.next)) {
    if (block.type !== "CERTIFICATE")
      return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(block.type)}`;
    if (block.hasHeaders) return "no PEM block headers are permitted";
    if (block.bytes === "") return "found CERTIFICATE PEM block containing 0 certificates";
    if (sequenceProblem(block.bytes)) return "x509: malformed certificate";
    blocks++;
  }
  return blocks === 0 ? "must contain at least one CERTIFICATE PEM block" : undefined;
}
