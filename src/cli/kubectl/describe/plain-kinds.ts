import type {
  ClusterRole,
  ClusterRoleBinding,
  Endpoints,
  EndpointSlice,
  KubeObject,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PriorityClass,
  ServiceAccount,
  StorageClass,
} from "../../../api/index.ts";
import { labelText } from "../print/table.ts";
import { Writer } from "./writer.ts";

const shortModes: Record<string, string> = {
  ReadWriteOnce: "RWO",
  ReadOnlyMany: "ROX",
  ReadWriteMany: "RWX",
  ReadWriteOncePod: "RWOP",
};
const modesText = (modes: readonly string[] | undefined): string =>
  (modes ?? []).map((mode) => shortModes[mode] ?? mode).join(",");
const listText = (texts: readonly string[] | undefined): string => `[${(texts ?? []).join(" ")}]`;

function head(object: KubeObject, out = new Writer()): Writer {
  const { name, namespace, labels, annotations } = object.metadata ?? {};
  out.field(0, "Name", name);
  if (namespace !== undefined) out.field(0, "Namespace", namespace);
  return out.map(0, "Labels", labels).map(0, "Annotations", annotations, ": ");
}

export function describeNamespace(object: KubeObject & { status?: { phase?: string } }): Writer {
  const out = head(object).field(0, "Status", object.status?.phase);
  return out.line(0, "").line(0, "No resource quota.").line(0, "").line(0, "No LimitRange resource.");
}

export function describeClaim(claim: PersistentVolumeClaim, pods: readonly Pod[]): Writer {
  const { metadata = {}, spec, status } = claim;
  const out = new Writer();
  out.field(0, "Name", metadata.name).field(0, "Namespace", metadata.namespace);
  out.field(0, "StorageClass", spec?.storageClassName ?? "");
  out.field(
    0,
    "Status",
    metadata.deletionTimestamp ? `Terminating (since ${metadata.deletionTimestamp})` : status?.phase,
  );
  out.field(0, "Volume", spec?.volumeName ?? "");
  out.map(0, "Labels", metadata.labels).map(0, "Annotations", metadata.annotations, ": ");
  out.field(0, "Finalizers", listText(metadata.finalizers));
  out.field(0, "Capacity", spec?.volumeName ? (status?.capacity?.["storage"] ?? "") : "");
  out.field(0, "Access Modes", spec?.volumeName ? modesText(status?.accessModes) : "");
  if (spec?.volumeMode) out.field(0, "VolumeMode", spec.volumeMode);
  const users = pods.filter((pod) =>
    pod.spec?.volumes?.some((volume) => volume.persistentVolumeClaim?.claimName === metadata.name),
  );
  return out.field(0, "Used By", users.map((pod) => pod.metadata?.name).join("\n") || "<none>");
}

export function describeVolume(volume: PersistentVolume): Writer {
  const { metadata = {}, spec, status } = volume;
  const out = new Writer();
  out.field(0, "Name", metadata.name);
  out.map(0, "Labels", metadata.labels).map(0, "Annotations", metadata.annotations, ": ");
  out.field(0, "Finalizers", listText(metadata.finalizers));
  out.field(0, "StorageClass", spec?.storageClassName ?? "").field(0, "Status", status?.phase);
  out.field(0, "Claim", spec?.claimRef ? `${spec.claimRef.namespace}/${spec.claimRef.name}` : "");
  out.field(0, "Reclaim Policy", spec?.persistentVolumeReclaimPolicy);
  out.field(0, "Access Modes", modesText(spec?.accessModes));
  if (spec?.volumeMode) out.field(0, "VolumeMode", spec.volumeMode);
  out.field(0, "Capacity", spec?.capacity?.["storage"] ?? "");
  const terms = spec?.nodeAffinity?.required?.nodeSelectorTerms;
  if (!terms) out.field(0, "Node Affinity", "<none>");
  else {
    out.field(0, "Node Affinity", "").field(1, "Required Terms", "");
    terms.forEach((term, at) => {
      const texts = (term.matchExpressions ?? []).map(
        ({ key, operator, values }) => `${key} ${operator.toLowerCase()} ${listText(values)}`,
      );
      out.field(2, `Term ${at}`, texts.join("\n"));
    });
  }
  out.field(0, "Message", status?.message ?? "");
  out.line(0, "Source:");
  const source = spec?.local
    ? ["LocalVolume (a persistent volume backed by local storage on a node)", spec.local.path]
    : ["HostPath (bare host directory volume)", spec?.hostPath?.path];
  if (spec?.local || spec?.hostPath) out.field(2, "Type", source[0]).field(2, "Path", source[1]);
  return out;
}

