/** Owners of a Scale: the owner of the replicas field in the scaled object owns it in the Scale, and vice versa. */
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

/** The fields of a Scale. */
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

/** The replicas field in a version; null when the version has no Scale, undefined when it is not served. */
export type NumberIn = (apiVersion: string) => FieldSet | null | undefined;

/** For the versions of a resource. */
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

/** `scale`: the owners of the Scale after the write. Managers that lost the field there lose it in the object. */
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
    // In Kubernetes new managers get no time here.
    owners.set(id, { ...entry, apiVersion, time: managers.get(id)?.time, set: own });
  }
  return owners;
}
