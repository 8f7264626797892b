/** Validation of statuses in the apps group. */
import { invalid } from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import { notNegative } from "../field-rules.ts";
import type { DaemonSet, Deployment, ReplicaSet, StatefulSet } from "../generated/types.ts";

type Counts = Readonly<Record<string, unknown>>;

const countIn = (status: Counts, name: string): number => (status[name] as number | undefined) ?? 0;

function allNotNegative(status: Counts, names: readonly string[], errors: FieldError[]): void {
  for (const name of names) notNegative(countIn(status, name), `status.${name}`, errors);
}

function atMost(
  status: Counts,
  names: readonly string[],
  limit: string,
  text: string,
  errors: FieldError[],
): void {
  for (const name of names) {
    const value = countIn(status, name);
    if (value > countIn(status, limit))
      errors.push(invalid(`status.${name}`, value, `cannot be greater than ${text}`));
  }
}

function collisionsGrow(status: Counts, old: Counts, errors: FieldError[]): void {
  if (old["collisionCount"] === undefined) return;
  const value = countIn(status, "collisionCount");
  if (status["collisionCount"] === undefined || value < countIn(old, "collisionCount"))
    errors.push(invalid("status.collisionCount", value, "cannot be decremented"));
}

export function validateDeploymentStatus(deployment: Deployment, old: Deployment): FieldError[] {
  const errors: FieldError[] = [];
  const status: Counts = { ...deployment.status };
  const parts = ["updatedReplicas", "readyReplicas", "availableReplicas"];
  const counts = [
    "observedGeneration",
    "replicas",
    ...parts,
    "unavailableReplicas",
    "terminatingReplicas",
    "collisionCount",
  ];
  allNotNegative(status, counts, errors);
  atMost(status, parts, "replicas", "status.replicas", errors);
  atMost(status, ["availableReplicas"], "readyReplicas", "readyReplicas", errors);
  collisionsGrow(status, { ...old.status }, errors);
  return errors;
}

export function validateReplicaSetStatus(set: ReplicaSet): FieldError[] {
  const errors: FieldError[] = [];
  const status: Counts = { ...set.status };
  const parts = ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"];
  allNotNegative(status, ["replicas", ...parts, "observedGeneration", "terminatingReplicas"], errors);
  atMost(status, parts, "replicas", "status.replicas", errors);
  atMost(status, ["availableReplicas"], "readyReplicas", "readyReplicas", errors);
  return errors;
}

export function validateDaemonSetStatus(set: DaemonSet, old: DaemonSet): FieldError[] {
  const errors: FieldError[] = [];
  const status: Counts = { ...set.status };
  const counts = [
    "currentNumberScheduled",
    "numberMisscheduled",
    "desiredNumberScheduled",
    "numberReady",
    "observedGeneration",
    "updatedNumberScheduled",
    "numberAvailable",
    "numberUnavailable",
    "collisionCount",
  ];
  allNotNegative(status, counts, errors);
  collisionsGrow(status, { ...old.status }, errors);
  return errors;
}

export function validateStatefulSetStatus(set: StatefulSet, old: StatefulSet): FieldError[] {
  const errors: FieldError[] = [];
  const status: Counts = { ...set.status };
  const parts = ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"];
  allNotNegative(status, ["replicas", ...parts, "observedGeneration", "collisionCount"], errors);
  atMost(status, parts, "replicas", "status.replicas", errors);
  atMost(status, ["availableReplicas"], "readyReplicas", "status.readyReplicas", errors);
  collisionsGrow(status, { ...old.status }, errors);
  return errors;
}