export function describeStorageClass(storage: StorageClass): Writer {
  const { metadata = {} } = storage;
  const out = new Writer();
  const isDefault = metadata.annotations?.["storageclass.kubernetes.io/is-default-class"] === "true";
  out.field(0, "Name", metadata.name).field(0, "IsDefaultClass", isDefault ? "Yes" : "No");
  out.field(0, "Annotations", labelText(metadata.annotations));
  out.field(0, "Provisioner", storage.provisioner).field(0, "Parameters", labelText(storage.parameters));
  out.field(0, "AllowVolumeExpansion", flagText(storage.allowVolumeExpansion));
  out.field(0, "MountOptions", (storage.mountOptions ?? []).join(",") || "<none>");
  out.field(0, "ReclaimPolicy", storage.reclaimPolicy);
  return out.field(0, "VolumeBindingMode", storage.volumeBindingMode);
}

const flagText = (flag: boolean | undefined): string =>
  flag === undefined ? "<unset>" : flag ? "True" : "False";

export function describeServiceAccount(account: ServiceAccount): Writer {
  const pull = (account.imagePullSecrets ?? []).map((secret) => secret.name).join("\n");
  return head(account).field(0, "Image pull secrets", pull || "<none>");
}

export function describeEndpoints(endpoints: Endpoints): Writer {
  const out = head(endpoints);
  if (!endpoints.subsets?.length) return out.field(0, "Subsets", "");
  out.line(0, "Subsets:");
  for (const { addresses, notReadyAddresses, ports } of endpoints.subsets) {
    out.field(1, "Addresses", (addresses ?? []).map(({ ip }) => ip).join(",") || "<none>");
    out.field(1, "NotReadyAddresses", (notReadyAddresses ?? []).map(({ ip }) => ip).join(",") || "<none>");
    if (ports?.length) {
      out.line(1, "Ports:").line(2, "Name", "Port", "Protocol").line(2, "----", "----", "--------");
      for (const port of ports)
        out.line(2, port.name || "<unset>", String(port.port), port.protocol ?? "TCP");
    }
    out.line(0, "");
  }
  return out;
}

export function describeEndpointSlice(slice: EndpointSlice): Writer {
  const out = head(slice).field(0, "AddressType", slice.addressType);
  if (slice.ports?.length) {
    out.line(0, "Ports:").line(1, "Name", "Port", "Protocol").line(1, "----", "----", "--------");
    for (const port of slice.ports)
      out.line(1, port.name || "<unset>", String(port.port ?? "<unset>"), port.protocol ?? "TCP");
  } else out.field(0, "Ports", "<unset>");
  if (!slice.endpoints?.length) return out.field(0, "Endpoints", "<none>");
  out.line(0, "Endpoints:");
  for (const { addresses, conditions, hostname, targetRef, nodeName, zone } of slice.endpoints) {
    out.line(1, "- Addresses:", addresses.join(",") || "<none>");
    out.line(2, "Conditions:");
    out.field(3, "Ready", String(conditions?.ready ?? "<unset>"));
    out.field(2, "Hostname", hostname || "<unset>");
    if (targetRef) out.field(2, "TargetRef", `${targetRef.kind}/${targetRef.name}`);
    out.field(2, "NodeName", nodeName ?? "<unset>").field(2, "Zone", zone || "<unset>");
  }
  return out;
}

/** Role and ClusterRole: a line per resource of each rule. */
export function describeRole(role: ClusterRole): Writer {
  const { name, labels, annotations } = role.metadata ?? {};
  const out = new Writer().field(0, "Name", name).map(0, "Labels", labels);
  out.map(0, "Annotations", annotations, ": ").line(0, "PolicyRule:");
  out.line(1, "Resources", "Non-Resource URLs", "Resource Names", "Verbs");
  out.line(1, "---------", "-----------------", "--------------", "-----");
  for (const rule of role.rules ?? []) {
    const urls = listText(rule.nonResourceURLs);
    const names = listText(rule.resourceNames);
    const verbs = listText(rule.verbs);
    const resources = (rule.apiGroups ?? []).flatMap((group) =>
      (rule.resources ?? []).map((resource) => {
        const [first = "", ...more] = resource.split("/");
        return [group === "" ? first : `${first}.${group}`, ...more].join("/");
      }),
    );
    for (const resource of resources.length > 0 ? resources : [""]) out.line(1, resource, urls, names, verbs);
  }
  return out;
}

export function describeRoleBinding(binding: ClusterRoleBinding): Writer {
  const { name, labels, annotations } = binding.metadata ?? {};
  const out = new Writer().field(0, "Name", name).map(0, "Labels", labels);
  out.map(0, "Annotations", annotations, ": ").line(0, "Role:");
  out.field(1, "Kind", binding.roleRef.kind).field(1, "Name", binding.roleRef.name);
  out.line(0, "Subjects:").line(1, "Kind", "Name", "Namespace").line(1, "----", "----", "---------");
  for (const subject of binding.subjects ?? [])
    out.line(1, subject.kind, subject.name, subject.namespace ?? "");
  return out;
}

export function describePriorityClass(priority: PriorityClass): Writer {
  const out = new Writer().field(0, "Name", priority.metadata?.name).field(0, "Value", priority.value);
  out.field(0, "GlobalDefault", String(priority.globalDefault ?? false));
  out.field(0, "PreemptionPolicy", priority.preemptionPolicy).field(0, "Description", priority.description);
  return out.field(0, "Annotations", labelText(priority.metadata?.annotations));
}
