import type { PodCondition, PodStatus } from "../../api/index.ts";
import { deepEqual } from "../../machinery/index.ts";

/**
 * The strategic merge patch between two statuses, undefined when they are equal. It contains only differences, so that others'
 * conditions are not changed; lists with a merge key are replaced.
 */
export function statusPatch(before: PodStatus, after: PodStatus): Record<string, unknown> | undefined {
  const patch: Record<string, unknown> = {};
  const old = before as Record<string, unknown>;
  const wanted = after as Record<string, unknown>;
  for (const name of Object.keys(wanted)) {
    if (name === "conditions") {
      const changed = changedConditions(before.conditions ?? [], after.conditions ?? []);
      if (changed.length > 0) patch[name] = changed;
    } else if (!deepEqual(old[name], wanted[name])) {
      const merged = name === "podIPs" || name === "hostIPs";
      const replaces = merged && Array.isArray(old[name]) && (old[name] as unknown[]).length > 0;
      patch[name] = replaces ? [{ $patch: "replace" }, ...(wanted[name] as unknown[])] : wanted[name];
    }
  }
  for (const name of ["reason", "message", "initContainerStatuses", "ephemeralContainerStatuses"]) {
    if (old[name] !== undefined && wanted[name] === undefined) patch[name] = null;
  }
  return Object.keys(patch).length > 0 ? patch : undefined;
}

/** The kubelet's conditions that exist only while they are true. */
const passing = new Set(["PodResizePending", "PodResizeInProgress"]);

function changedConditions(before: readonly PodCondition[], after: readonly PodCondition[]): unknown[] {
  const out: unknown[] = [];
  for (const condition of after) {
    const old = before.find((c) => c.type === condition.type);
    if (old && sameCondition(old, condition)) continue;
    const entry: Record<string, unknown> = { ...condition };
    if (old?.reason && !condition.reason) entry["reason"] = null;
    if (old?.message && !condition.message) entry["message"] = null;
    out.push(entry);
  }
  for (const { type } of before) {
    if (passing.has(type) && !after.some((c) => c.type === type)) out.push({ $patch: "delete", type });
  }
  return out;
}

function sameCondition(a: PodCondition, b: PodCondition): boolean {
  return (
    a.status === b.status &&
    (a.reason ?? "") === (b.reason ?? "") &&
    (a.message ?? "") === (b.message ?? "") &&
    a.observedGeneration === b.observedGeneration
  );
}
