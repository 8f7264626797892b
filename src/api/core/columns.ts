/** Table columns of the other kinds of the core group. */
import {
  ageColumn,
  ago,
  column,
  firstThree,
  labelsText,
  nameColumn,
  quantityText,
  wide,
  workloadColumns,
} from "../columns.ts";
import type { TableColumn } from "../definition.ts";
import type {
  ConfigMap,
  CoreV1Event,
  Endpoints,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  PodTemplate,
  ReplicationController,
  ResourceQuota,
  Secret,
  Service,
} from "../generated/types.ts";

const modes: Record<string, string> = {
  ReadWriteOnce: "RWO",
  ReadOnlyMany: "ROX",
  ReadWriteMany: "RWX",
  ReadWriteOncePod: "RWOP",
};

function accessModes(given: readonly string[] | undefined): string {
  return Object.keys(modes)
    .filter((mode) => given?.includes(mode))
    .map((mode) => modes[mode])
    .join(",");
}

const nodeRolePrefix = "node-role.kubernetes.io/";

function nodeRoles(node: Node): string {
  const roles = new Set<string>();
  for (const [name, value] of Object.entries(node.metadata?.labels ?? {})) {
    if (name.startsWith(nodeRolePrefix) && name !== nodeRolePrefix)
      roles.add(name.slice(nodeRolePrefix.length));
    else if (name === "kubernetes.io/role" && value !== "") roles.add(value);
  }
  return roles.size === 0 ? "<none>" : [...roles].sort().join(",");
}

function nodeStatus(node: Node): string {
  const ready = node.status?.conditions?.find((condition) => condition.type === "Ready");
  const parts = [ready ? (ready.status === "True" ? "Ready" : "NotReady") : "Unknown"];
  if (node.spec?.unschedulable) parts.push("SchedulingDisabled");
  return parts.join(",");
}

const nodeAddress = (node: Node, type: string): string =>
  node.status?.addresses?.find((address) => address.type === type)?.address ?? "<none>";

export const nodeColumns: readonly TableColumn[] = [
  nameColumn,
  column<Node>("Status", "string", nodeStatus),
  column<Node>("Roles", "string", nodeRoles),
  ageColumn,
  column<Node>("Version", "string", (node) => node.status?.nodeInfo?.kubeletVersion ?? ""),
  wide<Node>("Internal-IP", (node) => nodeAddress(node, "InternalIP")),
  wide<Node>("External-IP", (node) => nodeAddress(node, "ExternalIP")),
  wide<Node>("OS-Image", (node) => node.status?.nodeInfo?.osImage || "<unknown>"),
  wide<Node>("Kernel-Version", (node) => {
    const { kernelVersion, architecture } = node.status?.nodeInfo ?? {};
    return `${kernelVersion || "<unknown>"}${architecture ? ` (${architecture})` : ""}`;
  }),
  wide<Node>("Container-Runtime", (node) => node.status?.nodeInfo?.containerRuntimeVersion || "<unknown>"),
];

export const namespaceColumns: readonly TableColumn[] = [
  nameColumn,
  column<Namespace>("Status", "string", (namespace) => namespace.status?.phase ?? ""),
  ageColumn,
];

function externalAddress(service: Service): string {
  const external = service.spec?.externalIPs ?? [];
  switch (service.spec?.type) {
    case "LoadBalancer": {
      const found = (service.status?.loadBalancer?.ingress ?? []).map(
        (each) => each.ip || each.hostname || "",
      );
      const all = [...new Set(found.filter((each) => each !== ""))].sort();
      all.push(...external);
      return all.length === 0 ? "<pending>" : all.join(",");
    }
    case "ExternalName":
      return service.spec.externalName ?? "";
    case "ClusterIP":
    case "NodePort":
      return external.length === 0 ? "<none>" : external.join(",");
    default:
      return "<unknown>";
  }
}

