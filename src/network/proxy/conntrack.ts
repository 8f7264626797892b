import { spawn } from "node:child_process";
import type { ServicePort } from "./service-model.ts";

/**
 * UDP has no connections, but the kernel remembers where it sent a client's datagrams. When that endpoint goes, or a
 * Service that had none gets its first, what is remembered is wrong and must be forgotten.
 */
export interface StaleFlow {
  /** What the client asks for. Undefined with a node port: any address of the node. */
  address: string | undefined;
  port: number;
  /** Where it was sent; undefined: anywhere. */
  endpoint: string | undefined;
  family: 4 | 6;
}

export function staleFlows(before: readonly ServicePort[], after: readonly ServicePort[]): StaleFlow[] {
  const now = new Map(after.filter(isUdp).map((port) => [identity(port), port]));
  const old = new Map(before.filter(isUdp).map((port) => [identity(port), port]));
  const flows: StaleFlow[] = [];
  for (const [key, was] of old) {
    const is = now.get(key);
    const kept = new Set(is?.endpoints.map((target) => `${target.address} ${target.port}`));
    for (const { address, port } of was.endpoints) {
      if (!kept.has(`${address} ${port}`)) flows.push(...frontsOf(was, address));
    }
  }
  for (const [key, is] of now) {
    const had = old.get(key)?.endpoints.length ?? 0;
    if (had === 0 && is.endpoints.length > 0) flows.push(...frontsOf(is, undefined));
  }
  return flows;
}

function isUdp(port: ServicePort): boolean {
  return port.protocol === "udp";
}

function identity(port: ServicePort): string {
  return [port.service, port.portName, port.family, port.port, port.nodePort, ...port.clusterIps].join(" ");
}

function frontsOf(port: ServicePort, endpoint: string | undefined): StaleFlow[] {
  const { family } = port;
  const flows: StaleFlow[] = [...port.clusterIps, ...port.loadBalancerIps, ...port.externalIps].map(
    (address) => ({
      address,
      port: port.port,
      endpoint,
      family,
    }),
  );
  if (port.nodePort > 0) flows.push({ address: undefined, port: port.nodePort, endpoint, family });
  return flows;
}

/** Best effort: without the `conntrack` command old flows end by the kernel's own time limit (30 to 120 seconds). */
export async function forgetFlows(flows: readonly StaleFlow[], command = "conntrack"): Promise<void> {
  for (const flow of flows) {
    const args = ["-D", "-p", "udp", "-f", flow.family === 4 ? "ipv4" : "ipv6", "--dport", String(flow.port)];
    if (flow.address) args.push("--orig-dst", flow.address);
    if (flow.endpoint) args.push("--dst-nat", flow.endpoint);
    const started = await new Promise<boolean>((resolve) => {
      const child = spawn(command, args, { stdio: "ignore" });
      child.on("error", () => resolve(false));
      // Exit code 1 says that there was no such flow.
      child.on("close", () => resolve(true));
    });
    if (!started) return;
  }
}
