import type { Pod, PodSpec, PriorityClass } from "../../api/index.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./chain.ts";
import type { PluginContext } from "./context.ts";
import { refuse } from "./refuse.ts";
import { podOf } from "./pod-of.ts";

const group = "scheduling.k8s.io";
const plural = "priorityclasses";

/** Priority: sets spec.priority and spec.preemptionPolicy from the priority class, and refuses a second default class. */
export function priority({ caches }: PluginContext): AdmissionPlugin {
  /** If a race created several, the one with the lowest value. */
  const defaultClass = (): PriorityClass | undefined =>
    caches
      .list<PriorityClass>(group, plural)
      .filter((each) => each.globalDefault)
      .sort((a, b) => (a.value ?? 0) - (b.value ?? 0))[0];

  return {
    name: "Priority",
    admit(request) {
      const pod = podOf(request);
      if (!pod?.spec) return;
      if (request.operation === "CREATE") prioritize(request, pod);
      else {
        // An update that omits them keeps the values set at creation.
        const old = (request.oldObject as Pod).spec;
        const { priority = old?.priority, preemptionPolicy = old?.preemptionPolicy } = pod.spec;
        if (priority !== pod.spec.priority || preemptionPolicy !== pod.spec.preemptionPolicy)
          pod.spec = { ...pod.spec, priority, preemptionPolicy } as PodSpec;
      }
    },
    validate(request) {
      const { resource, operation, object, subresource } = request;
      if (resource.def.group !== group || resource.def.plural !== plural || subresource !== "") return;
      if (operation !== "CREATE" && operation !== "UPDATE") return;
      const name = object?.metadata?.name ?? "";
      if (!(object as PriorityClass).globalDefault) return;
      const present = defaultClass()?.metadata?.name;
      if (present === undefined || (operation === "UPDATE" && present === name)) return;
      const why = `PriorityClass ${present} is already marked as default. Only one default can exist`;
      throw refuse(request, why);
    },
  };

  function prioritize(request: AdmissionRequest, { spec }: Pod): void {
    if (!spec) return;
    const wanted = spec.priorityClassName;
    const found = wanted ? caches.get<PriorityClass>(group, plural, undefined, wanted) : defaultClass();
    if (wanted && !found) throw refuse(request, `no PriorityClass with name ${wanted} was found`);
    if (found?.metadata?.name) spec.priorityClassName = found.metadata.name;
    const value = found?.value ?? 0;
    const advice = "priority admission controller computed";
    if (spec.priority !== undefined && spec.priority !== value) {
      throw refuse(
        request,
        `the integer value of priority (${spec.priority}) must not be provided in pod spec; ${advice} ${value} from the given PriorityClass name`,
      );
    }
    spec.priority = value;
    const preemption = found ? found.preemptionPolicy : "PreemptLowerPriority";
    if (preemption === undefined) return;
    if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== preemption) {
      throw refuse(
        request,
        `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; ${advice} ${preemption} from the given PriorityClass name`,
      );
    }
    spec.preemptionPolicy = preemption;
  }
}
