import { randomFillSync } from "node:crypto";

const uuidBytes = new Uint8Array(16 * 256);
let uuidAt = uuidBytes.length;
const hex = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, "0"));

/** A random UUID (version 4). Unique beyond the process, so it never comes from a seed. */
export function newUid(): string {
  if (uuidAt === uuidBytes.length) {
    randomFillSync(uuidBytes);
    uuidAt = 0;
  }
  const b = uuidBytes.subarray(uuidAt, uuidAt + 16);
  uuidAt += 16;
  b[6] = ((b[6] as number) & 0x0f) | 0x40;
  b[8] = ((b[8] as number) & 0x3f) | 0x80;
  let text = "";
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) text += "-";
    text += hex[b[i] as number];
  }
  return text;
}
