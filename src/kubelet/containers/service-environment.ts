import type { Service } from "../../api/index.ts";

/**
 * Service variables: `NAME_SERVICE_HOST`, `NAME_SERVICE_PORT[_PORTNAME]` and the older Docker links `NAME_PORT_80_TCP...`.
 * `kubernetes` of the default namespace is always included; the Services of the pod's namespace with `links`
 * (enableServiceLinks).
 */
export function serviceEnvironment(
  services: readonly Service[],
  namespace: string,
  links: boolean,
): Map<string, string> {
  const chosen = new Map<string, Service>();
  for (const service of services) {
    const name = service.metadata?.name ?? "";
    const own = service.metadata?.namespace === namespace;
    const master = service.metadata?.namespace === "default" && name === "kubernetes";
    const ip = service.spec?.clusterIP;
    if (!ip || ip === "None") continue;
    if (own && (links || master)) chosen.set(name, service);
    else if (master && !chosen.has(name)) chosen.set(name, service);
  }
  const env = new Map<string, string>();
  for (const name of [...chosen.keys()].sort()) addService(env, name, chosen.get(name) as Service);
  return env;
}

function addService(env: Map<string, string>, name: string, service: Service): void {
  const prefix = variableName(name);
  const ip = service.spec?.clusterIP ?? "";
  const host = ip.includes(":") ? `[${ip}]` : ip;
  const ports = service.spec?.ports ?? [];
  const first = ports[0];
  env.set(`${prefix}_SERVICE_HOST`, ip);
  if (!first) return;
  env.set(`${prefix}_SERVICE_PORT`, String(first.port));
  for (const port of ports) {
    if (port.name) env.set(`${prefix}_SERVICE_PORT_${variableName(port.name)}`, String(port.port));
  }
  for (const [index, port] of ports.entries()) {
    const protocol = port.protocol ?? "TCP";
    const link = `${prefix}_PORT_${port.port}_${protocol}`;
    const url = `${protocol.toLowerCase()}://${host}:${port.port}`;
    if (index === 0) env.set(`${prefix}_PORT`, url);
    env.set(link, url);
    env.set(`${link}_PROTO`, protocol.toLowerCase());
    env.set(`${link}_PORT`, String(port.port));
    env.set(`${link}_ADDR`, ip);
  }
}

function variableName(name: string): string {
  return name.replaceAll("-", "_").toUpperCase();
}
