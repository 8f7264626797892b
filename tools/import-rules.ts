/** Who may import whom below src/, as data. A change here needs a reason beside the line. */
export interface ImportRule {
  may: readonly string[];
  why: string;
}

const parts = "parts reach the cluster's state only through the API";

export const importRules: Readonly<Record<string, ImportRule>> = {
  machinery: { may: [], why: "pure functions and ports that everybody uses" },
  api: { may: ["machinery"], why: "no I/O: the dashboard loads it in a browser" },
  cri: { may: ["machinery"], why: "a contract knows no implementation" },
  store: { may: ["machinery"], why: "knows bytes, not kinds" },
  linux: { may: ["machinery"], why: "knows the kernel, not Kubernetes" },
  client: { may: ["api", "machinery"], why: "must not know the server, not even its types" },
  apiserver: { may: ["api", "store", "machinery", "client"], why: "client is for its own loops only" },
  controllers: { may: ["client", "api", "machinery"], why: parts },
  scheduler: { may: ["client", "api", "machinery"], why: parts },
  kubelet: {
    may: ["client", "api", "machinery", "cri", "linux"],
    why: `${parts}; a runtime is known only as cri`,
  },
  // cri: network/cni implements the CNI contract that stands beside the CRI contract.
  network: { may: ["client", "api", "machinery", "linux", "cri"], why: parts },
  runtime: { may: ["machinery", "linux"], why: "knows no pods and no images" },
  containers: {
    may: ["cri", "runtime", "machinery", "linux"],
    why: "reaches the network through the CNI contract",
  },
  dashboard: { may: ["api"], why: "runs in a browser" },
  cluster: {
    may: [
      "machinery",
      "api",
      "cri",
      "store",
      "linux",
      "client",
      "apiserver",
      "controllers",
      "scheduler",
      "kubelet",
      "network",
      "runtime",
      "containers",
      "dashboard",
    ],
    why: "composition",
  },
  // containers: `wherry image` works on the image store without a cluster.
  cli: {
    may: ["cluster", "client", "api", "machinery", "containers"],
    why: "all work is done by client and cluster",
  },
  testing: {
    may: ["machinery", "api", "cri", "store", "linux", "client", "apiserver", "cluster"],
    why: "imported by tests alone",
  },
};
