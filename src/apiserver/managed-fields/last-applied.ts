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

/** Bytes that all annotations of an object may take. */
const annotationLimit = 256 * 1024;

/**
 * The annotations of an object that kubectl has applied on the server: what client-side apply left there goes along, so that
 * either can go on from the other. Undefined where nothing changes: there is no such annotation, or somebody else applies.
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
