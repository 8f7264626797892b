import type { Container, ContainerState, ContainerStatus, Pod } from "../../../api/index.ts";
import { writeContainer, writeContainerRest, writeScheduling, writeVolumes } from "./template.ts";
import { timeText, Writer } from "./writer.ts";

export function describePod(pod: Pod): Writer {
  const out = new Writer();
  const { metadata = {}, spec, status } = pod;
  out.field(0, "Name", metadata.name).field(0, "Namespace", metadata.namespace);
  if (spec?.priority !== undefined) out.field(0, "Priority", spec.priority);
  if (spec?.priorityClassName) out.field(0, "Priority Class Name", spec.priorityClassName);
  if (spec?.serviceAccountName) out.field(0, "Service Account", spec.serviceAccountName);
  out.field(0, "Node", spec?.nodeName ? `${spec.nodeName}/${status?.hostIP ?? ""}` : "<none>");
  if (status?.startTime) out.field(0, "Start Time", timeText(status.startTime));
  out.map(0, "Labels", metadata.labels);
  out.map(0, "Annotations", metadata.annotations, ": ");
  if (metadata.deletionTimestamp) {
    const grace = metadata.deletionGracePeriodSeconds ?? 0;
    out.field(0, "Status", `Terminating (lasts ${grace}s)`).field(0, "Termination Grace Period", `${grace}s`);
  } else out.field(0, "Status", status?.phase);
  if (status?.reason) out.field(0, "Reason", status.reason);
  if (status?.message) out.field(0, "Message", status.message);
  out.field(0, "IP", status?.podIP ?? "");
  const ips = status?.podIPs ?? [];
  if (ips.length === 0) out.field(0, "IPs", "<none>");
  else {
    out.line(0, "IPs:");
    for (const { ip } of ips) out.field(1, "IP", ip);
  }
  const owner = metadata.ownerReferences?.find((reference) => reference.controller);
  if (owner) out.field(0, "Controlled By", `${owner.kind}/${owner.name}`);
  if (spec?.initContainers?.length) {
    out.line(0, "Init Containers:");
    for (const container of spec.initContainers)
      writePodContainer(out, container, status?.initContainerStatuses);
  }
  out.line(0, "Containers:");
  for (const container of spec?.containers ?? [])
    writePodContainer(out, container, status?.containerStatuses);
  if (spec?.readinessGates?.length) {
    out.line(0, "Readiness Gates:");
    for (const gate of spec.readinessGates) out.line(1, gate.conditionType);
  }
  if (status?.conditions?.length) {
    out.line(0, "Conditions:");
    out.line(1, "Type", "Status");
    for (const condition of status.conditions) out.line(1, `${condition.type} `, `${condition.status} `);
  }
  writeVolumes(out, 0, spec?.volumes);
  if (status?.qosClass) out.field(0, "QoS Class", status.qosClass);
  writeScheduling(out, 0, { nodeSelector: spec?.nodeSelector, tolerations: spec?.tolerations });
  return out;
}

function writePodContainer(
  out: Writer,
  container: Container,
  statuses: readonly ContainerStatus[] | undefined,
): void {
  const status = statuses?.find((one) => one.name === container.name);
  out.line(1, `${container.name}:`);
  const depth = 2;
  writeContainer(out, depth, container, status);
  if (status) {
    writeState(out, depth, "State", status.state);
    if (status.lastState && Object.keys(status.lastState).length > 0)
      writeState(out, depth, "Last State", status.lastState);
    out.field(depth, "Ready", status.ready ? "True" : "False");
    out.field(depth, "Restart Count", status.restartCount);
  }
  writeContainerRest(out, depth, container);
}

function writeState(out: Writer, depth: number, label: string, state: ContainerState | undefined): void {
  if (state?.running) {
    out.field(depth, label, "Running").field(depth + 1, "Started", timeText(state.running.startedAt));
  } else if (state?.waiting) {
    out.field(depth, label, "Waiting");
    if (state.waiting.reason) out.field(depth + 1, "Reason", state.waiting.reason);
    if (state.waiting.message) out.field(depth + 1, "Message", state.waiting.message);
  } else if (state?.terminated) {
    const { reason, message, exitCode, signal, startedAt, finishedAt } = state.terminated;
    out.field(depth, label, "Terminated");
    if (reason) out.field(depth + 1, "Reason", reason);
    if (message) out.field(depth + 1, "Message", message);
    out.field(depth + 1, "Exit Code", exitCode);
    if (signal) out.field(depth + 1, "Signal", signal);
    out.field(depth + 1, "Started", timeText(startedAt)).field(depth + 1, "Finished", timeText(finishedAt));
  } else out.field(depth, label, "Waiting");
}
