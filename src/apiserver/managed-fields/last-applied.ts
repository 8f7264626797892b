import { type KubeObject, shapeOfType, typeOfKind } from "../../api/index.ts";
import {
  type ApplyConflicts,
  appliedSet,
  compareFields,
  deducedShape,
  fieldsWithout,
  isEmptyFieldSet,
  isObject,
} from "../../machinery/index.ts";
import type { Call } from "../core.ts";
import { managerName } from "./ownership.ts";

const annotation = "kubectl.kubernetes.io/last-applied-configuration";

/**
 * Whether all that stands in kubectl's way is what kubectl itself wrote before, by client-side apply, and nobody has
 * changed since: then its first server-side apply takes those fields over without being forced.
 */
export function lastAppliedAllows(call: Call, live: KubeObject, { conflicts }: ApplyConflicts): boolean {
  const text = live.metadata?.annotations?.[annotation];
  if (managerName(call) !== "kubectl" || !text) return false;
  const type = typeOfKind(call.resource.def);
  const shape = type ? shapeOfType(type) : deducedShape;
  try {
    const config: unknown = JSON.parse(text);
    if (!isObject(config) || config.apiVersion !== call.resource.apiVersion) return false;
    const { added, modified, removed } = compareFields(shape, config, live, false);
    let own = appliedSet(shape, config);
    for (const changed of [added, modified, removed]) own = fieldsWithout(own, changed);
    return conflicts.every(({ set }) => isEmptyFieldSet(fieldsWithout(set, own)));
  } catch {
    // What cannot be read allows nothing.
    return false;
  }
}
