import type { Pod, RuntimeClass, Toleration } from "../../api/index.ts";
import { deepEqual, isPathSegmentName, StatusError } from "../../machinery/index.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./chain.ts";
import type { PluginContext } from "./context.ts";
import { podOf } from "./pod-of.ts";
import { refuse } from "./refuse.ts";

/**
 * RuntimeClass: requires the class that a new pod names, and adds its overhead, node selector and tolerations to the pod
 * (KEP-688).
 */
export function runtimeClass({ caches }: PluginContext): AdmissionPlugin {
  const classOf = (request: AdmissionRequest, pod: Pod): RuntimeClass | undefined => {
    const name = pod.spec?.runtimeClassName;
    if (name === undefined) return undefined;
    const wrong = isPathSegmentName(name);
    // An empty name cannot be looked up; Kubernetes answers without a reason.
    if (name === "") throw new StatusError("", "resource name may not be empty");
    if (wrong.length > 0)
      throw new StatusError("", `invalid resource name ${JSON.stringify(name)}: [${wrong.join(" ")}]`);
    const found = caches.get<RuntimeClass>("node.k8s.io", "runtimeclasses", undefined, name);
    if (!found) throw refuse(request, `pod rejected: RuntimeClass "${name}" not found`);
    return found;
  };
  const newPod = (request: AdmissionRequest): Pod | undefined =>
    request.operation === "CREATE" ? podOf(request) : undefined;
  return {
    name: "RuntimeClass",
    admit(request) {
      const pod = newPod(request);
      const found = pod && classOf(request, pod);
      if (!pod?.spec || !found) return;
      const { spec } = pod;
      if (found.overhead) {
        const own = spec.overhead ?? {};
        const fixed = found.overhead.podFixed ?? {};
        if (Object.keys(own).length > 0 && !deepEqual(own, fixed)) throw refuse(request, differs);
        spec.overhead = { ...fixed };
      }
      const { nodeSelector = {}, tolerations } = found.scheduling ?? {};
      for (const [key, value] of Object.entries(nodeSelector)) {
        const own = spec.nodeSelector?.[key];
        if (own !== undefined && own !== value) {
          throw refuse(
            request,
            `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`,
          );
        }
        spec.nodeSelector = { ...spec.nodeSelector, [key]: value };
      }
      if (found.scheduling) {
        const merged = mergeTolerations([...(spec.tolerations ?? []), ...(tolerations ?? [])]);
        if (merged.length > 0) spec.tolerations = merged;
      }
    },
    validate(request) {
      const pod = newPod(request);
      if (!pod?.spec) return;
      const found = classOf(request, pod);
      if (found?.overhead) {
        if (!deepEqual(found.overhead.podFixed ?? {}, pod.spec.overhead ?? {}))
          throw refuse(request, differs);
      } else if (pod.spec.overhead) {
        throw refuse(
          request,
          "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead",
        );
      }
    },
  };
}

const differs = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";

/** Removes tolerations that others cover; of equal ones the first stays. */
function mergeTolerations(all: readonly Toleration[]): Toleration[] {
  const merged: Toleration[] = [];
  all.forEach((one, i) => {
    if (merged.some((each) => covers(each, one))) return;
    if (all.slice(i + 1).some((each) => !deepEqual(each, one) && covers(each, one))) return;
    merged.push(one);
  });
  return merged;
}

function covers(wide: Toleration, narrow: Toleration): boolean {
  if (deepEqual(wide, narrow)) return true;
  if (narrow.key !== wide.key && (wide.key || wide.operator !== "Exists")) return false;
  if (narrow.effect !== wide.effect && wide.effect) return false;
  if (wide.effect === "NoExecute" && wide.tolerationSeconds !== undefined) {
    if (narrow.tolerationSeconds === undefined || narrow.tolerationSeconds > wide.tolerationSeconds)
      return false;
  }
  if (wide.operator === "Exists") return true;
  const isEqual = !wide.operator || wide.operator === "Equal";
  return isEqual && narrow.operator === "Equal" && (narrow.value ?? "") === (wide.value ?? "");
}
