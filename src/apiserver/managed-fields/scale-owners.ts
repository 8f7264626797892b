/** Owners of a Scale: whoever owns the number of replicas in the object that is scaled owns it there, and back. */
import { schemaOf, shapeOfType } from "../../api/index.ts";
import {
  type FieldSet,
  fieldSetOf,
  fieldsWithout,
  identityOf,
  isEmptyFieldSet,
  type ManagerEntry,
  type Managers,
  type View,
} from "../../machinery/index.ts";
import type { ServedResource } from "../registry/resource.ts";

const scaleVersion = "autoscaling/v1";
const inScale = fieldSetOf(["f:spec", "f:replicas"]);

/** How a Scale is compared with itself. */
export function scaleView(): View {
  const type = schemaOf("io.k8s.api.autoscaling.v1.Scale");
  if (!type) throw new Error("the type of Scale is not there");
  return {
    apiVersion: scaleVersion,
    shape: shapeOfType(type),
    typed: true,
    reset: undefined,
    other: () => undefined,
  };
}

/** The number in objects of a version; null where the version has no Scale, undefined where it is not served. */
export type NumberIn = (apiVersion: string) => FieldSet | null | undefined;

/** Of the versions of a resource. */
export function numberIn(find: (version: string) => ServedResource | undefined, group: string): NumberIn {
  return (apiVersion) => {
    const slash = apiVersion.indexOf("/");
    if ((slash < 0 ? "" : apiVersion.slice(0, slash)) !== group) return undefined;
    const resource = find(apiVersion.slice(slash + 1));
    if (!resource) return undefined;
    const path = resource.def.scale?.specReplicasPath;
    return path === undefined ? null : fieldSetOf(path.split(".").map((name) => `f:${name}` as const));
  };
}

const owns = ({ set }: ManagerEntry, field: FieldSet): boolean => isEmptyFieldSet(fieldsWithout(field, set));

export function ownersOfScale(managers: Managers, number: NumberIn): Managers {
  const owners = new Map<string, ManagerEntry>();
  for (const entry of managers.values()) {
    const field = number(entry.apiVersion);
    if (!field || !owns(entry, field)) continue;
    const there = { ...entry, apiVersion: scaleVersion, set: inScale };
    owners.set(identityOf(there), there);
  }
  return owners;
}

/** `scale`: the owners of the Scale as it is now. What nobody owns there any more is taken from its owners in the object. */
export function ownersOfScaled(
  managers: Managers,
  scale: Managers,
  apiVersion: string,
  number: NumberIn,
): Managers {
  const owners = new Map<string, ManagerEntry>();
  const known = new Set<string>();
  for (const [id, entry] of managers) {
    const field = number(entry.apiVersion);
    if (field === undefined) continue;
    if (field === null || !owns(entry, field)) owners.set(id, entry);
    else if (scale.has(id)) {
      owners.set(id, entry);
      known.add(id);
    } else {
      const set = fieldsWithout(entry.set, field);
      if (!isEmptyFieldSet(set)) owners.set(id, { ...entry, set });
    }
  }
  const own = number(apiVersion);
  for (const [id, entry] of scale) {
    if (known.has(id) || !own || !owns(entry, inScale)) continue;
    // Who comes new has no time in the original.
    owners.set(id, { ...entry, apiVersion, time: managers.get(id)?.time, set: own });
  }
  return owners;
}
