import type { Command } from "../command.ts";

export const command: Command = {
  summary: "Shows whether the control plane answers, and with which version.",
  usage: "cluster-info",
  flags: [],
  async run({ session, io }) {
    const version = await session.get<{ gitVersion: string }>("/version");
    const services = await session.get<{ serverAddressByClientCIDRs?: { serverAddress: string }[] }>("/api");
    const address = services.serverAddressByClientCIDRs?.[0]?.serverAddress ?? "the kubeconfig's server";
    io.out(`Kubernetes control plane is running at https://${address} (${version.gitVersion})\n`);
    io.out(`CoreDNS-compatible cluster DNS is at service kube-dns in kube-system\n`);
    return 0;
  },
};
