import type { ClusterConfig } from "../config/cluster-config.ts";
import type { ClusterCertificates } from "../pki/cluster-certificates.ts";
import type { ControlPlane } from "./control-plane.ts";
import type { Supervisor } from "./supervisor.ts";

export interface NodeParts {
  config: ClusterConfig;
  certificates: ClusterCertificates;
  controlPlane: ControlPlane;
  supervisor: Supervisor;
}

/** Starts what makes this machine a node, or the simulated nodes in its place. Settles at once: the parts start by themselves. */
export async function startNode(parts: NodeParts): Promise<void> {
  if (parts.config.simulatedNodes > 0) {
    const { startSimulatedNodes } = await import("./simulated-nodes.ts");
    startSimulatedNodes(parts);
  }
}
