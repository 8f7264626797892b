/** Kubernetes' order of schema members, so that equal documents are equal texts. */
import type { Json } from "./model.ts";

const order = [
  "description",
  "type",
  "nullable",
  "format",
  "title",
  "default",
  "maximum",
  "exclusiveMaximum",
  "minimum",
  "exclusiveMinimum",
  "maxLength",
  "minLength",
  "pattern",
  "maxItems",
  "minItems",
  "uniqueItems",
  "multipleOf",
  "enum",
  "maxProperties",
  "minProperties",
  "required",
  "items",
  "allOf",
  "oneOf",
  "anyOf",
  "not",
  "properties",
  "additionalProperties",
  "$ref",
];
const ranks = new Map(order.map((name, i) => [name, i]));
const byRank = ([a]: [string, unknown], [b]: [string, unknown]): number =>
  (ranks.get(a) ?? order.length) - (ranks.get(b) ?? order.length) || (a < b ? -1 : 1);

export const sorted = <T>(record: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));

const isSchema = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A schema with its members in order, at all levels. */
export function arrange(schema: Json): Json {
  const made = Object.fromEntries(Object.entries(schema).sort(byRank)) as Json;
  if (isSchema(made.properties)) {
    const properties = Object.entries(made.properties).map(([name, each]) => [name, arrange(each as Json)]);
    made.properties = sorted(Object.fromEntries(properties));
  }
  for (const name of ["items", "additionalProperties", "not"])
    if (isSchema(made[name])) made[name] = arrange(made[name]);
  for (const name of ["allOf", "oneOf", "anyOf"])
    if (Array.isArray(made[name])) made[name] = made[name].map((each) => arrange(each as Json));
  return made;
}
