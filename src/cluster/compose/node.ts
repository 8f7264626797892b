import type { NodeParts } from "./node-parts.ts";

/** Starts this machine as a node, or the simulated nodes instead. Returns at once: the components start by themselves. */
export async function startNode(parts: NodeParts): Promise<void> {
  if (parts.config.simulatedNodes > 0) {
    const { startSimulatedNodes } = await import("./simulated-nodes.ts");
    startSimulatedNodes(parts);
  } else {
    const { startMachineNode } = await import("./machine-node.ts");
    startMachineNode(parts);
  }
}
