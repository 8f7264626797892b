/** Kubernetes' plugins that are off unless they are asked for, as far as they are a few lines. */
import { isExtended, type Pod, type Service, type Toleration } from "../../../api/index.ts";
import { forbidden, notFound } from "../../errors.ts";
import type { AdmissionPlugin } from "../chain.ts";
import type { PluginContext } from "../context.ts";
import { podOf } from "../pod-of.ts";

/** DenyServiceExternalIPs: Services get no external addresses that they do not have already (CVE-2020-8554). */
export const denyServiceExternalIps: AdmissionPlugin = {
  name: "DenyServiceExternalIPs",
  validate({ resource, subresource, object, oldObject, operation, name }) {
    const { def } = resource;
    if (def.group !== "" || def.plural !== "services" || subresource !== "" || operation === "DELETE") return;
    const before = new Set((oldObject as Service | undefined)?.spec?.externalIPs);
    const asked = (object as Service).spec?.externalIPs ?? [];
    if (asked.every((address) => before.has(address))) return;
    throw forbidden(
      def,
      name || (object?.metadata?.name ?? ""),
      "Use of external IPs is denied by admission control",
    );
  },
};

/** ExtendedResourceToleration: pods tolerate the taints of nodes that are there for the devices they ask for. */
export const extendedResourceToleration: AdmissionPlugin = {
  name: "ExtendedResourceToleration",
  admit(request) {
    const spec = podOf(request)?.spec;
    if (!spec || request.operation === "DELETE") return;
    const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
    const names = containers
      .flatMap((each) => Object.keys(each.resources?.requests ?? {}))
      .filter(isExtended);
    for (const key of [...new Set(names)].sort()) {
      const added: Toleration = { key, operator: "Exists", effect: "NoSchedule" };
      const others = (spec.tolerations ?? []).filter(
        (each) =>
          each.key !== key ||
          each.effect !== "NoSchedule" ||
          each.operator !== "Exists" ||
          (each.value ?? "") !== "",
      );
      spec.tolerations = [...others, added];
    }
  },
};

/** LimitPodHardAntiAffinityTopology: pods keep others away from their node alone. */
export const limitPodHardAntiAffinityTopology: AdmissionPlugin = {
  name: "LimitPodHardAntiAffinityTopology",
  validate(request) {
    if (request.operation === "DELETE") return;
    const pod: Pod | undefined = podOf(request);
    const terms = pod?.spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    const wide = terms.find(({ topologyKey }) => topologyKey !== "kubernetes.io/hostname");
    if (!wide) return;
    const why = `affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey ${wide.topologyKey} but only key kubernetes.io/hostname is allowed`;
    throw forbidden(request.resource.def, pod?.metadata?.name ?? "", why);
  },
};

/** NamespaceExists: nothing is written or deleted in a namespace that is not there. */
export function namespaceExists({ caches }: PluginContext): AdmissionPlugin {
  return {
    name: "NamespaceExists",
    validate({ namespace, resource: { def } }) {
      if (namespace === "" || (def.group === "" && def.kind === "Namespace")) return;
      if (caches.get("", "namespaces", undefined, namespace)) return;
      throw notFound({ group: "", kind: "Namespace", plural: "namespaces" }, namespace);
    },
  };
}
