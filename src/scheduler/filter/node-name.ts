import type { FilterPlugin } from "../plugin.ts";

/** A pod that names its node takes no other. */
export const nodeName: FilterPlugin = {
  name: "NodeName",
  wakesOn: ["NodeAdd"],
  prepare(pod) {
    const wanted = pod.pod.spec?.nodeName;
    if (!wanted) return undefined;
    return (node) =>
      node.name === wanted
        ? undefined
        : { reasons: ["node(s) didn't match the requested node name"], curable: false };
  },
};
