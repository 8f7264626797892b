import type { NodeParts } from "./node-parts.ts";

/** Starts what makes this machine a node, or the simulated nodes in its place. Settles at once: the parts start by themselves. */
export async function startNode(parts: NodeParts): Promise<void> {
  if (parts.config.simulatedNodes > 0) {
    const { startSimulatedNodes } = await import("./simulated-nodes.ts");
    startSimulatedNodes(parts);
  } else {
    const { startMachineNode } = await import("./machine-node.ts");
    startMachineNode(parts);
  }
}
