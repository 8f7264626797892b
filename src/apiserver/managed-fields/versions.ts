/** Objects as other versions of their kind show them, to see who owns what there. */
import type { KubeObject } from "../../api/index.ts";
import { UndeclaredField } from "../../machinery/index.ts";
import type { Conversions } from "../conversion/conversions.ts";
import type { ServedResource } from "../registry/resource.ts";

/**
 * An object of one version in the spelling of another; both are spellings of the same stored kind. Throws UndeclaredField,
 * and Pending where a webhook converts.
 */
export function inVersion(
  object: KubeObject,
  from: ServedResource,
  to: ServedResource,
  conversions: Conversions,
): KubeObject {
  const { apiVersion, def } = to;
  if (def.conversion) {
    // Nothing becomes nothing, without a webhook.
    const converted =
      from.view && object.metadata ? conversions.convert(from.view, object, apiVersion) : object;
    return declared({ ...structuredClone(converted), kind: def.kind, apiVersion }, to);
  }
  const copy = structuredClone(object);
  if (from.apiVersion !== from.storedApiVersion && copy.apiVersion === from.apiVersion) from.toStored(copy);
  to.fromStored(copy);
  return copy;
}

/** The converted object, when its version knows every field of it. */
function declared(object: KubeObject, { def }: ServedResource): KubeObject {
  const fields = def.conversion?.converted(object) ?? [];
  if (fields.length > 0) throw UndeclaredField.of(fields);
  return object;
}
