/** The schema of a type for field ownership, as machinery/apply needs it. */
import {
  compareText,
  deducedShape,
  type FieldShape,
  type MapShape,
  type Shape,
  untypedShape,
} from "../machinery/index.ts";
import { type FieldSchema, typeOf, type TypeSchema } from "./schema.ts";
import { zero } from "./written.ts";

const shapes = new WeakMap<TypeSchema, Shape>();

/** Fields are built on demand. */
export function shapeOfType(type: TypeSchema): Shape {
  let shape = shapes.get(type);
  if (!shape) {
    shape = { map: structOf(type, type.mapType === "atomic") };
    shapes.set(type, shape);
  }
  return shape;
}

function structOf(type: TypeSchema, atomic: boolean): MapShape {
  const fields = new Map<string, FieldShape>();
  let ranks: Map<string, number> | undefined;
  let implied: FieldShape[] | undefined;
  return {
    atomic,
    struct: type.fields.size > 0,
    get implied() {
      implied ??= [...type.fields]
        .filter(([, schema]) => schema.written)
        .map(([name]) => this.field(name) as FieldShape);
      return implied;
    },
    element: type.open ? deducedShape : undefined,
    field(name) {
      const known = fields.get(name);
      if (known) return known;
      const schema = type.fields.get(name);
      // Undeclared names are data, so they are not cached.
      if (!schema) return undefined;
      ranks ??= new Map([...type.fields.keys()].sort(compareText).map((each, rank) => [each, rank]));
      const field = fieldOf(name, schema, ranks.get(name) as number);
      fields.set(name, field);
      return field;
    },
  };
}

/** Go structs exist even when empty; likewise JSON that is kept as text. */
const structs: ReadonlySet<FieldSchema["type"]> = new Set(["ref", "object", "any"]);

function fieldOf(name: string, schema: FieldSchema, rank: number): FieldShape {
  return {
    name,
    step: `f:${name}`,
    quoted: JSON.stringify(`f:${name}`),
    rank,
    shape: shapeOf(schema),
    omitsEmpty: schema.omitEmpty === true && !structs.has(schema.type),
    ...(schema.written ? { implied: zero(schema) } : {}),
    ...(schema.default === undefined
      ? schema.written
        ? { fallback: zero(schema) }
        : {}
      : { fallback: schema.default }),
  };
}

const text: Shape = { scalar: "string" };
const truth: Shape = { scalar: "boolean" };
const numeric: Shape = { scalar: "numeric" };
const scalar: Shape = { scalar: "untyped" };

/** An object with any content. */
const open = (atomic: boolean): Shape => ({
  map: { atomic, field: () => undefined, implied: [], element: deducedShape },
});
const openShape = open(false);
/** Likewise, atomic. */
const openAtomicShape = open(true);

function shapeOf(schema: FieldSchema): Shape {
  switch (schema.type) {
    case "string":
      return schema.anyScalar ? scalar : text;
    case "bytes":
    case "time":
    case "micro-time":
      return text;
    case "boolean":
      return truth;
    case "int32":
    case "int64":
    case "double":
      return numeric;
    case "quantity":
      return scalar;
    case "int-or-string":
      return schema.deduced ? deducedShape : scalar;
    case "object":
    case "any":
      if (!schema.deduced) return untypedShape;
      if (schema.mapType === "atomic") return openAtomicShape;
      return schema.onlyObjects ? openShape : deducedShape;
    case "ref": {
      if (schema.deduced) return schema.mapType === "atomic" ? openAtomicShape : openShape;
      const type = typeOf(schema);
      if (!type) return deducedShape;
      // A field may override its type's ownership.
      const atomic = schema.mapType ? schema.mapType === "atomic" : type.mapType === "atomic";
      return atomic === (type.mapType === "atomic") ? shapeOfType(type) : { map: structOf(type, atomic) };
    }
    case "list":
      return {
        list: {
          relation: schema.listType === "set" || schema.listType === "map" ? schema.listType : "atomic",
          keys: schema.listMapKeys ?? [],
          element: shapeOf(schema.element as FieldSchema),
        },
      };
    case "map":
      return {
        map: {
          atomic: schema.mapType === "atomic",
          implied: [],
          field: () => undefined,
          element: shapeOf(schema.element as FieldSchema),
        },
      };
  }
}
