/** Names in the API server's own certificate. */

/** The server name of the cluster's own components and kubeconfigs, for when the server has another certificate, too. */
export const ownServerName = "wherry-apiserver";

/** The API server's names in pods. */
export const namesInPods = (domain: string): string[] => [
  "kubernetes",
  "kubernetes.default",
  "kubernetes.default.svc",
  `kubernetes.default.svc.${domain}`,
];
