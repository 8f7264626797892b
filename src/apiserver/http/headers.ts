import type { IncomingHttpHeaders } from "node:http";

const isIdentity = (name: string): boolean => name.startsWith("impersonate-") || name.startsWith("x-remote-");

/** Who somebody is may have commas in it: lines of such headers stay apart, by a character that no header has. */
function lineByLine(raw: readonly string[], name: string): string {
  const lines: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (raw[i]?.toLowerCase() === name) lines.push(raw[i + 1] as string);
  }
  return lines.join("\n");
}

const colon = 0x3a;

/** A request's headers by their names in lower case, without HTTP/2's own. `raw`: names and values in turn. */
export function plainHeaders(given: IncomingHttpHeaders, raw: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name in given) {
    const value = given[name];
    if (value === undefined || name.charCodeAt(0) === colon) continue;
    if (isIdentity(name)) headers[name] = lineByLine(raw, name);
    else headers[name] = typeof value === "string" ? value : value.join(", ");
  }
  return headers;
}
