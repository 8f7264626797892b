/** Mutating admission of a write, and what Kubernetes restores after it. */
import type { KubeObject, ObjectMeta } from "../../api/index.ts";
import type { Core } from "../core.ts";
import { checkManagers } from "../managed-fields/entries.ts";
import type { AdmissionRequest } from "./chain.ts";

/** Runs the mutating plugins. Rejects with the refusal of one. */
export async function admitWrite(core: Core, request: AdmissionRequest): Promise<void> {
  const before = request.object?.metadata?.managedFields;
  await core.admission.admit(request);
  const { object, warnings } = request;
  const meta = object?.metadata;
  if (!meta) return;
  const problem = meta.managedFields === before ? undefined : checkManagers(meta.managedFields);
  if (problem !== undefined) {
    if (before) meta.managedFields = before;
    else delete meta.managedFields;
    warnings.push(
      `.metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating admission controller; please fix your requests: ${problem}`,
    );
  }
  dedupeOwners(object, warnings, " after mutating admission happens");
}

/** Drops duplicate owner references, with a warning. */
export function dedupeOwners(object: KubeObject, warnings: string[], when = ""): void {
  const meta = object.metadata as ObjectMeta;
  const owners = meta.ownerReferences;
  if (!Array.isArray(owners) || owners.length < 2) return;
  const seen = new Set<string>();
  const repeated: string[] = [];
  const kept = owners.filter((owner) => {
    const whole = JSON.stringify(Object.entries(owner).sort());
    if (seen.has(whole)) {
      repeated.push(owner.uid);
      return false;
    }
    seen.add(whole);
    return true;
  });
  if (repeated.length === 0) return;
  meta.ownerReferences = kept;
  warnings.push(
    `.metadata.ownerReferences contains duplicate entries${when}; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${repeated.join(", ")}`,
  );
}
