/** Sets of fields after a schema change: parts of a field that has become atomic become ownership of the whole. */
import { type FieldSet, isEmptySet, leaf } from "./field-set.ts";
import type { ManagerEntry, Managers, View } from "./managers.ts";
import { deducedShape, type MapShape, type Shape, untypedShape } from "./shape.ts";

/** Not in the other direction: the owner of the whole keeps it until a part is set. */
export function reconcileSet(shape: Shape, set: FieldSet): FieldSet {
  // A set without parts owns the whole already.
  if (isEmptySet(set)) return set;
  if (shape.map) return isDeduced(shape) ? set : shape.map.atomic ? leaf : parts(set, fieldIn(shape.map));
  const { list } = shape;
  if (shape.scalar || !list) return set;
  return list.relation === "atomic" ? leaf : parts(set, () => list.element);
}

/** Types without a schema have not changed. */
const isDeduced = (shape: Shape): boolean =>
  shape === deducedShape || shape === untypedShape || isOpenMap(shape.map as MapShape);

const isOpenMap = ({ element, struct }: MapShape): boolean =>
  !struct && (element === deducedShape || element === untypedShape);

const fieldIn =
  (map: MapShape) =>
  (step: string): Shape | undefined =>
    map.field(step.slice(2))?.shape ?? map.element;

function parts(set: FieldSet, shapeOf: (step: string) => Shape | undefined): FieldSet {
  let changed: Record<string, FieldSet> | undefined;
  for (const step in set) {
    if (step === ".") continue;
    const part = set[step] as FieldSet;
    const shape = shapeOf(step);
    const now = shape ? reconcileSet(shape, part) : part;
    if (now === part) continue;
    changed ??= { ...set };
    changed[step] = now;
  }
  return changed ?? set;
}

/**
 * All managers' fields by the current schemas of their versions; the same map when nothing changes. Throws `UndeclaredField` when
 * one of the versions does not declare all fields of `live`, the owned object.
 */
export function reconcileManagers(view: View, managers: Managers, live?: object): Managers {
  let changed: Map<string, ManagerEntry> | undefined;
  const shown = new Set([view.apiVersion]);
  for (const [id, entry] of managers) {
    const other = entry.apiVersion === view.apiVersion ? undefined : view.other(entry.apiVersion);
    if (live && !shown.has(entry.apiVersion)) other?.convert(live);
    shown.add(entry.apiVersion);
    const own = entry.apiVersion === view.apiVersion ? view : other?.view;
    const set = own ? reconcileSet(own.shape, entry.set) : entry.set;
    if (set === entry.set) continue;
    changed ??= new Map(managers);
    changed.set(id, { ...entry, set });
  }
  return changed ?? managers;
}
