/**
 * Strategic merge patch: a merge patch with lists merged by key. Directives: `$patch` (replace, delete), `$retainKeys`,
 * `$deleteFromPrimitiveList/<field>`, `$setElementOrder/<field>`. Errors are those of apimachinery's strategicpatch.
 */
import { isObject, setMember } from "../deep.ts";
import { cloneExact, copyWritten } from "../exact-json.ts";
import { goQuote, goText, goType } from "../go-format.ts";
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

/** Invalid directives. `malformed`: the client's error; else an internal one. */
export class StrategicPatchError extends PatchError {
  readonly malformed: boolean;

  constructor(message: string, malformed = false) {
    super(message);
    this.malformed = malformed;
  }
}

const malformedKeys = (): StrategicPatchError =>
  new StrategicPatchError("invalid patch format of retainKeys", true);

/** Go's name of a decoded JSON value's type. */
const typeName = (value: unknown): string =>
  value === null || value === undefined ? "%!s(<nil>)" : goType(value);

const wrongType = (
  wanted: "[]interface {}" | "map[string]interface {}",
  value: unknown,
): StrategicPatchError => new StrategicPatchError(`expected a ${wanted}, but received a ${typeName(value)}`);

function unknownDirective(special: unknown, patch: Members): StrategicPatchError {
  const shown =
    typeof special === "string"
      ? special
      : special === null
        ? "%!s(<nil>)"
        : `%!s(${typeName(special)}=${goText(special)})`;
  return new StrategicPatchError(`unknown patch type: ${shown} in map: ${goText(patch)}`);
}

const noMergeKey = (element: Members, key: string): StrategicPatchError =>
  new StrategicPatchError(`map: ${goText(element)} does not contain declared merge key: ${key}`);

/**
 * `document`: the result. `patch`: the rest of the patch, as errors in the result show it. The arguments are not changed. Throws
 * StrategicPatchError.
 */
export function strategicMerge<T extends object>(
  document: T,
  patch: object,
  schema: PatchSchema,
): { document: T; patch: object } {
  const left = cloneExact(patch);
  return { document: mergeObject(document as Members, left as Members, schema) as T, patch: left };
}

export function applyStrategicMerge<T extends object>(document: T, patch: object, schema: PatchSchema): T {
  return strategicMerge(document, patch, schema).document;
}

/** Removes applied parts from the patch. */
function mergeObject(original: Members, patch: Members, schema: PatchSchema): Members {
  const special = patch[directive];
  if (special !== undefined) {
    if (special === "delete") return {};
    if (special !== "replace") throw unknownDirective(special, patch);
    delete patch[directive];
    return patch;
  }
  const result: Members = { ...original };
  retain(result, patch);
  for (const name of Object.keys(patch))
    if (name.startsWith(elementOrder)) mergeOrdered(result, patch, name, schema);
  for (const name of Object.keys(patch)) {
    const value = patch[name];
    if (name.startsWith(deletePrimitives)) deleteFromList(result, name.slice(deletePrimitives.length), value);
    else if (value === null) delete result[name];
    else {
      mergeField(result, name, value, schema.field(name));
      if (typeof value === "number") copyWritten(patch, name, result);
    }
  }
  return result;
}

function retain(result: Members, patch: Members): void {
  const keep = patch[retainKeys];
  if (keep === undefined) return;
  delete patch[retainKeys];
  if (!Array.isArray(keep)) throw malformedKeys();
  for (const name of Object.keys(patch)) {
    if (patch[name] === null || name.startsWith(deletePrimitives) || name.startsWith(elementOrder)) continue;
    if (!keep.includes(name)) throw malformedKeys();
  }
  for (const name of Object.keys(result)) if (!keep.includes(name)) delete result[name];
}

const kindOf = (value: unknown): string => {
  const name = typeName(value);
  return name === "float64" ? "int64" : name;
};

