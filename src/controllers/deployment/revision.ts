import type { Deployment, ReplicaSet } from "../../api/index.ts";

export const revisionAnnotation = "deployment.kubernetes.io/revision";
const historyAnnotation = "deployment.kubernetes.io/revision-history";
export const desiredAnnotation = "deployment.kubernetes.io/desired-replicas";
export const maxAnnotation = "deployment.kubernetes.io/max-replicas";

/** Annotations of the Deployment that its ReplicaSets do not take over. */
const notCopied = new Set([
  "kubectl.kubernetes.io/last-applied-configuration",
  revisionAnnotation,
  historyAnnotation,
  desiredAnnotation,
  maxAnnotation,
  "deprecated.deployment.rollback.to",
]);
/** Characters of history kept. */
const historyLimit = 2000;

/** Revisions are 64-bit; a JavaScript number would round the large ones. */
export function revisionOf(object: ReplicaSet | Deployment | undefined): bigint {
  const text = object?.metadata?.annotations?.[revisionAnnotation];
  return text !== undefined && /^-?\d+$/.test(text) ? BigInt(text) : 0n;
}

export function maxRevision(sets: readonly ReplicaSet[]): bigint {
  let max = 0n;
  for (const set of sets) if (revisionOf(set) > max) max = revisionOf(set);
  return max;
}

/** Annotations that the newest ReplicaSet should carry; `undefined` when it has them already. */
export function newSetAnnotations(
  deployment: Deployment,
  set: ReplicaSet | undefined,
  revision: bigint,
): Record<string, string> | undefined {
  const before = set?.metadata?.annotations ?? {};
  const after: Record<string, string> = { ...before };
  for (const [key, value] of Object.entries(deployment.metadata?.annotations ?? {})) {
    if (!notCopied.has(key)) after[key] = value;
  }
  const old = before[revisionAnnotation];
  if (old === undefined || revisionOf(set) < revision) {
    after[revisionAnnotation] = String(revision);
    if (set && old !== undefined) after[historyAnnotation] = withHistory(before[historyAnnotation], old);
  }
  const same =
    set !== undefined &&
    Object.keys(after).length === Object.keys(before).length &&
    Object.entries(after).every(([key, value]) => before[key] === value);
  return same ? undefined : after;
}

/** Revisions it had before, oldest first; the oldest are dropped when it grows too long. */
function withHistory(history: string | undefined, old: string): string {
  const entries = history ? history.split(",") : [];
  entries.push(old);
  while (entries.length > 1 && entries.join(",").length > historyLimit) entries.shift();
  return entries.join(",");
}

/** Annotations with the size that proportional scaling starts from. */
export function withReplicaAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  desired: number,
  max: number,
): Record<string, string> {
  return { ...annotations, [desiredAnnotation]: String(desired), [maxAnnotation]: String(max) };
}

export function annotatedNumber(set: ReplicaSet, annotation: string): number | undefined {
  const text = set.metadata?.annotations?.[annotation];
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
}
