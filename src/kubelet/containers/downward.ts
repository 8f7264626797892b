import type { Container, Pod, ResourceFieldSelector } from "../../api/index.ts";
import { goQuote, milliValue, quantityValue } from "../../machinery/index.ts";
import { podName, podNamespace, podUid } from "../pods/pod-key.ts";

/** Values of the pod and its node for the downward API. */
export interface DownwardContext {
  pod: Pod;
  nodeName: string;
  hostIps: readonly string[];
  podIps: readonly string[];
  /** The node's allocatable, for missing limits. */
  allocatable: Readonly<Record<string, string>>;
}

/** The value of a fieldRef; undefined when there is no such field. Lists of labels are `key="value"` lines. */
export function downwardField(context: DownwardContext, path: string): string | undefined {
  const { pod } = context;
  const indexed = /^metadata\.(labels|annotations)\['(.*)'\]$/s.exec(path);
  if (indexed) return pod.metadata?.[indexed[1] as "labels" | "annotations"]?.[indexed[2] ?? ""] ?? "";
  switch (path) {
    case "metadata.name":
      return podName(pod);
    case "metadata.namespace":
      return podNamespace(pod);
    case "metadata.uid":
      return podUid(pod);
    case "metadata.labels":
      return formatMap(pod.metadata?.labels ?? {});
    case "metadata.annotations":
      return formatMap(pod.metadata?.annotations ?? {});
    case "spec.nodeName":
      return context.nodeName;
    case "spec.serviceAccountName":
      return pod.spec?.serviceAccountName ?? "";
    case "status.hostIP":
      return context.hostIps[0] ?? "";
    case "status.hostIPs":
      return context.hostIps.join(",");
    case "status.podIP":
      return context.podIps[0] ?? "";
    case "status.podIPs":
      return context.podIps.join(",");
    default:
      return undefined;
  }
}

/** `key="value"` lines sorted by key, with values quoted as by Go. */
function formatMap(map: Record<string, string>): string {
  return Object.keys(map)
    .sort()
    .map((key) => `${key}=${goQuote(map[key] ?? "")}`)
    .join("\n");
}

/** The value of a resourceFieldRef, rounded up to whole divisors; undefined for an unknown container or resource. */
export function downwardResource(
  context: DownwardContext,
  selector: ResourceFieldSelector,
  own: Container | undefined,
): string | undefined {
  const spec = context.pod.spec;
  const container = selector.containerName
    ? [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].find(
        (c) => c.name === selector.containerName,
      )
    : own;
  const match = /^(limits|requests)\.(.+)$/.exec(selector.resource);
  if (!container || !match) return undefined;
  const [, kind, resource = ""] = match;
  const { limits, requests } = container.resources ?? {};
  const value =
    kind === "limits"
      ? (nonZero(limits?.[resource]) ?? context.allocatable[resource] ?? "0")
      : (requests?.[resource] ?? limits?.[resource] ?? "0");
  const divisor = nonZero(selector.divisor as string | undefined) ?? "1";
  if (resource === "cpu") return String(Math.ceil(milliValue(value) / milliValue(divisor)));
  return String(Math.ceil(quantityValue(value) / quantityValue(divisor)));
}

function nonZero(value: string | undefined): string | undefined {
  return value !== undefined && milliValue(value) !== 0 ? value : undefined;
}
