import type { EndpointSlice, Pod, Service } from "../../api/index.ts";
import { StatusError } from "../../machinery/index.ts";
import type { ObjectReader } from "../auth-contract.ts";
import type { RequestInfo } from "../contract.ts";
import { podOf } from "./kubelet-location.ts";

/** Where a proxied request goes. */
export interface ProxyTarget {
  secure: boolean;
  host: string;
  port: number;
}

/** `[scheme:]name[:port]`, as it stands in the path of a proxy request. */
export function splitName(text: string, resource = "node"): { scheme: string; name: string; port: string } {
  const parts = text.split(":");
  if (parts.length === 1) return { scheme: "", name: text, port: "" };
  if (parts.length === 2) return { scheme: "", name: parts[0] ?? "", port: parts[1] ?? "" };
  const [scheme = "", name = "", port = ""] = parts;
  if (parts.length === 3 && (scheme === "http" || scheme === "https")) return { scheme, name, port };
  throw new StatusError("BadRequest", `invalid ${resource} request "${text}"`);
}

/**
 * An address of a pod must not lead to the API server's own machine or its metadata service (CVE-2020-8555): a pod's
 * status is written by its node.
 */
function proxyable(host: string): string {
  if (host === "" || /^(127\.|0\.|169\.254\.|22[4-9]\.|23\d\.|::1$|fe80:|ff)/i.test(host))
    throw new StatusError("BadRequest", "address not allowed");
  return host;
}

function podTarget(objects: ObjectReader, info: RequestInfo): ProxyTarget {
  const { scheme, name, port } = splitName(info.name, "pod");
  const pod: Pod = podOf(objects, info.namespace, name);
  const given = pod.status?.podIP ?? "";
  const host = pod.spec?.hostNetwork && given !== "" ? given : proxyable(given);
  const named = (pod.spec?.containers ?? []).flatMap((c) => c.ports ?? []).find((p) => p.name === port);
  const first = (pod.spec?.containers ?? []).flatMap((c) => c.ports ?? [])[0]?.containerPort;
  const number = port === "" ? (first ?? 80) : (named?.containerPort ?? Number(port));
  if (!Number.isInteger(number)) throw new StatusError("BadRequest", `pod "${name}" has no port "${port}"`);
  return { secure: scheme === "https", host, port: number };
}

function serviceTarget(objects: ObjectReader, info: RequestInfo, random: () => number): ProxyTarget {
  const { scheme, name, port } = splitName(info.name, "service");
  const service = objects.get<Service>("", "services", info.namespace, name);
  if (!service)
    throw new StatusError("NotFound", `services "${name}" not found`, {
      details: { name, kind: "services" },
    });
  const ports = service.spec?.ports ?? [];
  const wanted =
    port === "" && ports.length === 1
      ? ports[0]
      : ports.find((p) => p.name === port || String(p.port) === port);
  if (!wanted)
    throw new StatusError("ServiceUnavailable", `no service port "${port}" found for service "${name}"`);
  const targets = objects
    .list<EndpointSlice>("discovery.k8s.io", "endpointslices", info.namespace)
    .filter((slice) => slice.metadata?.labels?.["kubernetes.io/service-name"] === name)
    .flatMap((slice) => {
      const found = slice.ports?.find((p) => (p.name ?? "") === (wanted.name ?? ""));
      if (!found?.port) return [];
      const number = found.port;
      return (slice.endpoints ?? [])
        .filter((endpoint) => endpoint.conditions?.ready !== false)
        .flatMap((endpoint) => endpoint.addresses.slice(0, 1).map((host) => ({ host, port: number })));
    });
  const chosen = targets[Math.floor(random() * targets.length)];
  if (!chosen)
    throw new StatusError("ServiceUnavailable", `no endpoints available for service "${info.name}"`);
  return { secure: scheme === "https", host: proxyable(chosen.host), port: chosen.port };
}

/** For pods/proxy and services/proxy. */
export function proxyTarget(objects: ObjectReader, info: RequestInfo, random: () => number): ProxyTarget {
  return info.resource === "pods" ? podTarget(objects, info) : serviceTarget(objects, info, random);
}
