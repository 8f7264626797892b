import { TarError } from "./tar-error.ts";

export const blockSize = 512;

/** A ustar header block before PAX and GNU extensions. Formats: POSIX.1-1988 (ustar), GNU tar manual. */
export interface RawHeader {
  name: string;
  mode: number;
  uid: number;
  gid: number;
  size: number;
  mtime: number;
  typeflag: string;
  linkname: string;
  major: number;
  minor: number;
  gnu: boolean;
}

/** Undefined for a block of zeros, which ends the archive. */
export function decodeHeader(block: Buffer): RawHeader | undefined {
  if (!checksumHolds(block)) {
    if (block.every((byte) => byte === 0)) return undefined;
    throw new TarError("not a tar archive, or damaged: a header has the wrong checksum");
  }
  const magic = block.toString("latin1", 257, 265);
  const gnu = magic === "ustar  \0";
  const ustar = gnu || magic.startsWith("ustar\0");
  let name = text(block, 0, 100);
  // In GNU's format the prefix field has another use.
  const prefix = ustar && !gnu ? text(block, 345, 155) : "";
  if (prefix !== "") name = `${prefix}/${name}`;
  return {
    name,
    mode: number(block, 100, 8, "mode") & 0o7777,
    uid: number(block, 108, 8, "uid"),
    gid: number(block, 116, 8, "gid"),
    size: number(block, 124, 12, "size"),
    mtime: number(block, 136, 12, "mtime"),
    typeflag: String.fromCharCode(block[156] as number),
    linkname: text(block, 157, 100),
    major: ustar ? number(block, 329, 8, "devmajor") : 0,
    minor: ustar ? number(block, 337, 8, "devminor") : 0,
    gnu,
  };
}

/** Text up to the first NUL, as bytes. */
export function text(block: Buffer, start: number, length: number): string {
  let end = start;
  while (end < start + length && block[end] !== 0) end++;
  return block.toString("latin1", start, end);
}

/** Octal digits, or GNU's base-256 when the top bit of the first byte is set. */
export function number(block: Buffer, start: number, length: number, field: string): number {
  const first = block[start] as number;
  if (first & 0x80) return base256(block, start, length, field);
  let value = 0;
  let digits = 0;
  for (let i = start; i < start + length; i++) {
    const byte = block[i] as number;
    if (byte === 0 || byte === 0x20) {
      if (digits === 0) continue;
      break;
    }
    if (byte < 0x30 || byte > 0x37) throw new TarError(`damaged tar header: ${field} is not a number`);
    value = value * 8 + (byte - 0x30);
    digits++;
  }
  return value;
}

function base256(block: Buffer, start: number, length: number, field: string): number {
  const first = block[start] as number;
  const negative = (first & 0x40) !== 0;
  let value = negative ? BigInt(first & 0x3f) - 0x40n : BigInt(first & 0x3f);
  for (let i = start + 1; i < start + length; i++) value = value * 256n + BigInt(block[i] as number);
  const result = Number(value);
  if (!Number.isSafeInteger(result)) throw new TarError(`damaged tar header: ${field} is out of range`);
  return result;
}

/** The sum of all bytes with the checksum field as spaces. Old programs summed signed bytes. */
function checksumHolds(block: Buffer): boolean {
  let unsigned = 0;
  let signed = 0;
  for (let i = 0; i < blockSize; i++) {
    const byte = i >= 148 && i < 156 ? 0x20 : (block[i] as number);
    unsigned += byte;
    signed += byte > 127 ? byte - 256 : byte;
  }
  let stored: number;
  try {
    stored = number(block, 148, 8, "checksum");
  } catch {
    return false;
  }
  return stored === unsigned || stored === signed;
}
