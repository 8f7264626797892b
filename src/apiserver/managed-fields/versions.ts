/** Converts objects between versions to compare their fields. */
import type { KubeObject } from "../../api/index.ts";
import { UndeclaredField } from "../../machinery/index.ts";
import type { Conversions } from "../conversion/conversions.ts";
import type { ServedResource } from "../registry/resource.ts";

/**
 * Converts an object to another version of the same stored kind. Throws UndeclaredField, and Pending when a webhook has to
 * convert.
 */
export function inVersion(
  object: KubeObject,
  from: ServedResource,
  to: ServedResource,
  conversions: Conversions,
): KubeObject {
  const { apiVersion, def } = to;
  if (def.conversion) {
    // Empty objects are not sent to a webhook.
    const converted =
      from.view && object.metadata ? conversions.convert(from.view, object, apiVersion) : object;
    return declared({ ...structuredClone(converted), kind: def.kind, apiVersion }, to);
  }
  const copy = structuredClone(object);
  if (from.apiVersion !== from.storedApiVersion && copy.apiVersion === from.apiVersion) from.toStored(copy);
  to.fromStored(copy);
  return copy;
}

/** The converted object, if its version declares all its fields. */
function declared(object: KubeObject, { def }: ServedResource): KubeObject {
  const fields = def.conversion?.converted(object) ?? [];
  if (fields.length > 0) throw UndeclaredField.of(fields);
  return object;
}
