/** Reads the generated models of `@kubernetes/client-node` and joins them with the facts table. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Facts } from "./facts.ts";
import type { Texts } from "./texts.ts";

export interface Field {
  /** Name in JSON. */
  name: string;
  /** Type as the client writes it, e.g. `Array<V1Container>`, `{ [key: string]: string; }`. */
  type: string;
  format: string;
  required: boolean;
  description: string;
}

export interface Model {
  name: string;
  description: string;
  fields: Field[];
}

interface Attribute {
  name: string;
  baseName: string;
  type: string;
  format: string;
}

/** Quotes are escaped, and what would end a comment is kept apart. */
const unescape = (text: string): string => text.replaceAll(/\\(['"\\])/g, "$1").replaceAll("*_/", "*/");

function docBefore(text: string, end: number): string {
  const open = text.lastIndexOf("/**", end);
  const close = text.lastIndexOf("*/", end);
  if (open < 0 || close < open || text.slice(close + 2, end).trim() !== "") return "";
  return unescape(
    text
      .slice(open + 3, close)
      .split("\n")
      .map((line) => line.replace(/^\s*\* ?/, ""))
      .join("\n")
      .trim(),
  );
}

export function readModel(directory: string, name: string): Model {
  const declaration = readFileSync(join(directory, `${name}.d.ts`), "utf8");
  const code = readFileSync(join(directory, `${name}.js`), "utf8");
  const start = code.indexOf(`${name}.attributeTypeMap = [`);
  const table = code.slice(code.indexOf("[", start), code.indexOf("];", start) + 1);
  const attributes = start < 0 ? [] : (JSON.parse(table) as Attribute[]);
  const fields = attributes.map((attribute): Field => {
    const at = declaration.search(new RegExp(`^    '${attribute.name.replaceAll("$", "\\$")}'\\??:`, "m"));
    const required = declaration[at + 4 + attribute.name.length + 2] !== "?";
    return {
      name: attribute.baseName,
      type: attribute.type,
      format: attribute.format,
      required,
      description: docBefore(declaration, at),
    };
  });
  return { name, description: docBefore(declaration, declaration.indexOf("export declare class")), fields };
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** The fields of a Go struct as JSON shows them: embedded structs are opened. */
function jsonFields(facts: Facts, definition: string): Map<string, string> {
  const found = new Map<string, string>();
  const dot = definition.lastIndexOf(".");
  const types = facts.packages[definition.slice(0, dot)]?.types;
  for (const [name, text] of Object.entries(types?.[definition.slice(dot + 1)] ?? {})) {
    if (name === "()") continue;
    const inner = text.split(" ")[1] as string;
    if (name.startsWith("(")) {
      const full = inner.startsWith(".") ? `io.k8s${inner}` : `${definition.slice(0, dot)}.${inner}`;
      for (const [key, value] of jsonFields(facts, full)) found.set(key, value);
    } else found.set(name, text);
  }
  return found;
}

/** Model name -> OpenAPI definition name. Where two packages have a type of that name, the better matching one wins. */
export function definitionNames(models: readonly Model[], facts: Facts): Map<string, string> {
  const byName = new Map(models.map((model) => [model.name, model]));
  const found = new Map<string, { name: string; score: number }>();
  for (const [prefix, each] of Object.entries(facts.packages)) {
    const [segment, version] = prefix.split(".").slice(-2) as [string, string];
    for (const type of Object.keys(each.types)) {
      const definition = `${prefix}.${type}`;
      for (const name of [`${capital(segment)}${capital(version)}${type}`, `${capital(version)}${type}`]) {
        const model = byName.get(name);
        if (!model) continue;
        const fields = jsonFields(facts, definition);
        const misses = model.fields.filter(
          (f) => !fields.has(f.name) && f.name !== "apiVersion" && f.name !== "kind",
        ).length;
        const score = misses + Math.abs(fields.size - model.fields.length) / 100;
        const best = found.get(name);
        if (!best || score < best.score) found.set(name, { name: definition, score });
        break;
      }
    }
  }
  return new Map([...found].filter(([, value]) => value.score < 1).map(([key, value]) => [key, value.name]));
}

const scalars: Record<string, string> = {
  boolean: "b",
  any: "x",
  object: "x",
  IntOrString: "ios",
  Date: "t",
  V1MicroTime: "u",
};

/** An object that is there or not. */
const withoutFields =
  "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceSubresourceStatus";

/** Types that decode in a way of their own, or have no fields. */
const ownShapes: Record<string, string> = {
  JSONSchemaPropsOrArray: "sa",
  JSONSchemaPropsOrBool: "sb",
  CustomResourceSubresourceStatus: "@CustomResourceSubresourceStatus",
};

/** A model's type in the shape notation of src/api/schema.ts. */
function shapeType(
  field: Field,
  type: string,
  raw: string,
  names: ReadonlyMap<string, string>,
  prefix: string,
): string {
  const list = /^Array<(.+)>$/.exec(type);
  if (list) return `[${shapeType(field, list[1] as string, raw.replace(/^\[\]/, ""), names, prefix)}`;
  const map = /^\{ \[key: string\]: (.+); \}$/.exec(type);
  if (map) return `{${shapeType(field, map[1] as string, raw.replace(/^map<(.*)>$/, "$1"), names, prefix)}`;
  if (raw.endsWith(".Quantity")) return "q";
  if (raw.endsWith(".IntOrString")) return "ios";
  const own = ownShapes[raw.slice(raw.lastIndexOf(".") + 1)];
  if (own) return own;
  if (raw.endsWith(".RawExtension")) return "x";
  if (raw.endsWith("FieldsV1")) return "o";
  if (raw === "bytes" && type === "string") return "y";
  const scalar = scalars[type];
  if (scalar) return scalar;
  if (type === "string") return field.format === "byte" ? "y" : field.format === "date-time" ? "t" : "s";
  if (type === "number") {
    if (field.format === "int64" || raw === "int64") return "i64";
    return field.format === "double" || raw === "double" || field.format === "float" ? "d" : "i32";
  }
  const name = names.get(type);
  if (!name) return "x";
  return name.startsWith(`${prefix}.`) ? `@${name.slice(prefix.length + 1)}` : `@${name}`;
}

/** Definition name -> field -> shape; see src/api/schema.ts for the notation. */
export function shapes(
  models: readonly Model[],
  facts: Facts,
  names: ReadonlyMap<string, string>,
  enums: Texts["enums"],
): Record<string, Record<string, string>> {
  const out: Record<string, Record<string, string>> = { [withoutFields]: {} };
  for (const model of models) {
    const definition = names.get(model.name);
    if (!definition) continue;
    const prefix = definition.slice(0, definition.lastIndexOf("."));
    const known = jsonFields(facts, definition);
    const fields: Record<string, string> = {};
    // In the order of the Go struct, in which Go writes an object.
    const order = [...known.keys()];
    const ordered = [...model.fields].sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
    for (const field of ordered) {
      const text = known.get(field.name) ?? "";
      const [body = "", value] = text.split(" default=");
      const flags = body.split(" ").slice(2);
      const parts = [shapeType(field, field.type, body.split(" ")[1] ?? "", names, prefix)];
      if (field.required) parts.push("r");
      // `o`: Go leaves it out when it is empty (and is no pointer, which tells nothing from empty).
      const pointer = / \*( |$)/.test(body);
      const always = / !( |$)/.test(body);
      if (/ \?( |$)/.test(body) && !always && !pointer) parts.push("o");
      // `w`: Go writes it even when nobody gave it: what is required, and structs.
      const time = /^[tu]$/.test(parts[0] as string) && model.name !== "V1ObjectMeta";
      const struct = (time || /^(@|q$|ios$)/.test(parts[0] as string)) && !pointer;
      if (always || (struct && body !== "")) parts.push(pointer ? "wp" : "w");
      for (const flag of flags) {
        if (/^(key|patch|list|keys|map|go)=/.test(flag)) parts.push(flag);
      }
      const values = enums[definition]?.[field.name];
      // A space would end the flag.
      if (values) parts.push(`enum=${values.join("|").replaceAll(" ", "\u00a0")}`);
      if (value !== undefined) parts.push(`default=${value}`);
      fields[field.name] = parts.join(" ");
    }
    const own = facts.packages[prefix]?.types[definition.slice(prefix.length + 1)]?.["()"];
    if (own) fields["()"] = own;
    out[definition] = fields;
  }
  return out;
}

/** Definition name -> field -> description; the type's own under the empty name. */
export function describe(
  models: readonly Model[],
  names: ReadonlyMap<string, string>,
): Record<string, Record<string, string>> {
  const out: Record<string, Record<string, string>> = {};
  for (const model of models) {
    const definition = names.get(model.name);
    if (!definition) continue;
    out[definition] = Object.fromEntries([
      ["", model.description],
      ...model.fields
        .filter((field) => field.description !== "")
        .map((field) => [field.name, field.description]),
    ]);
  }
  return out;
}

/** Definition name -> field -> `<number> <type>`, embedded structs as `(Name)`. */
export function protobufTable(facts: Facts): Record<string, Record<string, string>> {
  const out: Record<string, Record<string, string>> = {};
  for (const [prefix, each] of Object.entries(facts.packages)) {
    for (const [type, fields] of Object.entries(each.types)) {
      const numbered = Object.entries(fields).filter(([, text]) => /^[1-9]/.test(text));
      out[`${prefix}.${type}`] = Object.fromEntries(
        numbered.map(([name, text]) => [
          name,
          text.split(" ", 2).join(" ") +
            (/ !( |$)/.test(text) ? " !" : "") +
            (/ \*( |$)/.test(text) ? " *" : ""),
        ]),
      );
    }
  }
  return out;
}
