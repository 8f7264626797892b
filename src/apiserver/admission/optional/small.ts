/** Small plugins of Kubernetes that are off by default. */
import { isExtended, type Pod, type Service, type Toleration } from "../../../api/index.ts";
import { forbidden, notFound } from "../../errors.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../chain.ts";
import type { PluginContext } from "../context.ts";
import { podOf } from "../pod-of.ts";
import { refuse } from "../refuse.ts";

/** AlwaysDeny: refuses every write, deletion and connection. */
export const alwaysDeny: AdmissionPlugin = {
  name: "AlwaysDeny",
  connects: true,
  admit: deny,
  validate: deny,
};

function deny(request: AdmissionRequest): never {
  throw refuse(request, "admission control is denying all modifications");
}

/** DenyServiceExternalIPs: refuses new external addresses of Services (CVE-2020-8554). */
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

/** ExtendedResourceToleration: adds tolerations for the taints of nodes with the extended resources a pod requests. */
export const extendedResourceToleration: AdmissionPlugin = {
  name: "ExtendedResourceToleration",
  admit(request) {
    const pod = podOf(request);
    const { spec } = pod ?? {};
    if (!pod || !spec || request.operation === "DELETE") return;
    const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
    const names = containers
      .flatMap((each) => Object.keys(each.resources?.requests ?? {}))
      .filter(isExtended);
    const before = spec.tolerations ?? [];
    const tolerations = [...new Set(names)].sort().reduce(tolerating, before);
    // Copied, since the spec may be shared with the stored pod.
    if (tolerations !== before) pod.spec = { ...spec, tolerations };
  },
};

/** Adds a toleration of all taints with this key; replaces one that differs only in its time. */
function tolerating(before: Toleration[], key: string): Toleration[] {
  const added: Toleration = { key, operator: "Exists", effect: "NoSchedule" };
  const isLike = (each: Toleration): boolean =>
    each.key === key && each.effect === added.effect && each.operator === added.operator && !each.value;
  if (before.some((each) => isLike(each) && each.tolerationSeconds === undefined)) return before;
  return before.some(isLike) ? before.map((each) => (isLike(each) ? added : each)) : [...before, added];
}

/** LimitPodHardAntiAffinityTopology: allows required anti-affinity only with the hostname as topology. */
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

/** NamespaceExists: refuses writes and deletions in missing namespaces. */
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
