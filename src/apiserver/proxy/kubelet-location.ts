import type { Node, Pod } from "../../api/index.ts";
import { isReason, StatusError } from "../../machinery/index.ts";
import type { ObjectReader } from "../auth-contract.ts";

/** The address of a node's kubelet. */
export interface KubeletLocation {
  node: string;
  host: string;
  port: number;
}

export function podOf(objects: ObjectReader, namespace: string, name: string): Pod {
  const pod = objects.get<Pod>("", "pods", namespace, name);
  if (!pod)
    throw new StatusError("NotFound", `pods "${name}" not found`, { details: { name, kind: "pods" } });
  return pod;
}

/** Throws NotFound for an unknown node. */
export function locateKubelet(objects: ObjectReader, nodeName: string): KubeletLocation {
  const node = objects.get<Node>("", "nodes", undefined, nodeName);
  if (!node)
    throw new StatusError("NotFound", `nodes "${nodeName}" not found`, {
      details: { name: nodeName, kind: "nodes" },
    });
  const addresses = node.status?.addresses ?? [];
  const host = ["InternalIP", "ExternalIP", "Hostname"]
    .map((type) => addresses.find((address) => address.type === type)?.address)
    .find((address) => address !== undefined);
  if (host === undefined)
    throw new StatusError("InternalError", `no preferred addresses found for node ${nodeName}`);
  return { node: nodeName, host, port: node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 10250 };
}

/** The kubelet of the pod's node. BadRequest without a node. */
export function kubeletOfPod(objects: ObjectReader, pod: Pod): KubeletLocation {
  const nodeName = pod.spec?.nodeName;
  if (!nodeName)
    throw new StatusError("BadRequest", `pod ${pod.metadata?.name} does not have a host assigned`);
  try {
    return locateKubelet(objects, nodeName);
  } catch (error) {
    if (!isReason(error, "NotFound")) throw error;
    const details = { name: nodeName, kind: "pods" }; // so it is: the original looks from the pod
    throw new StatusError("NotFound", `pods "${nodeName}" not found`, { details, cause: error });
  }
}

/** The requested container, or the only one. */
export function containerOf(pod: Pod, asked: string): string {
  const own = pod.spec?.containers ?? [];
  const all = [...(pod.spec?.initContainers ?? []), ...own, ...(pod.spec?.ephemeralContainers ?? [])].map(
    (container) => container.name,
  );
  const name = pod.metadata?.name;
  if (asked === "") {
    const [only] = own;
    if (own.length === 1 && only) return only.name;
    const choice = own.length === 0 ? "" : `, choose one of: [${all.join(" ")}]`;
    throw new StatusError("BadRequest", `a container name must be specified for pod ${name}${choice}`);
  }
  if (!all.includes(asked))
    throw new StatusError("BadRequest", `container ${asked} is not valid for pod ${name}`);
  return asked;
}