function portsText(service: Service): string {
  const ports = (service.spec?.ports ?? []).map((port) =>
    port.nodePort ? `${port.port}:${port.nodePort}/${port.protocol}` : `${port.port}/${port.protocol}`,
  );
  return ports.length === 0 ? "<none>" : ports.join(",");
}

export const serviceColumns: readonly TableColumn[] = [
  nameColumn,
  column<Service>("Type", "string", (service) => service.spec?.type ?? ""),
  column<Service>("Cluster-IP", "string", (service) => service.spec?.clusterIPs?.[0] ?? "<none>"),
  column<Service>("External-IP", "string", externalAddress),
  column<Service>("Port(s)", "string", portsText),
  ageColumn,
  wide<Service>("Selector", (service) => labelsText(service.spec?.selector)),
];

function endpointsText(endpoints: Endpoints): string {
  if (!endpoints.subsets || endpoints.subsets.length === 0) return "<none>";
  const all: string[] = [];
  for (const subset of endpoints.subsets) {
    const ports = subset.ports?.length ? subset.ports.map((port) => `:${port.port}`) : [""];
    for (const port of ports) {
      for (const { ip } of subset.addresses ?? [])
        all.push(`${port !== "" && ip.includes(":") ? `[${ip}]` : ip}${port}`);
    }
  }
  if (all.length === 0) return "<none>";
  return firstThree(all);
}

export const endpointsColumns: readonly TableColumn[] = [
  nameColumn,
  column<Endpoints>("Endpoints", "string", endpointsText),
  ageColumn,
];

export const configMapColumns: readonly TableColumn[] = [
  nameColumn,
  column<ConfigMap>(
    "Data",
    "string",
    (map) => Object.keys(map.data ?? {}).length + Object.keys(map.binaryData ?? {}).length,
  ),
  ageColumn,
];

export const secretColumns: readonly TableColumn[] = [
  nameColumn,
  column<Secret>("Type", "string", (secret) => secret.type ?? ""),
  column<Secret>("Data", "string", (secret) => Object.keys(secret.data ?? {}).length),
  ageColumn,
];

export const serviceAccountColumns: readonly TableColumn[] = [nameColumn, ageColumn];

const eventLast = (event: CoreV1Event): string | undefined =>
  event.series?.lastObservedTime ?? event.lastTimestamp ?? eventFirst(event);
const eventFirst = (event: CoreV1Event): string | undefined => event.firstTimestamp ?? event.eventTime;

export const eventColumns: readonly TableColumn[] = [
  column<CoreV1Event>("Last Seen", "string", (event, now) => ago(eventLast(event), now)),
  column<CoreV1Event>("Type", "string", (event) => event.type ?? ""),
  column<CoreV1Event>("Reason", "string", (event) => event.reason ?? ""),
  column<CoreV1Event>("Object", "string", (event) => {
    const { kind, name } = event.involvedObject;
    return kind ? `${kind.toLowerCase()}/${name ?? ""}` : (name ?? "");
  }),
  wide<CoreV1Event>("Subobject", (event) => event.involvedObject.fieldPath ?? ""),
  wide<CoreV1Event>("Source", (event) => {
    const component = event.source?.component || event.reportingComponent || "";
    const host = event.source?.host || event.reportingInstance || "";
    return host === "" ? component : `${component}, ${host}`;
  }),
  column<CoreV1Event>("Message", "string", (event) => (event.message ?? "").trim()),
  wide<CoreV1Event>("First Seen", (event, now) => ago(eventFirst(event), now)),
  wide<CoreV1Event>("Count", (event) => event.series?.count ?? (event.count || 1)),
  { ...nameColumn, priority: 1 },
];