function mergeField(result: Members, name: string, value: unknown, field: PatchField | undefined): void {
  const before = Object.hasOwn(result, name) ? result[name] : undefined;
  if (before === undefined || kindOf(before) !== kindOf(value)) {
    dropNulls(value);
    put(result, name, value);
  } else if (isObject(value) && isObject(before)) {
    const replace = field?.strategies.includes("replace") ?? false;
    setMember(result, name, replace ? value : mergeObject(before, value, field?.schema ?? noSchema));
  } else if (Array.isArray(value) && Array.isArray(before)) {
    setMember(result, name, field?.strategies.includes("merge") ? mergeList(before, value, field) : value);
  } else setMember(result, name, value);
}

/** Nulls in new values are dropped. */
function dropNulls(value: unknown): void {
  if (Array.isArray(value)) for (const each of value) dropNulls(each);
  else if (isObject(value)) {
    for (const name of Object.keys(value)) {
      if (value[name] === null) delete value[name];
      else dropNulls(value[name]);
    }
  }
}

function put(result: Members, name: string, value: unknown): void {
  const kept = withoutDirectives(value);
  if (kept === undefined) delete result[name];
  else setMember(result, name, kept);
}

/** Objects with a directive are dropped when there is nothing to patch; undefined: the value itself is one. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.flatMap((each) => {
      const kept = withoutDirectives(each);
      return kept === undefined ? [] : [kept];
    });
  }
  if (!isObject(value)) return value;
  if (value[directive] !== undefined) return undefined;
  for (const name of Object.keys(value)) {
    const kept = withoutDirectives(value[name]);
    if (kept === undefined) delete value[name];
    else value[name] = kept;
  }
  return value;
}

/** Elements of merged lists are all objects or all scalars. */
function checkElements(original: readonly unknown[], patch: readonly unknown[]): void {
  const [first] = [...original, ...patch];
  if (Array.isArray(first)) throw new StrategicPatchError("lists of lists are not supported");
  const type = typeName(first);
  if ([...original, ...patch].every((each) => typeName(each) === type)) return;
  throw new StrategicPatchError(`list element types are not identical: ${goText([original, patch])}`);
}

function mergeList(original: readonly unknown[], patch: readonly unknown[], field: PatchField): unknown[] {
  if (original.length === 0 && patch.length === 0) return [...original];
  checkElements(original, patch);
  if (!isObject(original[0] ?? patch[0])) {
    const merged = [...original];
    const index = new ElementIndex(merged, undefined);
    for (const each of patch) if (index.find(each) < 0) index.add(merged.push(each) - 1, each);
    return orderElements(merged, patch, original, undefined);
  }
  const { mergeKey } = field;
  if (mergeKey === undefined) throw new StrategicPatchError("cannot merge lists without merge key");
  const { deleted, additions, replaced } = readElements(patch as readonly Members[], mergeKey);
  if (replaced) return additions;
  const gone = new ElementIndex(deleted, undefined);
  const before = original.filter((each) => gone.find(identity(each, mergeKey)) < 0);
  const merged = [...before];
  const index = new ElementIndex(merged, mergeKey);
  for (const element of additions) {
    if (element[mergeKey] === undefined) throw noMergeKey(element, mergeKey);
    const at = index.find(element[mergeKey]);
    const known = merged[at];
    if (at >= 0 && isObject(known)) merged[at] = mergeObject(known, element, field.schema ?? noSchema);
    else index.add(merged.push(element) - 1, element);
  }
  return orderElements(merged, additions, before, mergeKey);
}

/** The elements of a patch: deletions, additions, and whether the list is replaced. */
function readElements(
  patch: readonly Members[],
  mergeKey: string,
): { deleted: unknown[]; additions: Members[]; replaced: boolean } {
  const deleted: unknown[] = [];
  const additions: Members[] = [];
  let replaced = false;
  for (const element of patch) {
    const special = element[directive];
    if (special === undefined) additions.push(element);
    else if (special === "delete") {
      if (element[mergeKey] === undefined) throw noMergeKey(element, mergeKey);
      deleted.push(element[mergeKey]);
    } else if (special === "replace") replaced = true;
    else if (special === "merge")
      throw new StrategicPatchError("merging lists cannot yet be specified in the patch");
    else throw unknownDirective(special, element);
  }
  return { deleted, additions, replaced };
}

