/** How large what a schema allows may be, and how small in JSON: from these the worst cost of its rules is told. */
import { isObject } from "../../../machinery/index.ts";
import { isEmbedded, isIntOrString, type SchemaProps } from "../schema-props.ts";
import { escapeName, membersOf } from "./values.ts";

/** What a request holds at most, in bytes (apiserver celconfig.MaxRequestSizeBytes). */
const maxRequest = 3 * 1024 * 1024;

export interface Sizes {
  /** Letters, items or entries; 0 of what has none. */
  readonly max: number;
  /** Bytes in JSON, at least. */
  readonly bytes: number;
  readonly fields?: ReadonlyMap<string, Sizes>;
  readonly hasKeys?: boolean;
  /** Of the items of a list, or the values of a map. */
  readonly inner?: Sizes;
}

const bytesIn = (text: string): number => new TextEncoder().encode(text).length;
const limit = (value: number): number => Math.max(0, value);

/** Quotation marks take two of the bytes; a letter may be of four of them. */
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

/** undefined where rules see nothing. `resource`: the schema is of an object that is one. */
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
    // An entry has quotation marks, a colon, a comma and two letters for its key.
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
    // What has a default need not be sent.
    if (schema.required?.includes(name) && member.default === undefined)
      bytes += bytesIn(name) + sizes.bytes + 4;
  }
  return { max: 0, bytes, fields };
}

/** The size of what is found on a path of CEL, which begins with the variable that has `root`. */
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

/** How many values of the type a request can hold, each with a comma. */
export const mostInRequest = ({ bytes }: Sizes): number => Math.floor(maxRequest / (bytes + 1));
