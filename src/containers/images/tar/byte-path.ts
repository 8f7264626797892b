/**
 * Names in tar archives and on Linux are bytes, not text. "Byte paths" are strings whose characters are the bytes (latin1), so
 * that names that are not UTF-8 are preserved and path operations stay simple.
 */
export type BytePath = string;

export const toBytePath = (text: string): BytePath =>
  isAscii(text) ? text : Buffer.from(text, "utf8").toString("latin1");

/** For messages. */
export const showBytePath = (path: BytePath): string =>
  isAscii(path) ? path : Buffer.from(path, "latin1").toString("utf8");

/** For `node:fs`: plain text if equivalent, which is faster. */
export const toFsPath = (path: BytePath): string | Buffer =>
  isAscii(path) ? path : Buffer.from(path, "latin1");

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}
