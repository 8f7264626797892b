import type { RequestInfo } from "./contract.ts";

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

/** Reads method and path the way Kubernetes' RequestInfo does. Throws URIError for a path with broken escapes. */
export function parseRequestInfo(method: string, target: string): RequestInfo {
  const mark = target.indexOf("?");
  const path = mark < 0 ? target : target.slice(0, mark);
  const query = new URLSearchParams(mark < 0 ? "" : target.slice(mark + 1));
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
  const raw = path.split("/");
  const parts = path.includes("%") ? raw.map(decodeURIComponent) : raw;
  // parts[0] is what stands before the first slash: nothing.
  const root = parts[1];
  let at: number;
  let apiGroup = "";
  if (root === "api") at = 2;
  else if (root === "apis") {
    apiGroup = parts[2] ?? "";
    at = 3;
  } else return outside;
  const apiVersion = parts[at] ?? "";
  at++;
  if (!parts[at]) return outside;

  let verb = verbs[method] ?? "";
  if (parts[at] === "watch" && parts[at + 1]) {
    verb = "watch";
    at++;
  }
  let namespace = "";
  if (parts[at] === "namespaces") {
    const name = parts[at + 1] ?? "";
    namespace = name;
    const next = parts[at + 2];
    if (next && !namespaceSubresources.has(next)) at += 2;
  }
  const resource = parts[at] ?? "";
  const name = parts[at + 1] ?? "";
  const subresource = parts[at + 2] ?? "";
  const rest = raw.slice(at + 3).join("/");
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

/** A boolean query parameter, as Go's conversion reads it: present and neither `false` nor `0`. */
export function isTrue(value: string | null): boolean {
  return value !== null && value !== "0" && value.toLowerCase() !== "false";
}