export const volumeColumns: readonly TableColumn[] = [
  nameColumn,
  column<PersistentVolume>("Capacity", "string", (volume) =>
    quantityText(volume.spec?.capacity?.["storage"]),
  ),
  column<PersistentVolume>("Access Modes", "string", (volume) => accessModes(volume.spec?.accessModes)),
  column<PersistentVolume>(
    "Reclaim Policy",
    "string",
    (volume) => volume.spec?.persistentVolumeReclaimPolicy ?? "",
  ),
  column<PersistentVolume>("Status", "string", (volume) =>
    volume.metadata?.deletionTimestamp ? "Terminating" : (volume.status?.phase ?? ""),
  ),
  column<PersistentVolume>("Claim", "string", (volume) => {
    const claim = volume.spec?.claimRef;
    return claim ? `${claim.namespace ?? ""}/${claim.name ?? ""}` : "";
  }),
  column<PersistentVolume>("StorageClass", "string", (volume) => volume.spec?.storageClassName ?? ""),
  column<PersistentVolume>(
    "VolumeAttributesClass",
    "string",
    (volume) => volume.spec?.volumeAttributesClassName ?? "<unset>",
  ),
  column<PersistentVolume>("Reason", "string", (volume) => volume.status?.reason ?? ""),
  ageColumn,
  wide<PersistentVolume>("VolumeMode", (volume) => volume.spec?.volumeMode ?? "<unset>"),
];

export const claimColumns: readonly TableColumn[] = [
  nameColumn,
  column<PersistentVolumeClaim>("Status", "string", (claim) =>
    claim.metadata?.deletionTimestamp ? "Terminating" : (claim.status?.phase ?? ""),
  ),
  column<PersistentVolumeClaim>("Volume", "string", (claim) => claim.spec?.volumeName ?? ""),
  column<PersistentVolumeClaim>("Capacity", "string", (claim) =>
    claim.spec?.volumeName ? quantityText(claim.status?.capacity?.["storage"]) : "",
  ),
  column<PersistentVolumeClaim>("Access Modes", "string", (claim) =>
    claim.spec?.volumeName ? accessModes(claim.status?.accessModes) : "",
  ),
  column<PersistentVolumeClaim>("StorageClass", "string", (claim) => claim.spec?.storageClassName ?? ""),
  column<PersistentVolumeClaim>(
    "VolumeAttributesClass",
    "string",
    (claim) => claim.spec?.volumeAttributesClassName ?? "<unset>",
  ),
  ageColumn,
  wide<PersistentVolumeClaim>("VolumeMode", (claim) => claim.spec?.volumeMode ?? "<unset>"),
];

export const podTemplateColumns: readonly TableColumn[] = [
  nameColumn,
  column<PodTemplate>("Containers", "string", (each) =>
    (each.template?.spec?.containers ?? []).map((container) => container.name).join(","),
  ),
  column<PodTemplate>("Images", "string", (each) =>
    (each.template?.spec?.containers ?? []).map((container) => container.image).join(","),
  ),
  column<PodTemplate>("Pod Labels", "string", (each) => labelsText(each.template?.metadata?.labels)),
];

export const replicationControllerColumns: readonly TableColumn[] = [
  nameColumn,
  column<ReplicationController>("Desired", "integer", (each) => each.spec?.replicas ?? 0),
  column<ReplicationController>("Current", "integer", (each) => each.status?.replicas ?? 0),
  column<ReplicationController>("Ready", "integer", (each) => each.status?.readyReplicas ?? 0),
  ageColumn,
  ...workloadColumns<ReplicationController>(
    (each) => each.spec?.template?.spec?.containers,
    (each) => labelsText(each.spec?.selector),
  ),
];

function quotaText(quota: ResourceQuota, limits: boolean): string {
  return Object.entries(quota.status?.hard ?? {})
    .filter(([name]) => name.startsWith("limits.") === limits)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, hard]) => `${name}: ${quantityText(quota.status?.used?.[name])}/${quantityText(hard)}`)
    .join(", ");
}

export const quotaColumns: readonly TableColumn[] = [
  nameColumn,
  column<ResourceQuota>("Request", "string", (quota) => quotaText(quota, false)),
  column<ResourceQuota>("Limit", "string", (quota) => quotaText(quota, true)),
  ageColumn,
];
