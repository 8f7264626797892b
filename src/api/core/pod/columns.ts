/** Table columns of pods. */
import { ageColumn, ago, column, nameColumn, wide } from "../../columns.ts";
import type { RowCondition, TableColumn } from "../../definition.ts";
import type { ContainerStatus, Pod } from "../../generated/types.ts";

interface Summary {
  ready: number;
  total: number;
  reason: string;
  restarts: number;
  /** RFC 3339, of the latest restart. */
  lastRestart: string | undefined;
}

const later = (a: string | undefined, b: string | undefined): string | undefined =>
  !a || (b && b > a) ? b : a;

/** The reason why a container terminated. */
function terminatedText(status: ContainerStatus): string {
  const ended = status.state?.terminated;
  if (ended?.reason) return ended.reason;
  return ended?.signal ? `Signal:${ended.signal}` : `ExitCode:${ended?.exitCode ?? 0}`;
}

const isTrue = (pod: Pod, type: string): boolean =>
  pod.status?.conditions?.some((condition) => condition.type === type && condition.status === "True") ??
  false;

/** READY, STATUS and RESTARTS of a pod, as kubectl shows them. */
function podSummary(pod: Pod): Summary {
  const spec = pod.spec;
  const status = pod.status ?? {};
  const sidecars = new Set(
    (spec?.initContainers ?? []).filter((c) => c.restartPolicy === "Always").map((c) => c.name),
  );
  const summary: Summary = {
    ready: 0,
    total: (spec?.containers.length ?? 0) + sidecars.size,
    reason: status.reason || status.phase || "",
    restarts: 0,
    lastRestart: undefined,
  };
  if (status.conditions?.some((c) => c.type === "PodScheduled" && c.reason === "SchedulingGated")) {
    summary.reason = "SchedulingGated";
  }
  const ofSidecars: Restarts = { restarts: 0, lastRestart: undefined };
  const blocked = initProgress(pod, sidecars, summary, ofSidecars);
  if (!blocked || isTrue(pod, "Initialized")) mainProgress(pod, Object.assign(summary, ofSidecars));
  if (pod.metadata?.deletionTimestamp) {
    if (status.reason === "NodeLost") summary.reason = "Unknown";
    else if (status.phase !== "Succeeded" && status.phase !== "Failed") summary.reason = "Terminating";
  }
  return summary;
}

type Restarts = Pick<Summary, "restarts" | "lastRestart">;

function addRestarts(sum: Restarts, { restartCount, lastState }: ContainerStatus): void {
  sum.restarts += restartCount ?? 0;
  sum.lastRestart = later(sum.lastRestart, lastState?.terminated?.finishedAt);
}

/**
 * Checks the init containers; true when one of them is not complete. Later ones do not count. `ofSidecars`: receives only the
 * restarts of sidecars.
 */
function initProgress(
  pod: Pod,
  sidecars: ReadonlySet<string>,
  summary: Summary,
  ofSidecars: Restarts,
): boolean {
  for (const [i, each] of (pod.status?.initContainerStatuses ?? []).entries()) {
    addRestarts(summary, each);
    if (sidecars.has(each.name)) addRestarts(ofSidecars, each);
    const ended = each.state?.terminated;
    if (ended && (ended.exitCode ?? 0) === 0) continue;
    if (sidecars.has(each.name) && each.started) {
      if (each.ready) summary.ready++;
      continue;
    }
    const waiting = each.state?.waiting?.reason;
    if (ended) summary.reason = `Init:${terminatedText(each)}`;
    else if (waiting && waiting !== "PodInitializing") summary.reason = `Init:${waiting}`;
    else summary.reason = `Init:${i}/${pod.spec?.initContainers?.length ?? 0}`;
    return true;
  }
  return false;
}

function mainProgress(pod: Pod, summary: Summary): void {
  let running = false;
  let failure = "";
  // Backwards: the first container's reason is shown.
  for (const each of (pod.status?.containerStatuses ?? []).toReversed()) {
    addRestarts(summary, each);
    const ended = each.state?.terminated;
    if (each.state?.waiting?.reason) summary.reason = each.state.waiting.reason;
    else if (ended) {
      summary.reason = terminatedText(each);
      if ((ended.exitCode ?? 0) !== 0) failure = summary.reason;
    } else if (each.ready && each.state?.running) {
      running = true;
      summary.ready++;
    }
  }
  if (summary.reason !== "Completed") return;
  if (running && isTrue(pod, "Ready")) summary.reason = "Running";
  else if (failure !== "") summary.reason = failure;
  else if (running) summary.reason = "NotReady";
}

export const podColumns: readonly TableColumn[] = [
  nameColumn,
  column<Pod>("Ready", "string", (pod) => {
    const { ready, total } = podSummary(pod);
    return `${ready}/${total}`;
  }),
  column<Pod>("Status", "string", (pod) => podSummary(pod).reason),
  column<Pod>("Restarts", "string", (pod, now) => {
    const { restarts, lastRestart } = podSummary(pod);
    return restarts !== 0 && lastRestart ? `${restarts} (${ago(lastRestart, now)} ago)` : String(restarts);
  }),
  ageColumn,
  wide<Pod>("IP", (pod) => pod.status?.podIPs?.[0]?.ip || "<none>"),
  wide<Pod>("Node", (pod) => pod.spec?.nodeName || "<none>"),
  wide<Pod>("Nominated Node", (pod) => pod.status?.nominatedNodeName || "<none>"),
  wide<Pod>("Readiness Gates", (pod) => {
    const gates = pod.spec?.readinessGates ?? [];
    if (gates.length === 0) return "<none>";
    return `${gates.filter((gate) => isTrue(pod, gate.conditionType)).length}/${gates.length}`;
  }),
];

/** Row conditions of finished pods. */
const ended: Readonly<Record<string, string>> = {
  Succeeded: "The pod has completed successfully.",
  Failed: "The pod failed.",
};

export function podRowConditions(pod: Pod): RowCondition[] | undefined {
  const reason = pod.status?.phase ?? "";
  const message = ended[reason];
  return message ? [{ type: "Completed", status: "True", reason, message }] : undefined;
}
