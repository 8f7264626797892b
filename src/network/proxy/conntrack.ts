import { spawn } from "node:child_process";
import type { ServicePort } from "./service-model.ts";

/**
 * The kernel tracks UDP flows. When their endpoint is removed, or a Service without endpoints gets its first, stale entries
 * must be deleted.
 */
export interface StaleFlow {
  /** The original destination. Undefined with a node port: any address of the node. */
  address: string | undefined;
  port: number;
  /** The endpoint; undefined: any. */
  endpoint: string | undefined;
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
  const flows: StaleFlow[] = [...port.clusterIps, ...port.loadBalancerIps, ...port.externalIps].map(
    (address) => ({
      address,
      port: port.port,
      endpoint,
    }),
  );
  if (port.nodePort > 0) flows.push({ address: undefined, port: port.nodePort, endpoint });
  return flows;
}

/** Deletes connection tracking entries. */
export type ForgetFlows = (flows: readonly StaleFlow[]) => Promise<void>;

/**
 * By the native helper's `forget-udp`. Best effort: without it, old flows end by the kernel's own timeout (30 to 120 seconds
 * after the last datagram).
 */
export function helperForgets(nativePath: string): ForgetFlows {
  return async (flows) => {
    if (flows.length === 0) return;
    const args = flows.map(({ address, port, endpoint }) => `${address ?? "-"},${port},${endpoint ?? "-"}`);
    await new Promise<void>((resolve) => {
      const child = spawn(nativePath, ["forget-udp", ...args], { stdio: "ignore" });
      child.on("error", () => resolve());
      child.on("close", () => resolve());
    });
  };
}
