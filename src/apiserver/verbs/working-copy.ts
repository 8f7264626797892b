import type { KubeObject, ObjectMeta, Parts } from "../../api/index.ts";
import { deepClone, isObject } from "../../machinery/index.ts";

/**
 * A copy to be changed, of what shares with a stored object all that a write does not touch. `owners` is not copied where
 * it is the copy's: nobody changes lists of owners, they are replaced; nor are the parts in `same`. `clone`: `cloneExact` where it
 * matters how numbers were written.
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
