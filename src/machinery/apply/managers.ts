/** Owners of fields, and how writes change them (KEP-555). Pure: times and names are passed in. */
import { deepEqual } from "../deep.ts";
import { appliedSet, withNamedFields } from "./applied-set.ts";
import { compare, type Comparison, without } from "./compare.ts";
import { createdText } from "./created.ts";
import {
  difference,
  type FieldSet,
  intersection,
  isEmptySet,
  leaf,
  recursiveDifference,
  union,
  unionOfAll,
} from "./field-set.ts";
import { setOfText } from "./known-sets.ts";
import { merge, removeFields } from "./merge.ts";
import { presentSet } from "./present-set.ts";
import { asShown, type Shape } from "./shape.ts";
import { during } from "./undeclared.ts";

export type Operation = "Apply" | "Update";

/** One manager's fields. Its identity is everything but time and set, for Apply also without the version. */
export interface ManagerEntry {
  readonly manager: string;
  readonly operation: Operation;
  readonly apiVersion: string;
  readonly subresource: string;
  /** RFC 3339 in whole seconds; undefined if absent. */
  readonly time: string | undefined;
  readonly set: FieldSet;
}

export type Managers = ReadonlyMap<string, ManagerEntry>;

export type Writer = Pick<ManagerEntry, "manager" | "operation" | "apiVersion" | "subresource">;

export const identityOf = ({ manager, operation, apiVersion, subresource }: Writer): string =>
  [operation, manager, operation === "Apply" ? "" : apiVersion, subresource].join("\0");

/** A version of the kind. */
export interface View {
  readonly apiVersion: string;
  readonly shape: Shape;
  /** Empty values are absent, as in Go's structs. */
  readonly typed: boolean;
  /** Never owned through this endpoint. */
  readonly reset: FieldSet | undefined;
  /** Another version of the kind, and the conversion of an object to it; undefined when it is not served. */
  other(apiVersion: string): { view: View; convert(object: object): object } | undefined;
}

/** Fields without owners: the system's, and the object's identity. */
const unowned: FieldSet = {
  "f:apiVersion": leaf,
  "f:kind": leaf,
  "f:metadata": {
    ".": leaf,
    "f:name": leaf,
    "f:namespace": leaf,
    "f:creationTimestamp": leaf,
    "f:selfLink": leaf,
    "f:uid": leaf,
    "f:clusterName": leaf,
    "f:generation": leaf,
    "f:managedFields": leaf,
    "f:resourceVersion": leaf,
  },
};

const owned = (set: FieldSet): FieldSet => difference(set, unowned);

const filtered = (set: FieldSet, reset: FieldSet | undefined): FieldSet =>
  reset ? recursiveDifference(set, reset) : set;

/** An apply would change fields of other managers. */
export class ApplyConflicts extends Error {
  readonly conflicts: readonly { entry: ManagerEntry; set: FieldSet }[];

  constructor(conflicts: readonly { entry: ManagerEntry; set: FieldSet }[]) {
    super("conflicts");
    this.conflicts = conflicts;
  }
}

/** A change in each version; compared once per version. */
class Changes {
  readonly #view: View;
  readonly #before: object;
  readonly #after: object;
  readonly #typed: boolean;
  readonly #seen = new Map<string, Comparison | undefined>();
  #whole: Comparison | undefined;

  /** `typed`: both are to be converted to structs of the view's version; else they are compared as they are. */
  constructor(view: View, before: object, after: object, typed = view.typed) {
    this.#typed = typed;
    this.#view = view;
    this.#before = before;
    this.#after = after;
  }

  /** In the view's own version, including reset fields. */
  get whole(): Comparison {
    this.#whole ??= compare(this.#view.shape, this.#before, this.#after, this.#typed);
    return this.#whole;
  }

