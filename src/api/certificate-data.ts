/** Certificate requests and certificates, as far as validation parses them. */
import { der, nextPemBlock, parseCertificateRequest } from "../machinery/index.ts";

/** Decoded base64, one character per byte; empty when it is invalid. */
export function fromBase64(text: string): string {
  try {
    return atob(text);
  } catch {
    return "";
  }
}

/** Go's error for bytes that are no complete DER sequence; undefined when they are. */
function sequenceProblem(bytes: Buffer): string | undefined {
  return derProblem(() => {
    const { tag, length, content } = der.headAt(bytes, 0);
    if (tag !== 0x30) {
      const found = `class:${tag >> 6} tag:${tag & 0x1f} length:${length} isCompound:${(tag & 0x20) !== 0}`;
      const wanted =
        "optional:false explicit:false application:false private:false defaultValue:<nil> tag:<nil> stringType:0 timeType:0 set:false omitEmpty:false";
      throw new der.DerError(
        `asn1: structure error: tags don't match (16 vs {${found}}) {${wanted}} certificateRequest @${content}`,
      );
    }
    if (content + length > bytes.length) throw new der.DerError("asn1: syntax error: data truncated");
  });
}

function derProblem(read: () => void): string | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (error instanceof der.DerError) return error.message;
    throw error;
  }
}

const bytesOf = ({ bytes }: { bytes: string }): Buffer => Buffer.from(bytes, "latin1");

/** Why a text is no certificate request in strict DER with a valid signature. */
export function requestProblem(text: string): string | undefined {
  const block = nextPemBlock(text, 0);
  if (block?.type !== "CERTIFICATE REQUEST") return "PEM block type must be CERTIFICATE REQUEST";
  const bytes = bytesOf(block);
  const outside = sequenceProblem(bytes);
  if (outside !== undefined) return outside;
  const { content, length } = der.headAt(bytes, 0);
  const end = content + length;
  let signature: string | undefined;
  const inside = derProblem(() => {
    const request = parseCertificateRequest(bytes.subarray(0, end));
    if (end < bytes.length) throw new der.DerError("asn1: syntax error: trailing data");
    signature = request.signatureProblem();
  });
  return inside ?? signature;
}

/** Why a text is no list of certificates; an empty one is valid. */
export function certificateProblem(text: string): string | undefined {
  if (text === "") return undefined;
  let blocks = 0;
  for (let block = nextPemBlock(text, 0); block; block = nextPemBlock(text, block.next)) {
    if (block.type !== "CERTIFICATE")
      return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(block.type)}`;
    if (block.hasHeaders) return "no PEM block headers are permitted";
    if (block.bytes === "") return "found CERTIFICATE PEM block containing 0 certificates";
    if (sequenceProblem(bytesOf(block))) return "x509: malformed certificate";
    blocks++;
  }
  return blocks === 0 ? "must contain at least one CERTIFICATE PEM block" : undefined;
}
