/**
 * Strategic merge patch: a merge patch that knows which lists are merged by a key. Directives: `$patch` (replace,
 * delete, merge), `$retainKeys`, `$deleteFromPrimitiveList/<field>`, `$setElementOrder/<field>`.
 */
import { deepClone, isObject, setMember } from "../deep.ts";
import { ElementIndex, identity, orderElements } from "./element-order.ts";
import { PatchError } from "./json-patch.ts";
import {
  deletePrimitives,
  directive,
  elementOrder,
  noSchema,
  type PatchField,
  type PatchSchema,
  retainKeys,
} from "./patch-schema.ts";

type Members = Record<string, unknown>;

/** Returns the patched document; neither argument is changed. Throws PatchError for directives that make no sense. */
export function applyStrategicMerge<T extends object>(document: T, patch: object, schema: PatchSchema): T {
  return mergeObject(document as Members, patch as Members, schema) as T;
}

function mergeObject(original: Members, patch: Members, schema: PatchSchema): Members {
  const special = patch[directive];
  if (special !== undefined) {
    if (special === "replace") return withoutDirectives({ ...patch, [directive]: undefined }) as Members;
    if (special === "delete") return {};
    if (special !== "merge") throw new PatchError(`unknown patch type found: ${String(special)}`);
  }
  const result: Members = { ...original };
  const keep = patch[retainKeys];
  if (keep !== undefined) {
    if (!Array.isArray(keep)) throw new PatchError("invalid patch format of retainKeys list");
    for (const name of Object.keys(patch)) {
      if (!name.startsWith("$") && patch[name] !== null && !keep.includes(name)) {
        throw new PatchError(`the retainKeys list doesn't contain all fields present in the patch: ${name}`);
      }
    }
    for (const name of Object.keys(result)) if (!keep.includes(name)) delete result[name];
  }
  for (const name of Object.keys(patch)) {
    if (name === directive || name === retainKeys) continue;
    if (name.startsWith(deletePrimitives)) deleteFromList(result, patch, name.slice(deletePrimitives.length));
    else if (!name.startsWith(elementOrder)) mergeField(result, name, patch[name], schema.field(name));
  }
  for (const name of Object.keys(patch)) {
    if (name.startsWith(elementOrder))
      reorder(result, original, patch, name.slice(elementOrder.length), schema);
  }
  return result;
}

function mergeField(result: Members, name: string, value: unknown, field: PatchField | undefined): void {
  if (value === null) {
    delete result[name];
    return;
  }
  const before = Object.hasOwn(result, name) ? result[name] : undefined;
  const replace = field?.strategies.includes("replace") ?? false;
  if (isObject(value) && isObject(before) && !replace) {
    setMember(result, name, mergeObject(before, value, field?.schema ?? noSchema));
  } else if (Array.isArray(value) && field?.strategies.includes("merge")) {
    setMember(result, name, mergeList(Array.isArray(before) ? before : [], value, field, name));
  } else if (isObject(value) && before === undefined && value[directive] === "delete") {
    // Deleting what is not there changes nothing.
  } else setMember(result, name, withoutDirectives(value));
}

function mergeList(
  original: readonly unknown[],
  patch: readonly unknown[],
  field: PatchField,
  name: string,
): unknown[] {
  if (!patch.some(isObject) && !original.some(isObject)) {
    const merged = [...original];
    const index = new ElementIndex(merged, undefined);
    for (const each of patch) if (index.find(each) < 0) index.add(merged.push(each) - 1, each);
    return orderElements(merged, patch, original, undefined);
  }
  const { mergeKey } = field;
  if (mergeKey === undefined) throw new PatchError(`cannot merge the list ${name}: it has no merge key`);
  const deleted: unknown[] = [];
  const additions: unknown[] = [];
  let replaced = false;
  for (const element of patch) {
    if (!isObject(element)) throw new PatchError(`invalid patch: an element of ${name} is not an object`);
    const special = element[directive];
    if (special === "replace") {
      replaced = true;
      // `$patch: replace` may stand alone, or on an element that is meant itself.
      if (element[mergeKey] !== undefined) additions.push(withoutDirectives(element));
      continue;
    }
    const key = element[mergeKey];
    if (special === "delete") {
      if (key === undefined)
        throw new PatchError(
          `map: ${JSON.stringify(element)} does not contain declared merge key: ${mergeKey}`,
        );
      deleted.push(key);
      continue;
    }
    if (special !== undefined && special !== "merge")
      throw new PatchError(`unknown patch type found: ${String(special)}`);
    if (key === undefined) {
      throw new PatchError(
        `map: ${JSON.stringify(element)} does not contain declared merge key: ${mergeKey}`,
      );
    }
    additions.push(element);
  }
  if (replaced) return additions.map(withoutDirectives);
  const gone = new ElementIndex(deleted, undefined);
  const merged = original.filter((each) => gone.find(identity(each, mergeKey)) < 0);
  const index = new ElementIndex(merged, mergeKey);
  for (const element of additions as Members[]) {
    const at = index.find(element[mergeKey]);
    const before = merged[at];
    if (at >= 0 && isObject(before)) merged[at] = mergeObject(before, element, field.schema ?? noSchema);
    else index.add(merged.push(withoutDirectives(element)) - 1, element);
  }
  return orderElements(merged, additions, original, mergeKey);
}

function deleteFromList(result: Members, patch: Members, name: string): void {
  const gone = patch[`${deletePrimitives}${name}`];
  const before = result[name];
  if (!Array.isArray(gone)) throw new PatchError(`invalid patch: ${deletePrimitives}${name} is not a list`);
  if (!Array.isArray(before)) return;
  const index = new ElementIndex(gone, undefined);
  setMember(
    result,
    name,
    before.filter((each) => index.find(each) < 0),
  );
}

function reorder(
  result: Members,
  original: Members,
  patch: Members,
  name: string,
  schema: PatchSchema,
): void {
  const wanted = patch[`${elementOrder}${name}`];
  const merged = result[name];
  if (!Array.isArray(wanted)) throw new PatchError(`invalid patch: ${elementOrder}${name} is not a list`);
  if (!Array.isArray(merged)) return;
  const server = Array.isArray(original[name]) ? (original[name] as unknown[]) : [];
  setMember(result, name, orderElements(merged, wanted, server, schema.field(name)?.mergeKey));
}

/** What a patch says of something that was not there: the same without directives and removals. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value
      .filter((each) => !(isObject(each) && (each[directive] === "delete" || isLoneReplace(each))))
      .map(withoutDirectives);
  }
  if (!isObject(value)) return deepClone(value);
  const result: Members = {};
  for (const name of Object.keys(value)) {
    const item = value[name];
    if (name === directive || name === retainKeys || item === null || item === undefined) continue;
    if (name.startsWith(deletePrimitives) || name.startsWith(elementOrder)) continue;
    setMember(result, name, withoutDirectives(item));
  }
  return result;
}

const isLoneReplace = (value: Members): boolean =>
  value[directive] === "replace" && Object.keys(value).length === 1;
