import type { KubeObject, Node, Service } from "../../api/index.ts";
import type { Client } from "../../client/index.ts";
import type { Clock } from "../../machinery/index.ts";

interface Ingress extends KubeObject {
  status?: { loadBalancer?: { ingress?: { ip?: string; hostname?: string }[] } };
}

/** URLs of the applied objects: LoadBalancer Services first, then node ports, then Ingresses. */
export async function candidates(client: Client, applied: readonly KubeObject[]): Promise<string[]> {
  const services = await Promise.all(
    applied
      .filter((object) => object.kind === "Service")
      .map((object) =>
        client.services.get(object.metadata?.namespace ?? "default", object.metadata?.name ?? ""),
      ),
  );
  const balanced = services.flatMap(balancedUrls);
  const ported = services.filter((s) => s.spec?.type === "NodePort");
  const address = ported.length > 0 ? await nodeAddress(client) : undefined;
  const nodePorts = ported.flatMap((s) =>
    (s.spec?.ports ?? []).flatMap((port) =>
      address && port.nodePort && isTcp(port) ? [url(address, port.nodePort)] : [],
    ),
  );
  const ingresses = await Promise.all(
    applied
      .filter((object) => object.kind === "Ingress")
      .map((object) =>
        client
          .resource<Ingress>("networking.k8s.io", "v1", "ingresses")
          .get(object.metadata?.namespace ?? "default", object.metadata?.name ?? ""),
      ),
  );
  const behindIngress = ingresses.flatMap((ingress) =>
    (ingress.status?.loadBalancer?.ingress ?? []).flatMap((at) => {
      const host = at.ip ?? at.hostname;
      return host ? [url(host, 80)] : [];
    }),
  );
  return [...balanced, ...nodePorts, ...behindIngress];
}

const isTcp = (port: { protocol?: string }): boolean => (port.protocol ?? "TCP") === "TCP";
const url = (host: string, port: number): string =>
  port === 80 ? `http://${host}` : port === 443 ? `https://${host}` : `http://${host}:${port}`;

/** External URLs of a LoadBalancer Service. */
export function balancedUrls(service: Service): string[] {
  if (service.spec?.type !== "LoadBalancer") return [];
  return (service.status?.loadBalancer?.ingress ?? []).flatMap((at) => {
    const host = at.ip ?? at.hostname;
    return host ? (service.spec?.ports ?? []).filter(isTcp).map((port) => url(host, port.port)) : [];
  });
}

async function nodeAddress(client: Client): Promise<string | undefined> {
  const { items } = await client.nodes.list(undefined, {});
  return items.flatMap((node: Node) => node.status?.addresses ?? []).find((a) => a.type === "InternalIP")
    ?.address;
}

/** The first that answers with any status; undefined when none does within `timeoutMs`. */
export async function firstThatAnswers(
  urls: readonly string[],
  clock: Clock,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const deadline = clock.monotonic() + timeoutMs;
  while (urls.length > 0) {
    const answers = await Promise.all(urls.map((each) => answersHttp(each, signal)));
    const at = answers.indexOf(true);
    if (at >= 0) return urls[at];
    if (clock.monotonic() > deadline) return undefined;
    await clock.sleep(50, signal);
  }
  return undefined;
}

async function answersHttp(address: string, signal: AbortSignal | undefined): Promise<boolean> {
  const timeout = AbortSignal.timeout(2000);
  try {
    const answer = await fetch(address, {
      redirect: "manual",
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    await answer.body?.cancel();
    return answer.status < 500;
  } catch {
    signal?.throwIfAborted();
    return false;
  }
}
