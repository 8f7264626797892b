import type { ClusterConfig } from "../config/cluster-config.ts";
import type { ClusterCertificates } from "../pki/cluster-certificates.ts";
import type { ControlPlane } from "./control-plane.ts";
import type { Supervisor } from "./supervisor.ts";

/** Starts what makes this machine a node. */
export async function startNode(
  _config: ClusterConfig,
  _certificates: ClusterCertificates,
  _controlPlane: ControlPlane,
  _supervisor: Supervisor,
): Promise<{ close(): Promise<void> }> {
  return { close: async () => {} };
}
