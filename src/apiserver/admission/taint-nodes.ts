import type { Node } from "../../api/index.ts";
import type { AdmissionPlugin } from "./chain.ts";

const notReady = "node.kubernetes.io/not-ready";

/** TaintNodesByCondition: taints new nodes as not ready. */
export const taintNodesByCondition: AdmissionPlugin = {
  name: "TaintNodesByCondition",
  admit({ resource, operation, object, subresource }) {
    if (operation !== "CREATE" || resource.def.kind !== "Node" || resource.def.group !== "" || subresource)
      return;
    const node = object as Node;
    const taints = node.spec?.taints ?? [];
    if (taints.some((taint) => taint.key === notReady && taint.effect === "NoSchedule")) return;
    node.spec = { ...node.spec, taints: [...taints, { key: notReady, effect: "NoSchedule" }] };
  },
};