function deleteFromList(result: Members, name: string, gone: unknown): void {
  const before = result[name];
  if (gone === null) {
    delete result[name];
    return;
  }
  if (!Array.isArray(gone) || !Array.isArray(before)) return;
  checkElements(before, gone);
  const index = new ElementIndex(gone, undefined);
  setMember(
    result,
    name,
    before.filter((each) => index.find(each) < 0),
  );
}

const unknownList = (name: string, { name: struct }: PatchSchema): StrategicPatchError =>
  new StrategicPatchError(
    struct === undefined
      ? "merging an object in json but data type is not struct, instead is: map"
      : `unable to find api field in struct ${struct} for the json field ${goQuote(name)}`,
  );

/** A list with the order of its elements; both are removed from the patch. */
function mergeOrdered(result: Members, patch: Members, directiveName: string, schema: PatchSchema): void {
  const name = directiveName.slice(elementOrder.length);
  const wanted = patch[directiveName];
  delete patch[directiveName];
  if (!Array.isArray(wanted)) throw wrongType("[]interface {}", wanted);
  const before = result[name];
  const given = patch[name];
  if (before !== undefined && !Array.isArray(before)) throw wrongType("[]interface {}", before);
  if (given !== undefined && !Array.isArray(given)) throw wrongType("[]interface {}", given);
  const field = schema.field(name);
  if (!field || schema.name === undefined) throw unknownList(name, schema);
  checkOrder(given ?? [], wanted, field.mergeKey);
  if (before === undefined && given === undefined) return;
  let merged: unknown[];
  if (given === undefined) merged = before ?? [];
  else if (before === undefined) merged = withoutDirectives(given) as unknown[];
  else merged = field.strategies.includes("merge") ? mergeList(before, given, field) : given;
  delete patch[name];
  checkOrderable(merged, wanted, field.mergeKey);
  if (!before?.length && !given?.length)
    throw new StrategicPatchError("no elements in any of the given slices");
  checkElements(before ?? [], given ?? []);
  if (field.mergeKey !== undefined && isObject(before?.[0] ?? given?.[0])) checkKeys(wanted, field.mergeKey);
  setMember(result, name, orderElements(merged, wanted, before ?? [], field.mergeKey));
}

/** Every element has a key for its position. */
function checkOrderable(merged: readonly unknown[], wanted: readonly unknown[], mergeKey?: string): void {
  if (mergeKey === undefined) return;
  checkKeys(merged, mergeKey);
  const odd = wanted.findIndex((each) => !isObject(each));
  if (odd < 0 || merged.length === 0) return;
  const before = new ElementIndex(wanted.slice(0, odd), mergeKey);
  if (merged.some((each) => before.placeOf(each) < 0))
    throw new StrategicPatchError(`value for key ${odd} is not a map`);
}

function checkKeys(list: readonly unknown[], mergeKey: string): void {
  for (const each of list) {
    if (!isObject(each)) throw wrongType("map[string]interface {}", each);
    if (each[mergeKey] === undefined) throw noMergeKey(each, mergeKey);
  }
}

/** Elements of the patch are in the wanted order. */
function checkOrder(
  given: readonly unknown[],
  wanted: readonly unknown[],
  mergeKey: string | undefined,
): void {
  if (given.length === 0 || wanted.length === 0) return;
  const key = (element: unknown): unknown => {
    if (mergeKey === undefined) return element;
    if (!isObject(element)) throw wrongType("map[string]interface {}", element);
    if (element[mergeKey] === undefined) throw noMergeKey(element, mergeKey);
    return element[mergeKey];
  };
  const plain = given.filter((each) => !(isObject(each) && each[directive] !== undefined));
  let next = 0;
  for (const each of wanted) if (next < plain.length && key(plain[next]) === key(each)) next++;
  if (next < plain.length) {
    throw new StrategicPatchError(
      `The order in patch list:\n${goText(given)}\n doesn't match $setElementOrder list:\n${goText(wanted)}\n`,
    );
  }
}
