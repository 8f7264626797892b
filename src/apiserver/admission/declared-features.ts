/** NodeDeclaredFeatureValidator: refuses changes of a running pod that need features its node does not declare (KEP-5328). */
import type { Container, Node, Pod } from "../../api/index.ts";
import { deepEqual } from "../../machinery/index.ts";
import type { AdmissionPlugin } from "./chain.ts";
import type { PluginContext } from "./context.ts";
import { refuse } from "./refuse.ts";

const isSidecar = ({ restartPolicy }: Container): boolean => restartPolicy === "Always";

/** Features that changes require, in the order of their messages. */
const features: readonly { name: string; needed(now: Pod, before: Pod): boolean }[] = [
  {
    name: "InPlacePodLevelResourcesVerticalScaling",
    needed: (now, before) => !deepEqual(now.spec?.resources ?? {}, before.spec?.resources ?? {}),
  },
  {
    name: "InPlacePodVerticalScalingInitContainers",
    needed: (now, before) =>
      (before.spec?.initContainers ?? []).some(
        (container, i) =>
          !isSidecar(container) &&
          !deepEqual(container.resources ?? {}, now.spec?.initContainers?.[i]?.resources ?? {}),
      ),
  },
];

export function nodeDeclaredFeatures({ caches }: PluginContext): AdmissionPlugin {
  return {
    name: "NodeDeclaredFeatureValidator",
    validate(request) {
      const { resource, operation, subresource } = request;
      if (operation !== "UPDATE" || resource.def.group !== "" || resource.def.kind !== "Pod") return;
      if (subresource !== "" && subresource !== "resize") return;
      const [now, before] = [request.object as Pod, request.oldObject as Pod];
      const nodeName = now.spec?.nodeName;
      if (!nodeName || now.metadata?.generation === before.metadata?.generation) return;
      const needed = features.filter((feature) => feature.needed(now, before)).map(({ name }) => name);
      if (needed.length === 0) return;
      const node = caches.get<Node>("", "nodes", undefined, nodeName);
      if (!node) throw refuse(request, `node ${JSON.stringify(nodeName)} not found`);
      const lacking = needed.filter((name) => !node.status?.declaredFeatures?.includes(name));
      if (lacking.length === 0) return;
      throw refuse(
        request,
        `pod update requires features ${lacking.join(", ")} which are not available on node ${JSON.stringify(nodeName)}`,
      );
    },
  };
}
