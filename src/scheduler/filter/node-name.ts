import type { FilterPlugin } from "../plugin.ts";

/** A pod with a node name fits only that node. */
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
