/** Names that the API server's own certificate is for. */

/** By this one the cluster's own parts, and kubeconfigs, ask for it where the server has another certificate besides. */
export const ownServerName = "wherry-apiserver";

/** What pods call the server. */
export const namesInPods = (domain: string): string[] => [
  "kubernetes",
  "kubernetes.default",
  "kubernetes.default.svc",
  `kubernetes.default.svc.${domain}`,
];
