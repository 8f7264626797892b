import { randomFillSync } from "node:crypto";

const random = new Uint8Array(16 * 256);
let randomAt = random.length;

const digits = Buffer.from("0123456789abcdef", "latin1");
/** The text of the UUID being made. Its dashes stay where they are. */
const text = Buffer.from("00000000-0000-4000-8000-000000000000", "latin1");
const places = Array.from({ length: text.length }, (_, at) => at).filter((at) => text[at] !== 0x2d);

/**
 * A random UUID (RFC 9562, version 4). Unique beyond the process, so it never comes from a seed.
 * Its text is of one piece in memory: text put together digit by digit would take twenty times as much, for as long as the
 * object lives that holds it.
 */
export function newUid(): string {
  if (randomAt === random.length) {
    randomFillSync(random);
    randomAt = 0;
  }
  for (let i = 0; i < 16; i++) {
    let byte = random[randomAt++] as number;
    if (i === 6) byte = (byte & 0x0f) | 0x40;
    if (i === 8) byte = (byte & 0x3f) | 0x80;
    text[places[2 * i] as number] = digits[byte >> 4] as number;
    text[places[2 * i + 1] as number] = digits[byte & 15] as number;
  }
  return text.toString("latin1");
}
