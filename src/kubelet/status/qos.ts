import type { Container, Pod } from "../../api/index.ts";
import { compareQuantity, milliValue } from "../../machinery/index.ts";
import { initContainers, mainContainers } from "../pods/pod-key.ts";

export type QosClass = "Guaranteed" | "Burstable" | "BestEffort";

/** The QoS class by cpu and memory of all containers, including init containers. */
export function qosClass(pod: Pod): QosClass {
  const podLevel = pod.spec?.resources;
  const sets =
    podLevel?.requests || podLevel?.limits ? [podLevel] : containersOf(pod).map((c) => c.resources);
  let any = false;
  let guaranteed = true;
  for (const resources of sets) {
    for (const name of ["cpu", "memory"]) {
      const limit = resources?.limits?.[name];
      const request = resources?.requests?.[name] ?? limit;
      if (positive(limit) || positive(request)) any = true;
      if (!positive(limit) || request === undefined || compareQuantity(request, limit ?? "0") !== 0) {
        guaranteed = false;
      }
    }
  }
  if (!any) return "BestEffort";
  return guaranteed ? "Guaranteed" : "Burstable";
}

function containersOf(pod: Pod): Container[] {
  return [...initContainers(pod), ...mainContainers(pod)];
}

function positive(value: string | undefined): boolean {
  return value !== undefined && milliValue(value) > 0;
}
