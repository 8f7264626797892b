import type { FilterPlugin } from "../plugin.ts";

const standard = ["cpu", "memory", "ephemeral-storage"];

/** Requests of the node's pods and this one against the node's allocatable resources. */
export const nodeResourcesFit: FilterPlugin = {
  name: "NodeResourcesFit",
  wakesOn: ["NodeAdd", "NodeAllocatable", "PodDelete"],
  prepare(pod) {
    const extended = [...pod.requests.keys()].filter((name) => !standard.includes(name));
    const wanted = [...standard, ...extended].filter((name) => (pod.requests.get(name) ?? 0) > 0);
    return (node) => {
      const reasons: string[] = [];
      // More than the node has at all: preemption does not help.
      let curable = true;
      const allowedPods = node.allocatable.get("pods") ?? 0;
      if (node.pods.size + 1 > allowedPods) {
        reasons.push("Too many pods");
        if (allowedPods < 1) curable = false;
      }
      for (const name of wanted) {
        const amount = pod.requests.get(name) ?? 0;
        const total = node.allocatable.get(name) ?? 0;
        if (amount <= total - (node.requested.get(name) ?? 0)) continue;
        reasons.push(`Insufficient ${name}`);
        if (amount > total) curable = false;
      }
      return reasons.length > 0 ? { reasons, curable } : undefined;
    };
  },
};
