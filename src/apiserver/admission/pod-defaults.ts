import type { Pod, PriorityClass, Toleration } from "../../api/index.ts";
import { forbidden } from "../errors.ts";
import type { AdmissionPlugin } from "./chain.ts";
import { podOf } from "./pod-of.ts";
import type { PluginContext } from "./context.ts";

const unreachableSeconds = 300;

/** Pods stay five minutes on a node that is not ready or not reachable, unless they say otherwise. */
export const defaultTolerationSeconds: AdmissionPlugin = {
  name: "DefaultTolerationSeconds",
  admit(request) {
    const spec = podOf(request)?.spec;
    if (!spec) return;
    const tolerations = spec.tolerations ?? [];
    const tolerates = (key: string): boolean =>
      tolerations.some(
        (each) => (!each.key || each.key === key) && (!each.effect || each.effect === "NoExecute"),
      );
    const added: Toleration[] = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]
      .filter((key) => !tolerates(key))
      .map((key) => ({
        key,
        operator: "Exists",
        effect: "NoExecute",
        tolerationSeconds: unreachableSeconds,
      }));
    if (added.length > 0) spec.tolerations = [...tolerations, ...added];
  },
};

/** spec.priority follows from the priority class. */
export function priority({ caches }: PluginContext): AdmissionPlugin {
  return {
    name: "Priority",
    admit(request) {
      const pod = podOf(request);
      if (!pod?.spec) return;
      const { spec } = pod;
      if (request.operation !== "CREATE") {
        // Whoever leaves them out keeps what admission has once given.
        const old = (request.oldObject as Pod).spec;
        spec.priority ??= old?.priority;
        spec.preemptionPolicy ??= old?.preemptionPolicy;
        return;
      }
      let value = 0;
      let preemption: string | undefined;
      let found: PriorityClass | undefined;
      if (spec.priorityClassName) {
        found = caches.get<PriorityClass>(
          "scheduling.k8s.io",
          "priorityclasses",
          undefined,
          spec.priorityClassName,
        );
        if (!found) {
          throw forbidden(
            request.resource.def,
            pod.metadata?.name ?? "",
            `no PriorityClass with name ${spec.priorityClassName} was found`,
          );
        }
      } else {
        found = caches
          .list<PriorityClass>("scheduling.k8s.io", "priorityclasses")
          .filter((each) => each.globalDefault)
          .sort((a, b) => (a.value ?? 0) - (b.value ?? 0))[0];
        if (found?.metadata?.name) spec.priorityClassName = found.metadata.name;
      }
      if (found) {
        value = found.value ?? 0;
        preemption = found.preemptionPolicy;
      }
      if (spec.priority !== undefined && spec.priority !== value) {
        throw forbidden(
          request.resource.def,
          pod.metadata?.name ?? "",
          `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
        );
      }
      spec.priority = value;
      spec.preemptionPolicy ??= preemption ?? "PreemptLowerPriority";
    },
  };
}
