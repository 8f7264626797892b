import type { HandlerRequest, RequestInfo } from "./contract.ts";
import { PageError } from "./response.ts";

const verbs: Record<string, string> = {
  POST: "create",
  GET: "get",
  HEAD: "get",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};

/** Subresources of a namespace itself: everything else below `/namespaces/NAME/` is a resource inside it. */
const namespaceSubresources = new Set(["status", "finalize"]);

/** Path prefixes that name a verb (`/api/v1/watch/...`). */
const verbsInPaths = new Set(["watch", "proxy"]);

/** Unescapes a path as Go's net/url does: invalid UTF-8 is kept. Throws URIError. */
export function openEscapes(path: string): string {
  if (!path.includes("%")) return path;
  if (/%(?![0-9a-fA-F]{2})/.test(path)) throw new URIError(`invalid URL escape in "${path}"`);
  try {
    return decodeURIComponent(path);
  } catch {
    const bytes = path.replaceAll(/%([0-9a-fA-F]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    return Buffer.from(bytes, "latin1").toString();
  }
}

/** A query without the parts that Go's net/url cannot parse and ignores. */
function readable(query: string): string {
  if (!/;|%(?![\da-fA-F]{2})/.test(query)) return query;
  return query
    .split("&")
    .filter((part) => !/;|%(?![\da-fA-F]{2})/.test(part))
    .join("&");
}

/**
 * Reads method and path as Kubernetes' RequestInfo does. Throws URIError for broken escapes in the path, and PageError for a
 * path that ends after a verb prefix.
 */
export function parseRequestInfo(method: string, target: string): RequestInfo {
  const mark = target.indexOf("?");
  const rawPath = mark < 0 ? target : target.slice(0, mark);
  const query = new URLSearchParams(mark < 0 ? "" : readable(target.slice(mark + 1)));
  const path = openEscapes(rawPath);
  const outside: RequestInfo = {
    isResource: false,
    path,
    verb: method.toLowerCase(),
    apiGroup: "",
    apiVersion: "",
    namespace: "",
    resource: "",
    subresource: "",
    name: "",
    rest: "",
    query,
  };
  const parts = path.split("/");
  // parts[0] is the empty text before the first slash.
  const root = parts[1];
  let at: number;
  let apiGroup = "";
  if (root === "api") at = 2;
  else if (root === "apis") {
    apiGroup = parts[2] ?? "";
    if (apiGroup === "") return outside;
    at = 3;
  } else return outside;
  const apiVersion = parts[at] ?? "";
  at++;
  if (!parts[at]) return outside;

  let verb = verbs[method] ?? "";
  if (verbsInPaths.has(parts[at] as string)) {
    if (!parts[at + 1]) throw noTarget(path);
    verb = parts[at] as string;
    at++;
  }
  let namespace = "";
  if (parts[at] === "namespaces") {
    namespace = parts[at + 1] ?? "";
    const next = parts[at + 2];
    if (parts.length > at + 3 && next === "") at += 2;
    else if (next && !namespaceSubresources.has(next)) at += 2;
  }
  const resource = parts[at] ?? "";
  const name = parts[at + 1] ?? "";
  const subresource = parts[at + 2] ?? "";
  const raw = rawPath.split("/");
  // The path of a proxy request is passed on as written, unless escaped slashes shift the parts before it.
  const rest =
    raw.length === parts.length
      ? raw.slice(at + 3).join("/")
      : parts
          .slice(at + 3)
          .map(encodeURIComponent)
          .join("/");
  if (name === "") {
    if (verb === "get") verb = isTrue(query.get("watch")) ? "watch" : "list";
    else if (verb === "delete") verb = "deletecollection";
  }
  return {
    isResource: true,
    path,
    verb,
    apiGroup,
    apiVersion,
    namespace,
    resource,
    subresource,
    name,
    rest,
    query,
  };
}

/** Undefined for a path that leads nowhere, which is answered like any other. */
export function infoOf({ method, path }: Pick<HandlerRequest, "method" | "path">): RequestInfo | undefined {
  try {
    return parseRequestInfo(method, path);
  } catch {
    return undefined;
  }
}

const noTarget = (path: string): PageError =>
  new PageError(
    500,
    `Internal Server Error: ${JSON.stringify(path)}: failed to create RequestInfo: unable to determine kind and namespace from url, ${path}\n`,
  );

/** A boolean query parameter, as Go's conversion reads it: present and neither `false` nor `0`. */
export function isTrue(value: string | null): boolean {
  return value !== null && value !== "0" && value.toLowerCase() !== "false";
}
