/** Paths of proxied requests, as in Go's net/url and Kubernetes' proxies. */
import { posix } from "node:path";
import { openEscapes } from "../request-info.ts";

/** Characters that Go escapes although they need not be (net/url, `encodePath`). */
const goEscaped = /[!'()*]/g;
const goPlain = /%(?:2[46BCF]|3[ABD]|40)/g;

/** Escapes a path as Go does. */
export function escapePath(path: string): string {
  if (/^[\w\-.~$&+,/:;=@]*$/.test(path)) return path;
  return encodeURIComponent(path.toWellFormed())
    .replace(goPlain, (escape) => decodeURIComponent(escape))
    .replace(goEscaped, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/**
 * The path for the backend: `rest` follows the proxy's own path, `target` is the path and query as sent. Dot segments, escaped or
 * not, cannot lead above the root.
 */
export function backendPath(rest: string, target: string): string {
  const open = openEscapes(rest);
  const path = posix.join("/", open);
  const mark = target.indexOf("?");
  const query = mark < 0 ? "" : target.slice(mark).replace(/[^\x21-\x7e]/gu, encodeURIComponent);
  return `${escapePath(path)}${query}`;
}

/** Scheme, host, path and rest of a `Location`. */
const locationParts = /^(?:([a-z][a-z\d+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(.*)$/is;

/**
 * Rewrites the `Location` of a backend's redirect: its own URLs are moved below the proxy, others are passed on; the proxy
 * follows none. `hosts`: the backend's names: its address, and the host that the client used.
 */
export function movedLocation(location: string, prefix: string, backend: string, asked: string): string {
  const [, scheme = "", host = "", path = "", rest = ""] = locationParts.exec(location) ?? [];
  const elsewhere = host !== "" && host !== backend && host !== asked;
  if (elsewhere || !path.startsWith("/")) return location;
  const origin = host !== "" && host === asked ? `${scheme === "" ? "" : `${scheme}:`}//${host}` : "";
  return `${origin}${path.startsWith(prefix) ? path : posix.join(prefix, path)}${rest}`;
}
