/** A client certificate's subject: user name and groups. */
export interface Identity {
  commonName: string;
  organizations?: readonly string[];
}

/** Users of the components at the API server, and of the API server at the kubelet. */
export const identities = {
  admin: (): Identity => ({ commonName: "kubernetes-admin", organizations: ["system:masters"] }),
  "controller-manager": (): Identity => ({ commonName: "system:kube-controller-manager" }),
  scheduler: (): Identity => ({ commonName: "system:kube-scheduler" }),
  kubelet: (node: string): Identity => ({
    commonName: `system:node:${node}`,
    organizations: ["system:nodes"],
  }),
  proxy: (): Identity => ({ commonName: "system:kube-proxy" }),
  /** The API server's requests to itself: its loops and the objects of the start. */
  apiserver: (): Identity => ({ commonName: "system:apiserver", organizations: ["system:masters"] }),
  "apiserver-kubelet": (): Identity => ({
    commonName: "kube-apiserver-kubelet-client",
    organizations: ["system:masters"],
  }),
} satisfies Record<string, (node: string) => Identity>;
