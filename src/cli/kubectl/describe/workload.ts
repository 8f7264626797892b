import type { DaemonSet, Deployment, Job, ReplicaSet, StatefulSet } from "../../../api/index.ts";
import { labelText } from "../print/table.ts";
import { writeTemplate } from "./template.ts";
import { timeText, Writer } from "./writer.ts";

type Selector = {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
};

function selectorText(selector: Selector | undefined): string {
  const expressions = (selector?.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
    if (operator === "Exists") return key;
    if (operator === "DoesNotExist") return `!${key}`;
    return `${key} ${operator.toLowerCase()} (${values.join(",")})`;
  });
  const labels = selector?.matchLabels ? [labelText(selector.matchLabels)] : [];
  return [...labels, ...expressions].join(",") || "<unset>";
}

function writeConditions(
  out: Writer,
  conditions: readonly { type: string; status: string; reason?: string }[] | undefined,
): void {
  if (!conditions?.length) return;
  out.line(0, "Conditions:");
  out.line(1, "Type", "Status", "Reason");
  out.line(1, "----", "------", "------");
  for (const condition of conditions) out.line(1, condition.type, condition.status, condition.reason ?? "");
}

export function describeDeployment(deployment: Deployment, sets: readonly ReplicaSet[]): Writer {
  const out = new Writer();
  const { metadata = {}, spec, status } = deployment;
  out.field(0, "Name", metadata.name).field(0, "Namespace", metadata.namespace);
  out.field(0, "CreationTimestamp", timeText(metadata.creationTimestamp));
  out.map(0, "Labels", metadata.labels).map(0, "Annotations", metadata.annotations, ": ");
  out.field(0, "Selector", selectorText(spec?.selector));
  out.field(
    0,
    "Replicas",
    `${spec?.replicas ?? 1} desired | ${status?.updatedReplicas ?? 0} updated | ${status?.replicas ?? 0} total | ${status?.availableReplicas ?? 0} available | ${status?.unavailableReplicas ?? 0} unavailable`,
  );
  out.field(0, "StrategyType", spec?.strategy?.type).field(0, "MinReadySeconds", spec?.minReadySeconds ?? 0);
  const rolling = spec?.strategy?.rollingUpdate;
  if (rolling)
    out.field(
      0,
      "RollingUpdateStrategy",
      `${rolling.maxUnavailable} max unavailable, ${rolling.maxSurge} max surge`,
    );
  writeTemplate(out, 0, spec?.template);
  writeConditions(out, status?.conditions);
  const owned = sets.filter((set) =>
    set.metadata?.ownerReferences?.some((owner) => owner.uid === metadata.uid),
  );
  const revision = metadata.annotations?.["deployment.kubernetes.io/revision"];
  const isNew = (set: ReplicaSet): boolean =>
    set.metadata?.annotations?.["deployment.kubernetes.io/revision"] === revision;
  if (owned.length === 0) return out;
  const say = (set: ReplicaSet): string =>
    `${set.metadata?.name} (${set.status?.replicas ?? 0}/${set.spec?.replicas ?? 0} replicas created)`;
  out.field(
    0,
    "OldReplicaSets",
    owned
      .filter((set) => !isNew(set))
      .map(say)
      .join(", ") || "<none>",
  );
  out.field(0, "NewReplicaSet", owned.filter(isNew).map(say).join(", ") || "<none>");
  return out;
}

export function describeReplicaSet(set: ReplicaSet, phases: Readonly<Record<string, number>>): Writer {
  const out = new Writer();
  const { metadata = {}, spec, status } = set;
  out.field(0, "Name", metadata.name).field(0, "Namespace", metadata.namespace);
  out.field(0, "Selector", selectorText(spec?.selector));
  out.map(0, "Labels", metadata.labels).map(0, "Annotations", metadata.annotations, ": ");
  const owner = metadata.ownerReferences?.find((reference) => reference.controller);
  if (owner) out.field(0, "Controlled By", `${owner.kind}/${owner.name}`);
  out.field(0, "Replicas", `${status?.replicas ?? 0} current / ${spec?.replicas ?? 1} desired`);
  writePhases(out, phases);
  writeTemplate(out, 0, spec?.template);
  writeConditions(out, status?.conditions);
  return out;
}

export function describeSet(set: DaemonSet | StatefulSet, phases: Readonly<Record<string, number>>): Writer {
  const out = new Writer();
  const { metadata = {}, spec, status } = set;
  out.field(0, "Name", metadata.name).field(0, "Namespace", metadata.namespace);
  out.field(0, "CreationTimestamp", timeText(metadata.creationTimestamp));
  out.field(0, "Selector", selectorText(spec?.selector));
  out.map(0, "Labels", metadata.labels).map(0, "Annotations", metadata.annotations, ": ");
  if (status && "desiredNumberScheduled" in status) {
    out.field(0, "Desired Number of Nodes Scheduled", status.desiredNumberScheduled);
    out.field(0, "Current Number of Nodes Scheduled", status.currentNumberScheduled);
    out.field(0, "Number of Nodes Scheduled with Available Pods", status.numberAvailable ?? 0);
  } else {
    out.field(
      0,
      "Replicas",
      `${(spec as StatefulSet["spec"])?.replicas ?? 1} desired | ${(status as StatefulSet["status"])?.replicas ?? 0} total`,
    );
  }
  writePhases(out, phases);
  writeTemplate(out, 0, spec?.template);
  return out;
}

export function describeJob(job: Job): Writer {
  const out = new Writer();
  const { metadata = {}, spec, status } = job;
  out.field(0, "Name", metadata.name).field(0, "Namespace", metadata.namespace);
  out.field(0, "Selector", selectorText(spec?.selector));
  out.map(0, "Labels", metadata.labels).map(0, "Annotations", metadata.annotations, ": ");
  out.field(0, "Parallelism", spec?.parallelism ?? 1).field(0, "Completions", spec?.completions ?? "<unset>");
  out.field(0, "Completion Mode", spec?.completionMode);
  if (status?.startTime) out.field(0, "Start Time", timeText(status.startTime));
  if (status?.completionTime) out.field(0, "Completed At", timeText(status.completionTime));
  out.field(
    0,
    "Pods Statuses",
    `${status?.active ?? 0} Active (${status?.ready ?? 0} Ready) / ${status?.succeeded ?? 0} Succeeded / ${status?.failed ?? 0} Failed`,
  );
  writeTemplate(out, 0, spec?.template);
  return out;
}

function writePhases(out: Writer, phases: Readonly<Record<string, number>>): void {
  const of = (phase: string): number => phases[phase] ?? 0;
  out.field(
    0,
    "Pods Status",
    `${of("Running")} Running / ${of("Pending")} Waiting / ${of("Succeeded")} Succeeded / ${of("Failed")} Failed`,
  );
}
