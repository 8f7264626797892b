import type { Container, PodSpec, PodTemplateSpec, Probe, Volume } from "../../../api/index.ts";
import { Writer } from "./writer.ts";

/** `Pod Template:` of a workload, also for `rollout history --revision`. */
export function templateText(template: PodTemplateSpec | undefined, depth: number): string {
  return writeTemplate(new Writer(), depth, template).withTabs();
}

export function writeTemplate(out: Writer, depth: number, template: PodTemplateSpec | undefined): Writer {
  out.line(depth, "Pod Template:");
  out.map(depth + 1, "Labels", template?.metadata?.labels);
  if (Object.keys(template?.metadata?.annotations ?? {}).length > 0) {
    out.map(depth + 1, "Annotations", template?.metadata?.annotations, ": ");
  }
  const spec = template?.spec;
  if (spec?.serviceAccountName) out.field(depth + 1, "Service Account", spec.serviceAccountName);
  if ((spec?.initContainers?.length ?? 0) > 0) {
    out.line(depth + 1, "Init Containers:");
    for (const container of spec?.initContainers ?? []) writeWhole(out, depth + 2, container);
  }
  out.line(depth + 1, "Containers:");
  for (const container of spec?.containers ?? []) writeWhole(out, depth + 2, container);
  writeVolumes(out, depth + 1, spec?.volumes, true);
  writeScheduling(out, depth + 1, spec);
  return out;
}

const named = ({ name }: { name?: string }): string => (name ? ` (${name})` : "");

/** The caller writes its name; `depth` is that of its fields. */
export function writeContainer(
  out: Writer,
  inner: number,
  container: Container,
  status?: { containerID?: string; imageID?: string },
): void {
  if (status) out.field(inner, "Container ID", status.containerID ?? "");
  out.field(inner, "Image", container.image);
  if (status) out.field(inner, "Image ID", status.imageID ?? "");
  const ports = (container.ports ?? []).map(
    (port) => `${port.containerPort}/${port.protocol ?? "TCP"}${named(port)}`,
  );
  out.field(inner, ports.length > 1 ? "Ports" : "Port", ports.join(", ") || "<none>");
  const hostPorts = (container.ports ?? []).map(
    (port) => `${port.hostPort ?? 0}/${port.protocol ?? "TCP"}${named(port)}`,
  );
  out.field(inner, hostPorts.length > 1 ? "Host Ports" : "Host Port", hostPorts.join(", ") || "<none>");
  if (container.command?.length) writeWords(out, inner, "Command", container.command);
  if (container.args?.length) writeWords(out, inner, "Args", container.args);
}

