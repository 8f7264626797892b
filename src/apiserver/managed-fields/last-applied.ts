import { type KubeObject, shapeOfType, typeOfKind } from "../../api/index.ts";
import {
  type ApplyConflicts,
  appliedSet,
  byteLength,
  compareFields,
  deducedShape,
  fieldsWithout,
  isEmptyFieldSet,
  isObject,
  madeText,
} from "../../machinery/index.ts";
import type { Call } from "../core.ts";
import { managerName } from "./ownership.ts";

const annotation = "kubectl.kubernetes.io/last-applied-configuration";

/**
 * Whether all conflicting fields were set by kubectl's client-side apply and are unchanged since: then its first server-side
 * apply takes them over without force.
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
    // Invalid values allow nothing.
    return false;
  }
}

/** Limit of the size of an object's annotations, in bytes. */
const annotationLimit = 256 * 1024;

/**
 * The annotations after a server-side apply by kubectl: keeps the last-applied annotation of client-side apply in step, so that a
 * user can switch between the two. Undefined when nothing changes: there is no such annotation, or another client applies.
 */
export function syncedAnnotations(
  call: Call,
  applied: KubeObject,
  config: KubeObject,
): Record<string, string> | undefined {
  const annotations = applied.metadata?.annotations;
  if (managerName(call) !== "kubectl" || !annotations?.[annotation]) return undefined;
  const { metadata = {}, ...rest } = config;
  const { [annotation]: _own, ...others } = metadata.annotations ?? {};
  const bare = metadata.annotations ? { ...metadata, annotations: others } : metadata;
  const text = `${madeText({ ...rest, metadata: bare })}\n`;
  if (text === annotations[annotation]) return undefined;
  const synced = { ...annotations, [annotation]: text };
  const size = Object.entries(synced).reduce(
    (sum, [key, value]) => sum + byteLength(key) + byteLength(value),
    0,
  );
  if (size <= annotationLimit) return synced;
  const { [annotation]: _large, ...left } = annotations;
  return left;
}
