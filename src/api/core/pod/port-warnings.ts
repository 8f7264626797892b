import type { Container, ContainerPort } from "../../generated/types.ts";

interface Seen {
  at: string;
  port: ContainerPort;
}

/** Duplicate and conflicting ports of a pod's containers. `path`: of the pod, with a dot. */
export function portWarnings(path: string, containers: readonly (readonly [Container, string])[]): string[] {
  const warnings: string[] = [];
  const byNumber = new Map<string, Seen[]>();
  const byName = new Map<string, string>();
  const all = containers.flatMap(([{ ports = [] }, where]) =>
    ports.map((port, i): Seen => ({ port, at: `${path}${where}.ports[${i}]` })),
  );
  for (const { port, at } of all) {
    const { hostIP = "", hostPort = 0, containerPort, protocol = "TCP" } = port;
    if (hostIP !== "" && hostPort === 0) {
      const shown = `{Name:${port.name ?? ""} HostPort:0 ContainerPort:${containerPort} Protocol:${protocol} HostIP:${hostIP}}`;
      warnings.push(`${at}: hostIP set without hostPort: ${shown}`);
    }
    const key = `${containerPort}/${protocol}`;
    const others = byNumber.get(key) ?? [];
    for (const other of others) {
      const { hostIP: otherIP = "", hostPort: otherPort = 0 } = other.port;
      if (hostIP === otherIP && hostPort === otherPort) {
        warnings.push(`${at}: duplicate port definition with ${other.at}`);
      } else if (hostPort === 0 || otherPort === 0) {
        warnings.push(`${at}: overlapping port definition with ${other.at}`);
      } else if (hostPort === otherPort && (hostIP === "") !== (otherIP === "")) {
        warnings.push(`${at}: dangerously ambiguous port definition with ${other.at}`);
      }
    }
    byNumber.set(key, [...others, { port, at }]);
  }
  for (const { port, at } of all) {
    if (!port.name) continue;
    const other = byName.get(port.name);
    if (other === undefined) byName.set(port.name, at);
    else {
      warnings.push(
        `${at}: duplicate port name ${JSON.stringify(port.name)} with ${other}, services and probes that select ports by name will use ${other}`,
      );
    }
  }
  return warnings;
}
