import type { KubeObject, OwnerReference } from "../../api/index.ts";
import { hasFinalizer, foreground, orphan } from "./object-graph.ts";

export type OwnerState =
  /** There, and stays. */
  | "solid"
  /** Not there, or another object of that name. */
  | "absent"
  /** There, but deleted in the foreground: it waits for this object to go. */
  | "waiting";

export type Fate =
  | { kind: "keep" }
  /** Some owners are gone, one is left: only the references of the others go. */
  | { kind: "unlink"; owners: readonly OwnerReference[] }
  | { kind: "delete"; propagation: "Background" | "Foreground" | "Orphan"; unblock: boolean };

/**
 * What becomes of an object with these owners. `dependents` are its own; a dependent that itself waits for dependents
 * would wait for its owner in turn, so the object must no longer block its own owner then (`unblock`).
 */
export function decideFate(
  object: KubeObject,
  owners: readonly { reference: OwnerReference; state: OwnerState }[],
  dependents: readonly { waits: boolean }[],
): Fate {
  if (owners.length === 0) return { kind: "keep" };
  const solid = owners.filter((owner) => owner.state === "solid");
  if (solid.length > 0) {
    if (solid.length === owners.length) return { kind: "keep" };
    return { kind: "unlink", owners: solid.map((owner) => owner.reference) };
  }
  const awaited = owners.some((owner) => owner.state === "waiting");
  if (awaited && dependents.length > 0) {
    return { kind: "delete", propagation: "Foreground", unblock: dependents.some((each) => each.waits) };
  }
  // Whoever asked for a way of deletion before, by a finalizer, gets it.
  const propagation = hasFinalizer(object, orphan)
    ? "Orphan"
    : hasFinalizer(object, foreground)
      ? "Foreground"
      : "Background";
  return { kind: "delete", propagation, unblock: false };
}
