/** The error in invalid UTF-8, in the words of Go's YAML reader (RFC 3629 has the rules). */
export function utf8Problem(bytes: Uint8Array): string | undefined {
  for (let i = 0; i < bytes.length; ) {
    const lead = bytes[i] as number;
    const width = lead < 0x80 ? 1 : lead >> 5 === 6 ? 2 : lead >> 4 === 14 ? 3 : lead >> 3 === 30 ? 4 : 0;
    if (width === 0) return "invalid leading UTF-8 octet";
    if (i + width > bytes.length) return "incomplete UTF-8 octet sequence";
    let code = width === 1 ? lead : lead & (0xff >> (width + 1));
    for (let k = 1; k < width; k++) {
      const octet = bytes[i + k] as number;
      if (octet >> 6 !== 2) return "invalid trailing UTF-8 octet";
      code = (code << 6) | (octet & 0x3f);
    }
    const least = [0, 0, 0x80, 0x800, 0x10000][width] as number;
    if (code < least) return "invalid length of a UTF-8 sequence";
    if ((code >= 0xd800 && code < 0xe000) || code > 0x10ffff) return "invalid Unicode character";
    i += width;
  }
  return undefined;
}
