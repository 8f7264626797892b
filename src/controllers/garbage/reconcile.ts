import type { KubeObject, OwnerReference } from "../../api/index.ts";
import { hasFinalizer, foreground, orphan } from "./object-graph.ts";

export type OwnerState =
  /** Exists and is not in foreground deletion. */
  | "solid"
  /** Does not exist, or has another UID. */
  | "absent"
  /** In foreground deletion: it waits for this object. */
  | "waiting";

export type Fate =
  | { kind: "keep" }
  /** Some owners are gone, others are left: remove the references to the former. */
  | { kind: "unlink"; owners: readonly OwnerReference[] }
  | { kind: "delete"; propagation: "Background" | "Foreground" | "Orphan"; unblock: boolean };

/**
 * The action for an object with these owners. `dependents` are its own; if one of them waits for dependents, too, both would
 * wait for each other, so the object must stop blocking its owner (`unblock`).
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
  // A finalizer of an earlier deletion decides the policy.
  const propagation = hasFinalizer(object, orphan)
    ? "Orphan"
    : hasFinalizer(object, foreground)
      ? "Foreground"
      : "Background";
  return { kind: "delete", propagation, unblock: false };
}
