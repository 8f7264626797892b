import type { PodSpec } from "../../generated/types.ts";
import type { ObjectMeta } from "../../meta.ts";

/** The context of pod spec validation. */
export interface PodContext {
  /** A pod, not a template. */
  isPod: boolean;
  /** Of the pod; undefined for templates, whose pods have no name yet. */
  metadata: ObjectMeta | undefined;
  /** The old spec: its errors may stay. */
  old: PodSpec | undefined;
}
