/** Where webhooks are: at an URL, or behind a Service of the cluster. */
import type { ObjectReader } from "../auth-contract.ts";
import { resolveServiceEndpoint } from "../network/service-endpoint.ts";

/** `clientConfig` of a webhook. */
export interface WebhookAddress {
  url?: string;
  service?: { namespace: string; name: string; path?: string; port?: number };
  /** Base64 of PEM certificates that sign the webhook's; the machine's own authorities when absent. */
  caBundle?: string;
}

export interface Target {
  /** Host and port as they are shown, and sent as `Host`. */
  authority: string;
  /** Without the query. */
  path: string;
  /** What the certificate has to be for. */
  serverName: string;
  /** Whom to call. Throws StatusError when there is nobody: a Service is looked up when it is dialled. */
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

/** As Go joins paths: one slash between parts, none behind the last, dots resolved. */
function joined(path: string): string {
  const { pathname } = new URL(`https://x/${path}`);
  return `/${pathname
    .split("/")
    .filter((part) => part !== "")
    .join("/")}`;
}
