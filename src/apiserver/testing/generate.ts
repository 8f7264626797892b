/** Random objects of any kind, out of the schema table: for tests that must hold for every kind. */
import { type FieldSchema, type KindDefinition, schemaOf, type TypeSchema } from "../../api/index.ts";

/** 0 <= result < sides. */
export type Dice = (sides: number) => number;

/** A small generator with a seed, so that a failure can be repeated. */
export function dice(seed: number): Dice {
  let state = (seed % 2147483646) + 1;
  return (sides) => {
    state = (state * 48271) % 2147483647;
    return state % sides;
  };
}

const words = [
  "a",
  "zebra",
  "Ünïcode 語 🚢",
  "yes",
  "1.5",
  "null",
  " lead",
  "two\nlines",
  "a: b",
  "x".repeat(80),
  "0x1F",
  "-",
  "~",
];
const times = ["2024-02-29T23:59:59Z", "1969-12-31T23:59:58Z", "2026-11-28T05:36:34Z"];
const quantities = ["1", "500m", "1Gi", "-3", "1500u", "12e6"];
const longs = [1, -1, 2147483648, -(2 ** 40), 9007199254740993n, -9223372036854775808n, 9223372036854775807n];
/** Deeper than this nothing optional is filled in: some types contain themselves. */
const maxDepth = 9;

/** An object of the kind; every text, number and list is likely to be there. Empty values are not made: Go drops them. */
export function generateObject(def: KindDefinition, roll: Dice): Record<string, unknown> {
  const apiVersion = def.group === "" ? def.version : `${def.group}/${def.version}`;
  const type = schemaOf(def.schema as string) as TypeSchema;
  return { ...generateType(type, roll, 0), kind: def.kind, apiVersion };
}

function generateType(type: TypeSchema, roll: Dice, depth: number): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [name, field] of type.fields) {
    // Whole objects inside of others have no place for them in protobuf.
    if ((name === "apiVersion" || name === "kind") && (depth === 0 || type.fields.has("metadata"))) continue;
    if (depth > maxDepth || roll(depth < 3 ? 8 : 3) === 0) continue;
    // A message without fields, of which the models say only that it is an object.
    out[name] =
      name === "status" && type.name.endsWith(".CustomResourceSubresources")
        ? {}
        : generateValue(field, roll, depth);
  }
  return out;
}

function generateValue(field: FieldSchema, roll: Dice, depth: number): unknown {
  const pick = <T>(list: readonly T[]): T => list[roll(list.length)] as T;
  switch (field.type) {
    case "string":
      return pick(words);
    case "boolean":
      return true;
    case "int32":
      return pick([1, -1, 2147483647, -2147483648, 80]);
    case "int64":
      return pick(longs);
    case "double":
      return pick([0.5, -1e21, 3]);
    case "time":
      return pick(times);
    case "micro-time":
      return pick(times).replace("Z", `.${pick(["000001", "500000", "000000"])}Z`);
    case "quantity":
      return pick(quantities);
    case "int-or-string":
      return pick<number | string>([8080, -1, "http", "25%"]);
    case "bytes":
      return Buffer.from(pick(words)).toString("base64");
    case "object":
    case "any":
      // Also a schema, which three types of CustomResourceDefinitions have here.
      return pick([{ type: "string" }, { description: "x", maximum: 5 }]);
    case "ref":
      return generateType(schemaOf(field.ref as string) as TypeSchema, roll, depth + 1);
    case "list":
      return Array.from({ length: 1 + roll(2) }, () =>
        generateValue(field.element as FieldSchema, roll, depth + 1),
      );
    case "map":
      return Object.fromEntries(
        [...new Set([pick(words), pick(words)])].map((key) => [
          key,
          generateValue(field.element as FieldSchema, roll, depth + 1),
        ]),
      );
  }
}
