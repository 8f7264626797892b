/** The QoS class of a pod: Guaranteed, Burstable or BestEffort. */
import { compareQuantity } from "../../../machinery/index.ts";
import type { Pod, ResourceRequirements } from "../../generated/types.ts";

const counted = ["cpu", "memory"] as const;
const positive = (value: string | undefined): value is string =>
  value !== undefined && compareQuantity(value, "0") > 0;

/** By cpu and memory of all containers, or pod-level resources. */
export function qosClass(pod: Pod): "Guaranteed" | "Burstable" | "BestEffort" {
  const spec = pod.spec;
  const all: (ResourceRequirements | undefined)[] = spec?.resources
    ? [spec.resources]
    : [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].map((container) => container.resources);
  let some = false;
  let guaranteed = all.length > 0;
  for (const resources of all) {
    for (const name of counted) {
      const limit = resources?.limits?.[name];
      const request = resources?.requests?.[name] ?? limit;
      if (positive(limit) || positive(request)) some = true;
      if (!positive(limit) || !positive(request) || compareQuantity(limit, request) !== 0) guaranteed = false;
    }
  }
  if (!some) return "BestEffort";
  return guaranteed ? "Guaranteed" : "Burstable";
}
