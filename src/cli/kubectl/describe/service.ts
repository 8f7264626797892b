import type { EndpointSlice, Service } from "../../../api/index.ts";
import { labelText } from "../print/table.ts";
import { Writer } from "./writer.ts";

export function describeService(service: Service, slices: readonly EndpointSlice[]): Writer {
  const out = new Writer();
  const { metadata = {}, spec, status } = service;
  out.field(0, "Name", metadata.name).field(0, "Namespace", metadata.namespace);
  out.map(0, "Labels", metadata.labels).map(0, "Annotations", metadata.annotations, ": ");
  out.field(0, "Selector", labelText(spec?.selector)).field(0, "Type", spec?.type);
  if (spec?.ipFamilyPolicy) out.field(0, "IP Family Policy", spec.ipFamilyPolicy);
  if (spec?.ipFamilies) out.field(0, "IP Families", spec.ipFamilies.join(","));
  out.field(0, "IP", spec?.clusterIP ?? "").field(0, "IPs", (spec?.clusterIPs ?? []).join(",") || "<none>");
  if (spec?.externalIPs?.length) out.field(0, "External IPs", spec.externalIPs.join(","));
  if (spec?.externalName) out.field(0, "External Name", spec.externalName);
  const ingress = (status?.loadBalancer?.ingress ?? []).map(
    ({ ip, hostname, ipMode }) => (ip ?? hostname ?? "") + (ipMode ? ` (${ipMode})` : ""),
  );
  if (ingress.length > 0) out.field(0, "LoadBalancer Ingress", ingress.join(", "));
  for (const port of spec?.ports ?? []) {
    const name = port.name || "<unset>";
    const protocol = port.protocol ?? "TCP";
    out.line(0, "Port:", name, `${port.port}/${protocol}`);
    out.line(0, "TargetPort:", `${port.targetPort ?? port.port}/${protocol}`);
    if (port.nodePort) out.line(0, "NodePort:", name, `${port.nodePort}/${protocol}`);
    out.line(0, "Endpoints:", endpointsText(slices, port.name ?? ""));
  }
  out.field(0, "Session Affinity", spec?.sessionAffinity);
  if (spec?.externalTrafficPolicy) out.field(0, "External Traffic Policy", spec.externalTrafficPolicy);
  if (spec?.internalTrafficPolicy) out.field(0, "Internal Traffic Policy", spec.internalTrafficPolicy);
  return out;
}

/** The first three ready addresses of a port, and the number of others. */
function endpointsText(slices: readonly EndpointSlice[], portName: string): string {
  const all = slices.flatMap((slice) => {
    const port = (slice.ports ?? []).find((one) => (one.name ?? "") === portName)?.port;
    if (port === undefined) return [];
    return (slice.endpoints ?? [])
      .filter((e) => e.conditions?.ready ?? true)
      .flatMap((e) => e.addresses.map((a) => `${a}:${port}`));
  });
  const more = all.length > 3 ? ` + ${all.length - 3} more...` : "";
  return all.length === 0 ? "" : all.slice(0, 3).join(",") + more;
}
