import type { ClusterConfig } from "../config/cluster-config.ts";
import type { ClusterCertificates } from "../pki/cluster-certificates.ts";
import type { ControlPlane } from "./control-plane.ts";
import type { Supervisor } from "./supervisor.ts";

/** What a node consists of, and its dependencies. */
export interface NodeParts {
  config: ClusterConfig;
  certificates: ClusterCertificates;
  controlPlane: ControlPlane;
  supervisor: Supervisor;
  /** Called when a node's kubelet runs and the node is Ready. */
  ready(nodeName: string): void;
}
