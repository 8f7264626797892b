import type { KubeObject, ObjectMeta } from "../../api/index.ts";
import { deepClone, isObject } from "../../machinery/index.ts";

/**
 * A copy to be changed, of what shares with a stored object all that a write does not touch. `owners` is not copied where
 * it is the copy's: nobody changes lists of owners, they are replaced.
 */
export function workingCopy(object: unknown, owners: ObjectMeta["managedFields"]): unknown {
  if (!owners || !isObject(object) || !isObject(object.metadata)) return deepClone(object);
  const { managedFields, ...metadata } = object.metadata;
  if (managedFields !== owners) return deepClone(object);
  const copy = deepClone({ ...object, metadata }) as KubeObject;
  (copy.metadata as ObjectMeta).managedFields = owners;
  return copy;
}
