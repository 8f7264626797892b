import type { PodSpec } from "../../generated/types.ts";
import type { ObjectMeta } from "../../meta.ts";

/** What rules of a pod's spec depend on beside it. */
export interface PodContext {
  /** A pod itself and not the template of one. */
  isPod: boolean;
  /** Of the pod; undefined for templates, whose pods have no name yet. */
  metadata: ObjectMeta | undefined;
  /** What it was before: mistakes of old are allowed to stay. */
  old: PodSpec | undefined;
}
