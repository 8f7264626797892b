/** PEM (RFC 7468) parsed like Go's encoding/pem, in linear time. */

export interface PemBlock {
  type: string;
  hasHeaders: boolean;
  /** One character each. */
  bytes: string;
  /** Where the rest begins. */
  next: number;
}

const beginMark = "-----BEGIN ";
const endMark = "\n-----END ";
const closing = "-----";

/** A line from `from` on without trailing blanks, and the start of the next one. */
function lineAt(text: string, from: number): { line: string; next: number } {
  const end = text.indexOf("\n", from);
  const stop = end < 0 ? text.length : end;
  return { line: text.slice(from, stop).trimEnd(), next: end < 0 ? stop : end + 1 };
}

function decoded(base64: string): string | undefined {
  const packed = base64.replace(/\s+/g, "");
  try {
    return packed.length % 4 === 0 ? atob(packed) : undefined;
  } catch {
    return undefined;
  }
}

/** The next block after `from`: the first end that matches the last beginning before it. */
export function nextPemBlock(text: string, from: number): PemBlock | undefined {
  for (let search = from; ; ) {
    const end = text.indexOf(endMark, search);
    if (end < 0) return undefined;
    const block = blockBetween(text, search, end);
    if (block) return block;
    search = end + endMark.length;
  }
}

function blockBetween(text: string, from: number, end: number): PemBlock | undefined {
  const begin = text.slice(from, end).lastIndexOf(beginMark);
  if (begin < 0 || (begin > 0 && text[from + begin - 1] !== "\n")) return undefined;
  const { line, next } = lineAt(text, from + begin + beginMark.length);
  if (!line.endsWith(closing)) return undefined;
  const type = line.slice(0, -closing.length);
  let at = next;
  for (let header = lineAt(text, at); at <= end && header.line.includes(":"); header = lineAt(text, at))
    at = header.next;
  const hasHeaders = at > next;
  if (hasHeaders && end < at) return undefined;
  const last = lineAt(text, end + endMark.length);
  if (last.line !== type + closing) return undefined;
  const bytes = end > at ? decoded(text.slice(at, end)) : "";
  return bytes === undefined ? undefined : { type, hasHeaders, bytes, next: last.next };
}
