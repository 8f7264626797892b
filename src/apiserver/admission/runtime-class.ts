import { deepEqual } from "../../machinery/index.ts";
import type { RuntimeClass } from "../../api/index.ts";
import { forbidden } from "../errors.ts";
import type { AdmissionPlugin } from "./chain.ts";
import type { PluginContext } from "./context.ts";
import { podOf } from "./pod-of.ts";

/**
 * RuntimeClass: the class that a new pod names must be there; its overhead becomes the pod's, and where its nodes are
 * (node selector, tolerations) is added to what the pod says (KEP-688).
 */
export function runtimeClass({ caches }: PluginContext): AdmissionPlugin {
  return {
    name: "RuntimeClass",
    admit(request) {
      if (request.operation !== "CREATE") return;
      const pod = podOf(request);
      const spec = pod?.spec;
      if (!spec) return;
      const refuse = (why: string): Error => forbidden(request.resource.def, pod.metadata?.name ?? "", why);
      const name = spec.runtimeClassName;
      if (!name) {
        if (spec.overhead && Object.keys(spec.overhead).length > 0) {
          throw refuse("pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead");
        }
        return;
      }
      const found = caches.get<RuntimeClass>("node.k8s.io", "runtimeclasses", undefined, name);
      if (!found) throw refuse(`pod rejected: RuntimeClass "${name}" not found`);
      const overhead = found.overhead?.podFixed;
      if (spec.overhead && !deepEqual(spec.overhead, overhead ?? {})) {
        throw refuse("pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
      }
      if (overhead) spec.overhead = { ...overhead };
      const { nodeSelector = {}, tolerations = [] } = found.scheduling ?? {};
      for (const [key, value] of Object.entries(nodeSelector)) {
        const own = spec.nodeSelector?.[key];
        if (own !== undefined && own !== value) {
          throw refuse(
            `conflict: pod.spec.nodeSelector[${key}] = ${own}, runtimeClass.scheduling.nodeSelector[${key}] = ${value}`,
          );
        }
        spec.nodeSelector = { ...spec.nodeSelector, [key]: value };
      }
      const missing = tolerations.filter((one) => !spec.tolerations?.some((own) => deepEqual(own, one)));
      if (missing.length > 0) spec.tolerations = [...(spec.tolerations ?? []), ...missing];
    },
  };
}
