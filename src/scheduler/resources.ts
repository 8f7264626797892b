import type { Container, Pod, ResourceRequirements } from "../api/index.ts";
import { milliValue, quantityValue } from "../machinery/index.ts";

/** Amounts by resource name: cpu in thousandths of a core, everything else in whole units (bytes, pieces). */
export type Resources = Map<string, number>;

/** Assumed requests of containers without any, for scores (never for filters). */
const assumedCpu = 100;
const assumedMemory = 200 * 1024 * 1024;

export function parseResources(list: Record<string, string> | undefined): Resources {
  const out: Resources = new Map();
  for (const [name, amount] of Object.entries(list ?? {})) {
    out.set(name, name === "cpu" ? milliValue(amount) : quantityValue(amount));
  }
  return out;
}

export function addResources(to: Resources, more: Resources, sign: 1 | -1 = 1): void {
  for (const [name, amount] of more) {
    const sum = (to.get(name) ?? 0) + sign * amount;
    if (sum === 0) to.delete(name);
    else to.set(name, sum);
  }
}

function raiseTo(to: Resources, floor: Resources): void {
  for (const [name, amount] of floor) if (amount > (to.get(name) ?? 0)) to.set(name, amount);
}

/**
 * The resources a pod needs on a node. Init containers run one after another, so the largest counts; a restartable one
 * (sidecar, KEP-753) keeps running and adds to all that start after it; pod-level requests (KEP-2837) replace the sum; overhead
 * (KEP-688) is added.
 */
export function podRequests(pod: Pod): Resources {
  return totalRequests(pod, (container) => containerRequests(pod, container));
}

/** Likewise, with assumed requests for containers without any, for scores (LeastAllocated). */
export function podScoringRequests(pod: Pod): Resources {
  return totalRequests(pod, (container) => {
    const requests = containerRequests(pod, container);
    if (!requests.has("cpu")) requests.set("cpu", assumedCpu);
    if (!requests.has("memory")) requests.set("memory", assumedMemory);
    return requests;
  });
}

function totalRequests(pod: Pod, requestsOf: (container: Container) => Resources): Resources {
  const total: Resources = new Map();
  for (const container of pod.spec?.containers ?? []) addResources(total, requestsOf(container));
  const sidecars: Resources = new Map();
  const initPeak: Resources = new Map();
  for (const container of pod.spec?.initContainers ?? []) {
    const requests = requestsOf(container);
    if (container.restartPolicy === "Always") {
      addResources(total, requests);
      addResources(sidecars, requests);
      raiseTo(initPeak, sidecars);
    } else {
      addResources(requests, sidecars);
      raiseTo(initPeak, requests);
    }
  }
  raiseTo(total, initPeak);
  for (const [name, amount] of parseResources(pod.spec?.resources?.requests)) total.set(name, amount);
  addResources(total, parseResources(pod.spec?.overhead));
  return total;
}

/** In-place resize (KEP-1287): until the kubelet has applied it, the larger of desired and actual requests counts. */
function containerRequests(pod: Pod, container: Container): Resources {
  const wanted = parseResources(container.resources?.requests);
  const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
  const given: ResourceRequirements | undefined = statuses.find((s) => s.name === container.name)?.resources;
  if (given?.requests) raiseTo(wanted, parseResources(given.requests));
  return wanted;
}
