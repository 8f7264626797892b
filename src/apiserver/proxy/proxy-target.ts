import { lookup } from "node:dns/promises";
import type { Endpoints, EndpointSlice, Pod, Service } from "../../api/index.ts";
import { goQuote, StatusError } from "../../machinery/index.ts";
import type { ObjectReader } from "../auth-contract.ts";
import type { RequestInfo } from "../contract.ts";
import { notFound } from "../errors.ts";
import { podOf } from "./kubelet-location.ts";

/** Where a proxied request goes. */
export interface ProxyTarget {
  secure: boolean;
  host: string;
  port: number;
}

/** Whether the API server may connect to an address. */
export type Allows = (address: string) => boolean;

/** `[scheme:]name[:port]` in the path of a proxy request. Throws BadRequest. */
export function splitName(text: string, resource: string): { scheme: string; name: string; port: string } {
  const parts = text.split(":");
  const [scheme, name, port] =
    parts.length === 1 ? ["", text, ""] : parts.length === 2 ? ["", ...parts] : parts;
  if (parts.length > 3 || !name || (scheme !== "" && scheme !== "http" && scheme !== "https"))
    throw new StatusError("BadRequest", `invalid ${resource} request ${goQuote(text)}`);
  return { scheme, name, port: port ?? "" };
}

/** A port in a path; `named`: the port of that name, if any. Throws 503 like a failed connection. */
export function portOf(text: string, named?: number): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : named;
  if (port !== undefined && port <= 65_535) return port;
  const why = /^\d+$/.test(text)
    ? `dial tcp: address ${text}: invalid port`
    : `dial tcp: lookup tcp/${text}: unknown port`;
  throw new StatusError("ServiceUnavailable", `error trying to reach service: ${why}`);
}

/**
 * Addresses of pods and nodes must not be those of the API server's machine or its metadata service (CVE-2020-8555): nodes write
 * their own status and that of their pods.
 */
const notAllowed = (): StatusError => new StatusError("BadRequest", "address not allowed");

/** The same for all addresses of a name. */
export async function checkHost(host: string, allows: Allows): Promise<void> {
  let found: { address: string }[];
  try {
    found = await lookup(host, { all: true });
  } catch (cause) {
    throw new StatusError("BadRequest", `lookup ${host}: no such host`, { cause });
  }
  if (found.length === 0 || found.some(({ address }) => !allows(address))) throw notAllowed();
}

function podTarget(objects: ObjectReader, info: RequestInfo, allows: Allows): ProxyTarget {
  const { scheme, name, port } = splitName(info.name, "pod");
  const pod: Pod = podOf(objects, info.namespace, name);
  const ports = (pod.spec?.containers ?? []).flatMap((c) => c.ports ?? []);
  const host = pod.status?.podIPs?.[0]?.ip ?? pod.status?.podIP ?? "";
  if (!allows(host)) throw notAllowed();
  const secure = scheme === "https";
  const first = ports[0]?.containerPort ?? (secure ? 443 : 80);
  return {
    secure,
    host,
    port: port === "" ? first : portOf(port, ports.find((p) => p.name === port)?.containerPort),
  };
}

const noEndpoints = (name: string): StatusError =>
  new StatusError("ServiceUnavailable", `no endpoints available for service ${goQuote(name)}`);

const services = { group: "", kind: "Service", plural: "services" };

/** The name of a Service's port, given by number or name. */
function portName(objects: ObjectReader, namespace: string, name: string, port: string): string {
  if (!/^[-+]?\d+$/.test(port)) return port;
  const service = objects.get<Service>("", "services", namespace, name);
  if (!service) throw notFound(services, name);
  const found = service.spec?.ports?.find((each) => each.port === Number(port));
  if (found) return found.name ?? "";
  throw new StatusError(
    "ServiceUnavailable",
    `no service port ${Number(port)} found for service ${goQuote(name)}`,
  );
}

function serviceTarget(
  objects: ObjectReader,
  info: RequestInfo,
  allows: Allows,
  random: () => number,
): ProxyTarget {
  const { scheme, name, port } = splitName(info.name, "service");
  const { namespace } = info;
  const wanted = portName(objects, namespace, name, port);
  const slices = objects
    .list<EndpointSlice>("discovery.k8s.io", "endpointslices", namespace)
    .filter((slice) => slice.metadata?.labels?.["kubernetes.io/service-name"] === name);
  const endpoints = objects.get<Endpoints>("", "endpoints", namespace, name);
  // Kubernetes looks Endpoints up, and names the requested resource in the error.
  if (slices.length === 0 && !endpoints) throw notFound(services, name);
  /** EndpointSlices can have arbitrary addresses: only those of their pods are used. */
  const isOfPod = (address: string, pod: string): boolean =>
    objects.get<Pod>("", "pods", namespace, pod)?.status?.podIPs?.some(({ ip }) => ip === address) ?? false;
  const targets = slices.flatMap((slice) => {
    const number = slice.ports?.find((p) => (p.name ?? "") === wanted)?.port;
    if (!number) return [];
    return (slice.endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready !== false)
      .flatMap(({ addresses, targetRef }) => {
        const [host] = addresses;
        const pod = targetRef?.namespace === namespace ? targetRef.name : undefined;
        return host !== undefined && pod && allows(host) && isOfPod(host, pod)
          ? [{ secure: scheme === "https", host, port: number }]
          : [];
      });
  });
  const chosen = targets[Math.floor(random() * targets.length)];
  if (!chosen) throw noEndpoints(endpoints && !endpoints.subsets?.length ? name : info.name);
  return chosen;
}

/** For pods/proxy and services/proxy. Throws StatusError without a target. */
export const proxyTarget = (
  objects: ObjectReader,
  info: RequestInfo,
  allows: Allows,
  random: () => number,
): ProxyTarget =>
  info.resource === "pods" ? podTarget(objects, info, allows) : serviceTarget(objects, info, allows, random);
