/** What of a request's headers goes on to whom a proxy asks. */

import { headerBytes } from "./header-text.ts";

/** Of one connection, not of the message (RFC 9110, 7.6.1), and those that are set anew. */
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

/** Whether a header is of one connection; `named`: those that `Connection` itself names. */
export const isOfConnection = (name: string, named: ReadonlySet<string>): boolean =>
  ofConnection.has(name) || named.has(name);

const none: ReadonlySet<string> = new Set();

export const connectionNames = (connection: string | undefined): ReadonlySet<string> =>
  connection === undefined ? none : new Set(connection.toLowerCase().split(/\s*,\s*/));

/** Headers by which a client says who it is, or would like to be, to this server: they end here. */
export const isIdentityHeader = (name: string): boolean =>
  name === "authorization" || name.startsWith("impersonate-") || name.startsWith("x-remote-");

/** What goes on of a client's headers, with where it came from. */
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

/** Whether the status of another server's answer can be handed on: HTTP/2 of Node knows no others, and 1xx are none of an answer. */
export const canTell = (status: number): boolean => status >= 200 && status <= 599;
