/** Paths on their way through a proxy, as Go's net/url and Kubernetes' proxies treat them. */
import { posix } from "node:path";
import { openEscapes } from "../request-info.ts";

/** Of the characters that need no escape, Go writes some as one, and others not (net/url, `encodePath`). */
const goEscaped = /[!'()*]/g;
const goPlain = /%(?:2[46BCF]|3[ABD]|40)/g;

/** A path without escapes, as Go writes it into a request. */
export function escapePath(path: string): string {
  if (/^[\w\-.~$&+,/:;=@]*$/.test(path)) return path;
  return encodeURIComponent(path.toWellFormed())
    .replace(goPlain, (escape) => decodeURIComponent(escape))
    .replace(goEscaped, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/**
 * Where a request below a proxy goes: `rest` is what follows the proxy's own path, `target` path and query as the client sent them.
 * Nothing leads above the root, however it is written.
 */
export function backendPath(rest: string, target: string): string {
  const open = openEscapes(rest);
  const path = posix.join("/", open);
  const mark = target.indexOf("?");
  const query = mark < 0 ? "" : target.slice(mark).replace(/[^\x21-\x7e]/gu, encodeURIComponent);
  return `${escapePath(path)}${query}`;
}

/** Scheme, host, path and the rest of what `Location` says. */
const locationParts = /^(?:([a-z][a-z\d+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(.*)$/is;

/**
 * Where a backend sends its client: what stays with it stays below the proxy, what leads elsewhere is passed on, and nobody goes
 * there for the client. `hosts`: what the backend may call itself: where it was reached, and how the client called this server.
 */
export function movedLocation(location: string, prefix: string, backend: string, asked: string): string {
  const [, scheme = "", host = "", path = "", rest = ""] = locationParts.exec(location) ?? [];
  const elsewhere = host !== "" && host !== backend && host !== asked;
  if (elsewhere || !path.startsWith("/")) return location;
  const origin = host !== "" && host === asked ? `${scheme === "" ? "" : `${scheme}:`}//${host}` : "";
  return `${origin}${path.startsWith(prefix) ? path : posix.join(prefix, path)}${rest}`;
}
