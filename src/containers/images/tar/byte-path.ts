/**
 * Names in a tar archive and on Linux are bytes, not text. Here they travel as "byte paths": strings whose characters
 * are the bytes (latin1), so that a name that is not UTF-8 survives unchanged and path arithmetic stays simple.
 */
export type BytePath = string;

export const toBytePath = (text: string): BytePath =>
  isAscii(text) ? text : Buffer.from(text, "utf8").toString("latin1");

/** For messages to people. */
export const showBytePath = (path: BytePath): string =>
  isAscii(path) ? path : Buffer.from(path, "latin1").toString("utf8");

/** What `node:fs` wants: plain text where that is the same thing, because it is faster. */
export const toFsPath = (path: BytePath): string | Buffer =>
  isAscii(path) ? path : Buffer.from(path, "latin1");

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}
