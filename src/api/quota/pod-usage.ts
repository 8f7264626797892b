/** What a pod takes of its namespace's quotas. */
import { addQuantity, compareQuantity, parseQuantity, type Quantity } from "../../machinery/index.ts";
import type { Container, ContainerStatus, Pod } from "../generated/types.ts";

/** Amounts by the names that quotas use. */
export type Usage = Map<string, Quantity>;
type Amounts = Readonly<Record<string, string>>;
type List = "requests" | "limits";

export const one = parseQuantity("1");
const computed = ["cpu", "memory", "ephemeral-storage"];

/** A pod whose time is over takes no place of its namespace any more: finished, or deleted and past its grace. */
export function countsStill(pod: Pod, now: number): boolean {
  const phase = pod.status?.phase;
  if (phase === "Succeeded" || phase === "Failed") return false;
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata ?? {};
  if (!deletionTimestamp || deletionGracePeriodSeconds === undefined) return true;
  return now <= Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000;
}

export function addPodUsage(usage: Usage, pod: Pod): void {
  usage.set("pods", one);
  for (const [name, amount] of podResources(pod, "requests", true)) {
    if (computed.includes(name) || name.startsWith("hugepages-")) usage.set(name, amount);
    if (computed.includes(name) || name.startsWith("hugepages-") || isExtended(name)) {
      usage.set(`requests.${name}`, amount);
    }
  }
  for (const [name, amount] of podResources(pod, "limits", true)) {
    if (computed.includes(name)) usage.set(`limits.${name}`, amount);
  }
}

/** A resource that is not Kubernetes' own, or one that stands for a device class (KEP-5004). */
function isExtended(name: string): boolean {
  if (name.startsWith("requests.")) return false;
  return !isNative(name) || name.startsWith("deviceclass.resource.kubernetes.io/");
}

export const isNative = (name: string): boolean => !name.includes("/") || name.includes("kubernetes.io/");

/**
 * Containers run together, init containers one after the other beside the restartable ones before them (KEP-753).
 * `live`: a container under resize counts with the most of what is wanted, promised and had (KEP-1287).
 */
export function podResources(pod: Pod, what: List, live = false): Usage {
  const { containers = [], initContainers = [], overhead, resources } = pod.spec ?? {};
  const sum: Usage = new Map();
  const peak: Usage = new Map();
  const beside: Usage = new Map();
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  const statuses = live ? [...containerStatuses, ...initContainerStatuses] : [];
  const of = (container: Container): Amounts => {
    const wanted = container.resources?.[what] ?? {};
    const status = statuses.find((each) => each.name === container.name);
    return status?.resources ? underResize(pod, wanted, status, what) : wanted;
  };
  for (const container of containers) add(sum, of(container));
  for (const container of initContainers) {
    const restartable = container.restartPolicy === "Always";
    const now = new Map(beside);
    const amounts = restartable ? of(container) : (container.resources?.[what] ?? {});
    add(now, amounts);
    for (const [name, amount] of now) raise(peak, name, amount);
    if (restartable) {
      add(sum, amounts);
      add(beside, amounts);
    }
  }
  for (const [name, amount] of peak) raise(sum, name, amount);
  // What is said of the whole pod stands above its containers (KEP-2837).
  for (const [name, amount] of Object.entries(resources?.[what] ?? {})) {
    if (ofWholePod(name)) sum.set(name, parseQuantity(amount));
  }
  for (const [name, amount] of Object.entries(overhead ?? {})) {
    const known = sum.get(name);
    if (what === "requests" || (known && known.nanos !== 0n)) add(sum, { [name]: amount });
  }
  return sum;
}

export const ofWholePod = (name: string): boolean =>
  name === "cpu" || name === "memory" || name.startsWith("hugepages-");

function underResize(pod: Pod, wanted: Amounts, status: ContainerStatus, what: List): Amounts {
  const had = status.resources?.[what] ?? {};
  const promised = what === "requests" ? (status.allocatedResources ?? {}) : {};
  const pending = pod.status?.conditions?.find((each) => each.type === "PodResizePending");
  const lists = pending?.reason === "Infeasible" ? [had, promised] : [wanted, had, promised];
  const most: Record<string, string> = {};
  for (const [name, amount] of lists.flatMap((each) => Object.entries(each))) {
    const known = most[name];
    if (known === undefined || compareQuantity(known, amount) < 0) most[name] = amount;
  }
  return most;
}

function add(usage: Usage, more: Amounts): void {
  for (const [name, amount] of Object.entries(more)) {
    const known = usage.get(name);
    usage.set(name, known ? addQuantity(known, amount) : parseQuantity(amount));
  }
}

function raise(usage: Usage, name: string, amount: Quantity): void {
  const known = usage.get(name);
  if (!known || compareQuantity(known, amount) < 0) usage.set(name, amount);
}
