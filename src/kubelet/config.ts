/** Configuration of a kubelet. */
export interface KubeletConfig {
  nodeName: string;
  /** The machine's own name if it differs from the node's (several nodes on one machine). */
  hostname?: string;
  /** First is the primary. */
  addresses: { type: "InternalIP" | "Hostname" | "ExternalIP"; address: string }[];
  labels?: Record<string, string>;
  taints?: { key: string; value?: string; effect: string }[];
  /** Used until node.spec.podCIDR is set. */
  podCidr?: string;
  clusterDns: string[];
  clusterDomain: string;
  /** Pods' volumes and files. */
  rootDir: string;
  /** On tmpfs: for secrets. */
  runDir: string;
  /** Containers' logs: `<logDir>/<namespace>_<name>_<uid>/<container>/<n>.log`. */
  logDir: string;
  port: number;
  /** Address of the HTTPS server; all addresses when absent. */
  host?: string;
  /** PEM. Without it there is no HTTPS server (no logs, exec, port-forward). */
  server?: { key: string; cert: string; clientCa: string };
  maxPods?: number;
  reserved?: { milliCpu: number; memoryBytes: number };
  resolvConf?: string;
  /** Overrides the machine's capacity: for simulated nodes. */
  capacity?: { cpus: number; memoryBytes: number };
  simulated?: boolean;
}
