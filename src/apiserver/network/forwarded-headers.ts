/** Headers that proxies forward. */

import { headerBytes } from "./header-text.ts";

/** Hop-by-hop headers (RFC 9110, 7.6.1), and those that are set anew. */
const ofConnection = new Set([
  "connection",
  "content-length",
  "host",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Whether a header is hop-by-hop; `named`: those listed in `Connection`. */
export const isOfConnection = (name: string, named: ReadonlySet<string>): boolean =>
  ofConnection.has(name) || named.has(name);

const none: ReadonlySet<string> = new Set();

export const connectionNames = (connection: string | undefined): ReadonlySet<string> =>
  connection === undefined ? none : new Set(connection.toLowerCase().split(/\s*,\s*/));

/** Headers that authenticate or impersonate a user; not forwarded. */
export const isIdentityHeader = (name: string): boolean =>
  name === "authorization" || name.startsWith("impersonate-") || name.startsWith("x-remote-");

/** The client's headers to forward, with its address. */
export function forwardedHeaders(
  given: Readonly<Record<string, string>>,
  from: { address: string },
): Record<string, string> {
  const headers: Record<string, string> = {};
  const named = connectionNames(given.connection);
  for (const [name, value] of Object.entries(given))
    if (!isOfConnection(name, named) && !isIdentityHeader(name)) headers[name] = value;
  const agent = headers["user-agent"];
  if (agent !== undefined) headers["user-agent"] = headerBytes(agent);
  if (from.address !== "") {
    const earlier = headers["x-forwarded-for"];
    headers["x-forwarded-for"] = earlier ? `${earlier}, ${from.address}` : from.address;
  }
  return headers;
}

/** Whether a status can be forwarded: Node's HTTP/2 accepts no others, and 1xx are not final. */
export const canTell = (status: number): boolean => status >= 200 && status <= 599;
