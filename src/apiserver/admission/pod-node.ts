/** Plugins that depend on the node of a pod: PodTopologyLabels and PodResizeValidator. */
import { type Node, type Pod, quota } from "../../api/index.ts";
import { compareQuantity, milliValue, quantityValue } from "../../machinery/index.ts";
import type { ObjectReader } from "../auth-contract.ts";
import { forbidden } from "../errors.ts";
import type { AdmissionPlugin } from "./chain.ts";
import type { PluginContext } from "./context.ts";
import { podOf } from "./pod-of.ts";

const copied = ["topology.kubernetes.io/zone", "topology.kubernetes.io/region"];

/** The topology labels of a node, for pods that are bound to it (KEP-4742). */
export function topologyLabels(objects: ObjectReader, nodeName: string): Record<string, string> {
  const labels = objects.get<Node>("", "nodes", undefined, nodeName)?.metadata?.labels ?? {};
  return Object.fromEntries(copied.flatMap((key) => (labels[key] === undefined ? [] : [[key, labels[key]]])));
}

/** PodTopologyLabels for pods that are created with a node; for Bindings see subresources/binding.ts. */
export function podTopologyLabels({ caches }: PluginContext): AdmissionPlugin {
  return {
    name: "PodTopologyLabels",
    admit(request) {
      const pod = request.operation === "CREATE" ? podOf(request) : undefined;
      if (!pod?.spec?.nodeName) return;
      const labels = topologyLabels(caches, pod.spec.nodeName);
      if (Object.keys(labels).length === 0) return;
      const metadata = (pod.metadata ??= {});
      metadata.labels = { ...metadata.labels, ...labels };
    },
  };
}

/** PodResizeValidator: refuses a resize beyond the capacity of the node, or on a node that does not support it (KEP-1287). */
export function podResizeValidator({ caches }: PluginContext): AdmissionPlugin {
  return {
    name: "PodResizeValidator",
    validate({ resource, operation, subresource, object, oldObject, name }) {
      const isResize = resource.def.group === "" && resource.def.kind === "Pod" && subresource === "resize";
      if (!isResize || operation !== "UPDATE") return;
      const pod = object as Pod;
      if (!pod.spec?.nodeName || pod.metadata?.generation === oldObject?.metadata?.generation) return;
      const refuse = (why: string, reason?: string): Error => {
        const error = forbidden(resource.def, name, why);
        if (reason && error.details) error.details.causes = [{ reason }];
        return error;
      };
      const node = caches.get<Node>("", "nodes", undefined, pod.spec.nodeName);
      if (!node) throw refuse(`node ${JSON.stringify(pod.spec.nodeName)} not found`);
      const os = node.metadata?.labels?.["kubernetes.io/os"] ?? "linux";
      if (os !== "linux") {
        const why = `pod resize is only supported on linux nodes, node "${node.metadata?.name}" is "${os}"`;
        throw refuse(why, "UnsupportedPlatform");
      }
      const requests = quota.podResources(pod, "requests");
      const lacking = (["cpu", "memory"] as const).flatMap((resourceName) => {
        const wanted = requests.get(resourceName);
        const there = node.status?.allocatable?.[resourceName] ?? "0";
        if (!wanted || compareQuantity(wanted, there) <= 0) return [];
        const measure = resourceName === "cpu" ? milliValue : quantityValue;
        return [`${resourceName}, requested: ${measure(wanted)}, allocatable: ${measure(there)}`];
      });
      if (lacking.length === 0) return;
      throw refuse(`node didn't have enough allocatable resources: ${lacking.join("; ")}`, "NodeCapacity");
    },
  };
}