/** Printed after the container's state in a pod, and after its ports in a template. */
export function writeContainerRest(out: Writer, depth: number, container: Container): void {
  for (const [label, amounts] of [
    ["Limits", container.resources?.limits],
    ["Requests", container.resources?.requests],
  ] as const) {
    const pairs = Object.entries(amounts ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
    if (pairs.length === 0) continue;
    out.line(depth, `${label}:`);
    for (const [name, amount] of pairs) out.field(depth + 1, name, String(amount));
  }
  for (const [label, probe] of [
    ["Liveness", container.livenessProbe],
    ["Readiness", container.readinessProbe],
    ["Startup", container.startupProbe],
  ] as const) {
    if (probe) out.field(depth, label, probeText(probe));
  }
  if (container.envFrom?.length) {
    out.line(depth, "Environment Variables from:");
    for (const source of container.envFrom) {
      const reference = source.configMapRef ?? source.secretRef;
      const kind = source.configMapRef ? "ConfigMap" : "Secret";
      out.line(depth + 1, reference?.name ?? "", kind, `Optional: ${reference?.optional ?? false}`);
    }
  }
  if (container.env?.length) {
    out.line(depth, "Environment:");
    for (const { name, value, valueFrom } of container.env) {
      let text = value ?? "";
      let optional: string[] = [];
      if (valueFrom?.fieldRef)
        text = ` (${valueFrom.fieldRef.apiVersion ?? "v1"}:${valueFrom.fieldRef.fieldPath})`;
      else if (valueFrom?.resourceFieldRef) text = ` (${valueFrom.resourceFieldRef.resource})`;
      else if (valueFrom?.secretKeyRef) {
        const { key, name: from } = valueFrom.secretKeyRef;
        text = `<set to the key '${key}' in secret '${from}'>`;
        optional = [`Optional: ${valueFrom.secretKeyRef.optional ?? false}`];
      } else if (valueFrom?.configMapKeyRef) {
        const { key, name: from } = valueFrom.configMapKeyRef;
        text = `<set to the key '${key}' of config map '${from}'>`;
        optional = [`Optional: ${valueFrom.configMapKeyRef.optional ?? false}`];
      }
      const [first = "", ...more] = text.split("\n");
      out.line(depth + 1, `${name}:`, first, ...optional);
      for (const line of more) out.line(depth + 1, "", line);
    }
  } else out.field(depth, "Environment", "<none>");
  const mounts = container.volumeMounts ?? [];
  if (mounts.length === 0) out.field(depth, "Mounts", "<none>");
  else {
    out.line(depth, "Mounts:");
    for (const mount of [...mounts].sort((a, b) => (a.mountPath < b.mountPath ? -1 : 1))) {
      const flags = [mount.readOnly ? "ro" : "rw", ...(mount.subPath ? [`path="${mount.subPath}"`] : [])];
      out.line(depth + 1, `${mount.mountPath} from ${mount.name} (${flags.join(",")})`);
    }
  }
}

function writeWords(out: Writer, depth: number, label: string, words: readonly string[]): void {
  out.line(depth, `${label}:`);
  for (const word of words) for (const line of word.split("\n")) out.line(depth + 1, line);
}

function probeText(probe: Probe): string {
  const times = `delay=${probe.initialDelaySeconds ?? 0}s timeout=${probe.timeoutSeconds ?? 1}s period=${probe.periodSeconds ?? 10}s #success=${probe.successThreshold ?? 1} #failure=${probe.failureThreshold ?? 3}`;
  if (probe.exec) return `exec [${(probe.exec.command ?? []).join(" ")}] ${times}`;
  if (probe.httpGet) {
    const { scheme = "HTTP", host = "", port, path = "" } = probe.httpGet;
    return `http-get ${scheme.toLowerCase()}://${host}:${port}${path} ${times}`;
  }
  if (probe.tcpSocket) return `tcp-socket ${probe.tcpSocket.host ?? ""}:${probe.tcpSocket.port} ${times}`;
  if (probe.grpc) return `grpc <pod>:${probe.grpc.port} ${probe.grpc.service ?? ""} ${times}`;
  return `unknown ${times}`;
}

export function writeVolumes(
  out: Writer,
  depth: number,
  volumes: readonly Volume[] | undefined,
  inTemplate = false,
): void {
  if (!volumes?.length) {
    out.field(depth, "Volumes", "<none>");
    return;
  }
  out.line(depth, "Volumes:");
  for (const volume of volumes) {
    if (inTemplate) out.heading(depth, `${volume.name}:`);
    else out.line(depth + 1, `${volume.name}:`);
    const inner = inTemplate ? depth + 1 : depth + 2;
    for (const [label, value] of volumeFields(volume)) out.field(inner, label, value);
  }
}

function volumeFields(volume: Volume): [string, string][] {
  if (volume.hostPath) {
    return [
      ["Type", "HostPath (bare host directory volume)"],
      ["Path", volume.hostPath.path],
      ["HostPathType", volume.hostPath.type ?? ""],
    ];
  }
  if (volume.emptyDir) {
    return [
      ["Type", "EmptyDir (a temporary directory that shares a pod's lifetime)"],
      ["Medium", volume.emptyDir.medium ?? ""],
      ["SizeLimit", volume.emptyDir.sizeLimit ?? "<unset>"],
    ];
  }
  if (volume.configMap) {
    return [
      ["Type", "ConfigMap (a volume populated by a ConfigMap)"],
      ["Name", volume.configMap.name ?? ""],
      ["Optional", String(volume.configMap.optional ?? false)],
    ];
  }
  if (volume.secret) {
    return [
      ["Type", "Secret (a volume populated by a Secret)"],
      ["SecretName", volume.secret.secretName ?? ""],
      ["Optional", String(volume.secret.optional ?? false)],
    ];
  }
  if (volume.persistentVolumeClaim) {
    return [
      ["Type", "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)"],
      ["ClaimName", volume.persistentVolumeClaim.claimName],
      ["ReadOnly", String(volume.persistentVolumeClaim.readOnly ?? false)],
    ];
  }
  if (volume.projected) {
    const fields: [string, string][] = [
      ["Type", "Projected (a volume that contains injected data from multiple sources)"],
    ];
    for (const source of volume.projected.sources ?? []) {
      if (source.secret) fields.push(["SecretName", source.secret.name ?? ""]);
      if (source.configMap)
        fields.push(
          ["ConfigMapName", source.configMap.name ?? ""],
          ["Optional", String(source.configMap.optional ?? false)],
        );
      if (source.downwardAPI) fields.push(["DownwardAPI", "true"]);
      if (source.serviceAccountToken)
        fields.push(["TokenExpirationSeconds", String(source.serviceAccountToken.expirationSeconds ?? 3600)]);
    }
    return fields;
  }
  if (volume.downwardAPI) return [["Type", "DownwardAPI (a volume populated by information about the pod)"]];
  const kind = Object.keys(volume).find((key) => key !== "name") ?? "unknown";
  return [["Type", kind]];
}

export function writeScheduling(out: Writer, depth: number, spec: Partial<PodSpec> | undefined): void {
  if (spec?.priorityClassName) out.field(depth, "Priority Class Name", spec.priorityClassName);
  out.map(depth, "Node-Selectors", spec?.nodeSelector);
  const tolerations = (spec?.tolerations ?? []).map((t) => {
    const effect = t.effect ? `:${t.effect}` : "";
    const value = t.operator === "Exists" || !t.value ? "" : `=${t.value}`;
    const exists = t.operator === "Exists" ? " op=Exists" : "";
    const seconds = t.tolerationSeconds !== undefined ? ` for ${t.tolerationSeconds}s` : "";
    return `${t.key ?? ""}${value}${effect}${exists}${seconds}`;
  });
  out.field(depth, "Tolerations", tolerations.sort().join("\n") || "<none>");
}

function writeWhole(out: Writer, depth: number, container: Container): void {
  out.heading(depth - 1, `${container.name}:`);
  writeContainer(out, depth, container);
  writeContainerRest(out, depth, container);
}
