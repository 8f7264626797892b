/** Maximum sizes of a schema's values, and minimum sizes in JSON: for the worst-case cost of rules. */
import { isObject } from "../../../machinery/index.ts";
import { isEmbedded, isIntOrString, type SchemaProps } from "../schema-props.ts";
import { escapeName, membersOf } from "./values.ts";

/** Size limit of requests, in bytes (apiserver celconfig.MaxRequestSizeBytes). */
const maxRequest = 3 * 1024 * 1024;

export interface Sizes {
  /** Characters, items or entries; 0 for scalars. */
  readonly max: number;
  /** Minimum bytes in JSON. */
  readonly bytes: number;
  readonly fields?: ReadonlyMap<string, Sizes>;
  readonly hasKeys?: boolean;
  /** Of a list's items, or a map's values. */
  readonly inner?: Sizes;
}

const bytesIn = (text: string): number => new TextEncoder().encode(text).length;
const limit = (value: number): number => Math.max(0, value);

/** Quotation marks take two bytes; a character may have four. */
const textMax = ({ maxLength }: SchemaProps): number =>
  maxLength === undefined ? maxRequest - 2 : 4 * limit(maxLength);

function textSizes(schema: SchemaProps): Sizes {
  switch (schema.format) {
    case "byte":
      return { max: schema.maxLength === undefined ? textMax(schema) : limit(schema.maxLength), bytes: 2 };
    case "duration":
      return { max: 32, bytes: 3 };
    case "date":
      return { max: 12, bytes: 12 };
    case "date-time":
      return { max: 32, bytes: 21 };
    default: {
      const words = schema.maxLength === undefined ? (schema.enum ?? []) : [];
      const lengths = words.map((word) => (typeof word === "string" ? bytesIn(word) : 0));
      return { max: words.length === 0 ? textMax(schema) : Math.max(...lengths), bytes: 2 };
    }
  }
}

/** undefined for values hidden from rules. `resource`: the schema is of an embedded resource. */
export function sizesOf(schema: SchemaProps, resource: boolean): Sizes | undefined {
  const inside = (inner: SchemaProps): Sizes | undefined => sizesOf(inner, isEmbedded(inner));
  if (isIntOrString(schema)) return { max: textMax(schema), bytes: 1 };
  switch (schema.type) {
    case "array": {
      const inner = schema.items && inside(schema.items);
      const max = schema.maxItems ?? Math.floor((maxRequest - 2) / ((inner?.bytes ?? 0) + 1));
      return inner && { max: limit(max), bytes: 2, inner };
    }
    case "object":
      return objectSizes(schema, resource, inside);
    case "string":
      return textSizes(schema);
    case "boolean":
      return { max: 0, bytes: 4 };
    case "number":
    case "integer":
      return { max: 0, bytes: 1 };
    default:
      return undefined;
  }
}

function objectSizes(
  schema: SchemaProps,
  resource: boolean,
  inside: (inner: SchemaProps) => Sizes | undefined,
): Sizes | undefined {
  if (isObject(schema.additionalProperties)) {
    const inner = inside(schema.additionalProperties as SchemaProps);
    // An entry has quotation marks, a colon, a comma and at least two bytes for its key.
    const max = schema.maxProperties ?? Math.floor((maxRequest - 2) / ((inner?.bytes ?? 0) + 6));
    return inner && { max: limit(max), bytes: 2, hasKeys: true, inner };
  }
  let bytes = 2;
  const fields = new Map<string, Sizes>();
  for (const [name, member] of Object.entries(membersOf(schema, resource))) {
    const sizes = inside(member);
    if (!sizes) continue;
    const known = escapeName(name);
    if (known !== undefined) fields.set(known, sizes);
    // Fields with a default may be omitted.
    if (schema.required?.includes(name) && member.default === undefined)
      bytes += bytesIn(name) + sizes.bytes + 4;
  }
  return { max: 0, bytes, fields };
}

/** The size of the value at a CEL path, which begins with the variable of `root`. */
export function sizeAt(root: Sizes, path: readonly string[]): number | undefined {
  let sizes: Sizes | undefined = root;
  for (const name of path.slice(1)) {
    if (name === "@items" || name === "@values") sizes = sizes.inner;
    else if (name === "@keys") sizes = sizes.hasKeys ? { max: 0, bytes: 2 } : undefined;
    else sizes = sizes.fields?.get(name);
    if (!sizes) return undefined;
  }
  return sizes.max;
}

/** Maximum number of values of the type in a request, each with a comma. */
export const mostInRequest = ({ bytes }: Sizes): number => Math.floor(maxRequest / (bytes + 1));
