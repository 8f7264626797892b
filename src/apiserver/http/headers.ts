import type { IncomingHttpHeaders } from "node:http";
import { headerText } from "../network/header-text.ts";

const isIdentity = (name: string): boolean => name.startsWith("impersonate-") || name.startsWith("x-remote-");

/** Values of identity headers may contain commas: lines are joined by a character that headers cannot contain. */
function addIdentity(headers: Record<string, string>, raw: readonly string[]): void {
  const lines = new Map<string, string[]>();
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = (raw[i] as string).toLowerCase();
    if (!isIdentity(name)) continue;
    const known = lines.get(name);
    const value = headerText(raw[i + 1] as string);
    if (known) known.push(value);
    else lines.set(name, [value]);
  }
  for (const [name, each] of lines) headers[name] = each.join("\n");
}

const colon = 0x3a;

/** A request's headers by lower-case name, without HTTP/2 pseudo-headers. `raw`: names and values in turn. */
export function plainHeaders(given: IncomingHttpHeaders, raw: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  let identified = false;
  for (const name in given) {
    const value = given[name];
    if (value === undefined || name.charCodeAt(0) === colon) continue;
    if (isIdentity(name)) identified = true;
    else headers[name] = typeof value === "string" ? value : value.join(", ");
  }
  if (identified) addIdentity(headers, raw);
  // Used as the name of the field manager.
  const agent = headers["user-agent"];
  if (agent !== undefined) headers["user-agent"] = headerText(agent);
  return headers;
}
