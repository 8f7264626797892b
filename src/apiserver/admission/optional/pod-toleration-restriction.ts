/** PodTolerationRestriction: the default tolerations of pods of a namespace, and the allowed ones. */
import { type Namespace, qosClass, type Toleration, validateTolerations } from "../../../api/index.ts";
import { type FieldError, StatusError } from "../../../machinery/index.ts";
import { notFound } from "../../errors.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../chain.ts";
import { objectsOf, readConfiguration } from "../config/plugin-configuration.ts";
import type { PluginContext } from "../context.ts";
import { podOf } from "../pod-of.ts";
import { allTolerated, mergeTolerations, readTolerations } from "./tolerations.ts";

const defaults = "scheduler.alpha.kubernetes.io/defaultTolerations";
const whitelist = "scheduler.alpha.kubernetes.io/tolerationsWhitelist";

/** Added to pods that have requests or limits. */
const memoryPressure: Toleration = {
  key: "node.kubernetes.io/memory-pressure",
  operator: "Exists",
  effect: "NoSchedule",
};

export function podTolerationRestriction({ caches, configuration }: PluginContext): AdmissionPlugin {
  const cluster = clusterTolerations(configuration?.get("PodTolerationRestriction"));
  const ofNamespace = (name: string, annotation: string): readonly Toleration[] | undefined => {
    const namespace = caches.get<Namespace>("", "namespaces", undefined, name);
    if (!namespace) throw notFound({ group: "", kind: "Namespace", plural: "namespaces" }, name);
    const text = namespace.metadata?.annotations?.[annotation];
    return text === undefined ? undefined : readTolerations(text);
  };
  const judge = ({ namespace }: AdmissionRequest, tolerations: readonly Toleration[]): void => {
    if (tolerations.length === 0) return;
    const own = ofNamespace(namespace, whitelist);
    if (allTolerated(tolerations, own ?? cluster.whitelist)) return;
    throw new StatusError(
      "",
      `pod tolerations (possibly merged with namespace default tolerations) conflict with its ${own ? "namespace" : "cluster"} whitelist`,
    );
  };
  return {
    name: "PodTolerationRestriction",
    admit(request) {
      const pod = concerned(request);
      if (!pod?.spec) return;
      const added =
        request.operation === "CREATE" ? (ofNamespace(request.namespace, defaults) ?? cluster.default) : [];
      const all =
        (pod.status?.qosClass ?? qosClass(pod)) === "BestEffort" ? added : [...added, memoryPressure];
      const before = pod.spec.tolerations ?? [];
      const tolerations = all.length > 0 ? mergeTolerations(before, all) : before;
      // Copied, since the spec may be shared with the stored pod.
      if (all.length > 0) pod.spec = { ...pod.spec, tolerations };
      judge(request, tolerations);
    },
    validate(request) {
      const pod = concerned(request);
      if (pod) judge(request, pod.spec?.tolerations ?? []);
    },
  };
}

const concerned = (request: AdmissionRequest): ReturnType<typeof podOf> =>
  request.operation === "CREATE" || request.operation === "UPDATE" ? podOf(request) : undefined;

/** Throws an Error with the mistake. */
function clusterTolerations(value: unknown): { default: Toleration[]; whitelist: Toleration[] } {
  const document = readConfiguration(value, "podtolerationrestriction.admission.k8s.io/v1alpha1") ?? {};
  const mistakes: FieldError[] = [];
  const read = (name: string): Toleration[] => {
    const list = objectsOf(document, name) as Toleration[];
    validateTolerations(list, `podtolerationrestriction.${name}`, mistakes);
    return list;
  };
  const told = { default: read("default"), whitelist: read("whitelist") };
  if (mistakes.length === 0) return told;
  const shown = mistakes.map(({ field, message }) => `${field}: ${message}`);
  throw new Error(`invalid config: [${shown.join(" ")}]`);
}
