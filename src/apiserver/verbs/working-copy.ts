import type { KubeObject, ObjectMeta } from "../../api/index.ts";
import { deepClone, isObject } from "../../machinery/index.ts";

/**
 * A copy to be changed, of what shares with a stored object all that a write does not touch. `owners` is not copied where
 * it is the copy's: nobody changes lists of owners, they are replaced. `clone`: `cloneExact` where it matters how numbers
 * were written.
 */
export function workingCopy(
  object: unknown,
  owners: ObjectMeta["managedFields"],
  clone: <T>(value: T) => T = deepClone,
): unknown {
  if (!owners || !isObject(object) || !isObject(object.metadata)) return clone(object);
  const { managedFields, ...metadata } = object.metadata;
  if (managedFields !== owners) return clone(object);
  const copy = clone({ ...object, metadata: undefined }) as KubeObject;
  copy.metadata = clone(metadata) as ObjectMeta;
  (copy.metadata as ObjectMeta).managedFields = owners;
  return copy;
}
