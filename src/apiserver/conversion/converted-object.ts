/** Checks what a webhook changed of an object's metadata: only labels and annotations may. Pure. */
import { type FieldError, type KubeObject, validateAnnotations, validateLabels } from "../../api/index.ts";
import { deepClone, goType, isObject } from "../../machinery/index.ts";

/** An object's kind as Go prints it. */
export const kindOf = (object: KubeObject): string => `${object.apiVersion}, Kind=${object.kind}`;

/**
 * The webhook's conversion of `original` (which has no resource version), with the original's metadata except for labels and
 * annotations. Throws an Error with Kubernetes' words; `by` is the prefix of most.
 */
export function acceptConverted(
  original: KubeObject,
  value: unknown,
  apiVersion: string,
  by: string,
): KubeObject {
  const converted = decoded(value);
  const invalid = `${by} returned invalid object at index 0: invalid`;
  if (converted.apiVersion !== apiVersion)
    throw new Error(
      `${invalid} groupVersion (expected ${apiVersion}, received ${converted.apiVersion ?? ""})`,
    );
  if (converted.kind !== original.kind)
    throw new Error(`${invalid} kind (expected ${original.kind}, received ${converted.kind})`);
  const meta: Record<string, unknown> = isObject(converted.metadata) ? converted.metadata : {};
  for (const [member, name] of [
    ["name", "name"],
    ["namespace", "namespace"],
    ["uid", "UID"],
  ] as const) {
    const before = original.metadata?.[member] ?? "";
    const after = typeof meta[member] === "string" ? meta[member] : "";
    if (before !== after)
      throw new Error(`${by} returned invalid object: must have the same ${name}: ${before} != ${after}`);
  }
  try {
    converted.metadata = restored(original.metadata ?? {}, converted.metadata);
  } catch (cause) {
    throw new Error(`${by} returned invalid metadata: ${(cause as Error).message}`, { cause });
  }
  return converted;
}

function decoded(value: unknown): KubeObject {
  if (value === null || value === undefined) throw new Error("unexpected end of JSON input");
  if (!isObject(value)) {
    const what = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
    throw new Error(`json: cannot unmarshal ${what} into Go value of type map[string]interface {}`);
  }
  if (typeof value.kind !== "string" || value.kind === "")
    throw new Error(`Object 'Kind' is missing in '${JSON.stringify(value)}'`);
  return value as KubeObject;
}

type Meta = NonNullable<KubeObject["metadata"]>;

function restored(original: Meta, given: unknown): Meta {
  if (given === undefined) throw new Error("missing metadata in converted object");
  if (!isObject(given)) throw new Error(`invalid metadata of type ${goType(given)} in converted object`);
  const result = deepClone(original);
  for (const member of ["labels", "annotations"] as const) {
    const value = given[member];
    if (value === undefined || value === null) {
      delete result[member];
      continue;
    }
    if (!isObject(value))
      throw new Error(`invalid metadata.${member} of type ${goType(value)} in converted object`);
    for (const [name, each] of Object.entries(value))
      if (typeof each !== "string")
        throw new Error(
          `metadata.${member}[${name}] must be a string, but is ${goType(each)} in converted object`,
        );
    const texts = value as Record<string, string>;
    if (changed(original[member] ?? {}, texts)) checkTexts(member, texts);
    result[member] = texts;
  }
  return result;
}

function changed(before: Readonly<Record<string, string>>, after: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(after);
  return names.length !== Object.keys(before).length || names.some((name) => before[name] !== after[name]);
}

function checkTexts(member: "labels" | "annotations", texts: Record<string, string>): void {
  const errors: FieldError[] = [];
  if (member === "labels") validateLabels(texts, "metadata.labels", errors);
  else validateAnnotations(texts, "metadata.annotation", errors);
  const lines = [...new Set(errors.map(({ field, message }) => `${field}: ${message}`))];
  if (lines.length > 0) throw new Error(lines.length === 1 ? lines[0] : `[${lines.join(", ")}]`);
}
