/** Addresses of webhooks: a URL, or a Service of the cluster. */
import type { ObjectReader } from "../auth-contract.ts";
import { resolveServiceEndpoint } from "../network/service-endpoint.ts";

/** `clientConfig` of a webhook. */
export interface WebhookAddress {
  url?: string;
  service?: { namespace: string; name: string; path?: string; port?: number };
  /** Base64 of PEM certificates of authorities; the system's when absent. */
  caBundle?: string;
}

export interface Target {
  /** Host and port in messages and in the `Host` header. */
  authority: string;
  /** Without the query. */
  path: string;
  /** The name to verify in the certificate. */
  serverName: string;
  /** The address to dial; Services are resolved here. Throws StatusError when there is none. */
  endpoint(): { host: string; port: number };
}

export function targetOf(address: WebhookAddress, objects: ObjectReader, random: () => number): Target {
  const { service } = address;
  if (!service) return byUrl(address.url ?? "");
  const { namespace, name, port = 443, path = "" } = service;
  const serverName = `${name}.${namespace}.svc`;
  return {
    authority: `${serverName}:${port}`,
    path: joined(path),
    serverName,
    endpoint: () => resolveServiceEndpoint(objects, namespace, name, port, random),
  };
}

function byUrl(text: string): Target {
  const [, authority = "", path = ""] = /^https:\/\/([^/?#]*)([^?#]*)/i.exec(text) ?? [];
  const { hostname, port } = new URL(text);
  const host = hostname.replace(/^\[|\]$/g, "");
  return {
    authority,
    path: joined(path),
    serverName: host,
    endpoint: () => ({ host, port: Number(port || 443) }),
  };
}

/** Joins paths as in Go: single slashes, none at the end, dots resolved. */
function joined(path: string): string {
  const { pathname } = new URL(`https://x/${path}`);
  return `/${pathname
    .split("/")
    .filter((part) => part !== "")
    .join("/")}`;
}