  in(apiVersion: string): Comparison | undefined {
    if (this.#seen.has(apiVersion)) return this.#seen.get(apiVersion);
    let found: Comparison | undefined;
    if (apiVersion === this.#view.apiVersion) {
      found = without(this.whole, this.#view.reset);
    } else {
      const other = this.#view.other(apiVersion);
      if (other) {
        const { shape, typed, reset } = other.view;
        const before = during("failed to convert old object", () => other.convert(this.#before));
        const after = during("failed to convert new object", () => other.convert(this.#after));
        found = without(compare(shape, before, after, typed), reset);
      }
    }
    this.#seen.set(apiVersion, found);
    return found;
  }
}

/**
 * Removes changed and deleted fields from all managers but `writer`. Throws `ApplyConflicts` when any are removed and `force` is
 * not set. Drops entries of versions that are no longer served.
 */
function takeFromOthers(
  changes: Changes,
  managers: Managers,
  writer: string,
  force: boolean,
): Map<string, ManagerEntry> {
  const left = new Map<string, ManagerEntry>();
  const conflicts: { entry: ManagerEntry; set: FieldSet }[] = [];
  for (const [id, entry] of managers) {
    if (id === writer) {
      left.set(id, entry);
      continue;
    }
    const change = changes.in(entry.apiVersion);
    if (!change) continue;
    const touched = intersection(entry.set, union(change.modified, change.added));
    if (!isEmptySet(touched)) conflicts.push({ entry, set: touched });
    const set = difference(difference(entry.set, touched), change.removed);
    if (!isEmptySet(set)) left.set(id, set === entry.set ? entry : { ...entry, set });
  }
  if (!force && conflicts.length > 0) throw new ApplyConflicts(conflicts);
  return left;
}

/** The fields of a new object that its creator does not own. Undefined when the two sets cannot be combined. */
function neverOwned(reset: FieldSet | undefined): FieldSet | undefined {
  if (!reset) return unowned;
  return Object.keys(reset).some((step) => step in unowned) ? undefined : { ...unowned, ...reset };
}

/** Owners of a new object without an apply: equals `afterUpdate` from nothing. Throws `UnkeyedItem`. */
export function afterCreate(view: View, object: object, writer: Writer, now: string): Managers {
  const skip = neverOwned(view.reset);
  const text = skip && createdText(view.shape, object, view.typed, skip);
  if (text === undefined) return afterUpdate(view, {}, object, new Map(), writer, now);
  const set = setOfText(text);
  if (isEmptySet(set)) return new Map();
  return new Map([[identityOf(writer), { ...writer, time: now, set }]]);
}

/** Owners after an update: the writer owns what it added or changed. */
export function afterUpdate(
  view: View,
  before: object,
  after: object,
  managers: Managers,
  writer: Writer,
  now: string,
): Managers {
  const changes = new Changes(view, before, after);
  const change = changes.in(view.apiVersion) as Comparison;
  // Entries may have versions that are gone, or be empty ones from clients.
  const odd = [...managers.values()].some(
    ({ apiVersion, set }) => apiVersion !== view.apiVersion || isEmptySet(set),
  );
  if (isNone(change) && !odd) return managers;
  const id = identityOf(writer);
  const left = takeFromOthers(changes, managers, id, true);
  const mine = left.get(id);
  const kept = mine && difference(mine.set, change.removed);
  if (kept && isEmptySet(kept)) left.delete(id);
  else if (kept && kept !== mine.set) left.set(id, { ...mine, set: kept });
  if (isNone(change)) return left.size === managers.size ? managers : left;
  const taken = owned(union(change.modified, change.added));
  if (isEmptySet(taken)) return left;
  // A manager that owned all of it keeps its set.
  left.set(id, { ...writer, time: now, set: kept ? union(kept, taken) : taken });
  return capped(left);
}

/** Limit of Update entries; the oldest ones of a version are merged. */
const maxUpdates = 10;

function capped(managers: Map<string, ManagerEntry>): Managers {
  const updates = [...managers].filter(([, entry]) => entry.operation === "Update");
  let count = updates.length;
  if (count <= maxUpdates) return managers;
  const at = (entry: ManagerEntry): string => entry.time ?? "";
  updates.sort(([a, x], [b, y]) => (at(x) < at(y) ? -1 : at(x) > at(y) ? 1 : a < b ? -1 : 1));
  const firstOf = new Map<string, string>();
  const sets = new Map<string, FieldSet[]>();
  for (const [id, entry] of updates) {
    if (count <= maxUpdates) break;
    const writer = {
      manager: "ancient-changes",
      operation: "Update",
      apiVersion: entry.apiVersion,
      subresource: "",
    } as const;
    const bucket = identityOf(writer);
    const first = firstOf.get(entry.apiVersion);
    if (first === undefined) {
      firstOf.set(entry.apiVersion, id);
      continue;
    }
    const known = managers.get(bucket) ?? (managers.get(first) as ManagerEntry);
    if (!managers.has(bucket)) managers.delete(first);
    managers.delete(id);
    const all = sets.get(bucket) ?? [known.set];
    all.push(entry.set);
    sets.set(bucket, all);
    managers.set(bucket, { ...writer, time: entry.time, set: leaf });
    count--;
  }
  for (const [bucket, all] of sets)
    managers.set(bucket, { ...(managers.get(bucket) as ManagerEntry), set: unionOfAll(all) });
  return managers;
}

export interface Applied {
  object: object;
  managers: Managers;
  /** The object is unchanged; its owners may have changed. */
  same: boolean;
  /** Neither the object nor any manager's fields changed. */
  unchanged: boolean;
}

/**
 * Applies a configuration: merges it into the live object, and removes fields that its manager applied before and not now, unless
 * another manager owns them. Throws `TypedError` and `ApplyConflicts`.
 */
export function applyConfiguration(
  view: View,
  live: object,
  config: object,
  managers: Managers,
  writer: Writer,
  force: boolean,
  now: string,
): Applied {
  const id = identityOf(writer);
  // Unowned fields keep their siblings while fields are removed.
  const named = filtered(appliedSet(view.shape, config), view.reset);
  const set = owned(named);
  const last = managers.get(id);
  const entry: ManagerEntry = { ...writer, time: now, set };
  const withMine = new Map(managers).set(id, entry);
  // The configuration is taken as written, with its empty values.
  const base = asSeen(view, live);
  const merged = merge(view.shape, base, config) as object;
  const wanted = new Map(managers).set(id, { ...entry, set: named });
  const object = during("failed to prune fields", () => prune(view, merged, wanted, last, entry));
  const changes = new Changes(view, base, object, false);
  const left = takeFromOthers(changes, withMine, id, force);
  const same = isNone(changes.whole);
  // A manager that only changes its set keeps the time of its last change.
  if (same && left.has(id)) left.set(id, { ...(left.get(id) as ManagerEntry), time: last?.time });
  if (isEmptySet(set)) left.delete(id);
  return { object, managers: left, same, unchanged: same && sameOwners(managers, left) };
}

const isNone = ({ added, modified, removed }: Comparison): boolean =>
  isEmptySet(added) && isEmptySet(modified) && isEmptySet(removed);

function sameOwners(a: Managers, b: Managers): boolean {
  if (a.size !== b.size) return false;
  for (const [id, entry] of a) {
    const other = b.get(id);
    if (!other || other.apiVersion !== entry.apiVersion) return false;
    if (other.set !== entry.set && !deepEqual(other.set, entry.set)) return false;
  }
  return true;
}

/** Removes fields of the manager's last configuration that no set has now. Each set is applied to the object in its version. */
function prune(
  view: View,
  merged: object,
  managers: Managers,
  last: ManagerEntry | undefined,
  applied: ManagerEntry,
): object {
  if (!last || isEmptySet(last.set)) return merged;
  if (last.apiVersion === view.apiVersion && isEmptySet(difference(last.set, applied.set))) return merged;
  const then = last.apiVersion === view.apiVersion ? { view, convert: asItIs } : view.other(last.apiVersion);
  if (!then) return merged;
  const sets = new Map<string, FieldSet>([[last.apiVersion, leaf]]);
  for (const { apiVersion, set } of managers.values())
    sets.set(apiVersion, union(sets.get(apiVersion) ?? leaf, set));
  const shown = during("failed to convert merged object to last applied version", () => then.convert(merged));
  let seen = new Seen(then.view, then.view === view ? merged : asSeen(then.view, shown));
  let pruned = seen.without(seen.named(last.set));
  // Restores fields removed with the last configuration that other managers own, or that it did not have itself.
  for (const [apiVersion, set] of sets) {
    const moved = during("failed add back owned items", () => moveTo(apiVersion, seen, pruned));
    if (!moved) continue;
    [seen, pruned] = moved;
    pruned = seen.without(difference(seen.all, union(seen.fieldsOf(pruned), seen.named(set))));
  }
  const back = moveTo(last.apiVersion, seen, pruned);
  if (!back) return merged;
  [seen, pruned] = back;
  const gone = difference(seen.all, seen.fieldsOf(pruned));
  pruned = seen.without(intersection(gone, seen.named(last.set)));
  if (last.apiVersion === view.apiVersion) return pruned;
  const there = then.view.other(view.apiVersion)?.convert(pruned);
  return there ? asSeen(view, there) : merged;
}

const asItIs = (object: object): object => object;

/** An object in a version of a built-in kind. */
const asSeen = ({ typed, shape }: View, object: object): object =>
  typed ? (asShown(shape, object) as object) : object;

/** An object in one version. */
class Seen {
  readonly view: View;
  readonly object: object;
  /** All its fields. */
  readonly all: FieldSet;

  constructor(view: View, object: object) {
    this.view = view;
    this.object = object;
    this.all = this.fieldsOf(object);
  }

  named(set: FieldSet): FieldSet {
    return withNamedFields(this.view.shape, set);
  }

  fieldsOf(object: object): FieldSet {
    return this.named(presentSet(this.view.shape, object));
  }

  without(set: FieldSet): object {
    return (removeFields(this.view.shape, this.object, set) ?? {}) as object;
  }
}

/** Both objects in another version; undefined when it is not served. */
function moveTo(apiVersion: string, seen: Seen, pruned: object): [Seen, object] | undefined {
  const { view, object } = seen;
  if (apiVersion === view.apiVersion) return [seen, pruned];
  const other = view.other(apiVersion);
  if (!other) return undefined;
  const convert = (what: string, each: object): object =>
    during(`failed to convert ${what} object at version ${apiVersion}`, () =>
      asSeen(other.view, other.convert(each)),
    );
  return [new Seen(other.view, convert("merged", object)), convert("pruned", pruned)];
}
