import { portsConflict } from "../pod-info.ts";
import type { FilterPlugin } from "../plugin.ts";

/** A host port can be used by one pod per node; 0.0.0.0 conflicts with every address. */
export const nodePorts: FilterPlugin = {
  name: "NodePorts",
  wakesOn: ["NodeAdd", "PodDelete"],
  prepare(pod) {
    if (pod.ports.length === 0) return undefined;
    return (node) => {
      const used = node.usedPorts;
      const taken = pod.ports.some((wanted) => used.some((port) => portsConflict(wanted, port)));
      return taken
        ? { reasons: ["node(s) didn't have free ports for the requested pod ports"], curable: true }
        : undefined;
    };
  },
};
