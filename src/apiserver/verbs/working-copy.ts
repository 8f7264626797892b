import type { KubeObject, ObjectMeta, Parts } from "../../api/index.ts";
import { deepClone, isObject } from "../../machinery/index.ts";

/**
 * A copy for a write that shares unchanged parts with the stored object. `owners` is not copied when it is the copy's own: lists
 * of owners are replaced, never changed; nor are the parts in `same`. `clone`: `cloneExact` when the notation of numbers matters.
 */
export function workingCopy(
  object: unknown,
  owners: ObjectMeta["managedFields"],
  clone: <T>(value: T) => T = deepClone,
  same: Parts = none,
): unknown {
  if (!isObject(object) || !isObject(object.metadata)) return clone(object);
  const { managedFields, ...metadata } = object.metadata;
  const kept: Record<string, unknown> = {};
  const rest: Record<string, unknown> = { ...object, metadata: undefined };
  for (const name in same) {
    if (object[name] !== same[name]) continue;
    kept[name] = same[name];
    rest[name] = undefined;
  }
  const copy = Object.assign(clone(rest), kept) as unknown as KubeObject;
  copy.metadata = clone(metadata) as ObjectMeta;
  if (managedFields !== undefined)
    copy.metadata.managedFields = (
      managedFields === owners ? managedFields : clone(managedFields)
    ) as ObjectMeta["managedFields"];
  return copy;
}

const none: Parts = {};
