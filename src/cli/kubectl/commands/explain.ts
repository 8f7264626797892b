import { UsageError } from "../../flags.ts";
import type { Command, Context } from "../command.ts";
import { apiVersionOf } from "../targets.ts";

interface Schema {
  type?: string;
  format?: string;
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: Schema;
  allOf?: Schema[];
  $ref?: string;
  enum?: string[];
  "x-kubernetes-group-version-kind"?: { group: string; version: string; kind: string }[];
}

type Components = Record<string, Schema>;

export const command: Command = {
  summary: "Explains a kind and its fields from the server's own schema.",
  usage: "explain TYPE[.FIELD...] [--recursive] [--api-version GROUP/VERSION]",
  flags: [
    { long: "recursive", type: "boolean", help: "all fields below, without descriptions" },
    { long: "api-version", type: "string", help: "of this group and version" },
    { long: "output", short: "o", type: "string", help: "plaintext" },
  ],
  async run(context, { flags, args }) {
    const [word] = args;
    if (!word)
      throw new UsageError(
        'You must specify the type of resource to explain. Use "wherry kubectl api-resources" for a complete list of supported resources.',
      );
    const [type = "", ...fields] = word.split(".");
    let resource = await context.mapper.require(type);
    const wanted = flags.text("api-version");
    if (wanted) {
      const other = (await context.mapper.all()).find(
        (r) => apiVersionOf(r) === wanted && r.plural === resource.plural,
      );
      if (!other) throw new Error(`couldn't find resource for "${wanted}, Resource=${resource.plural}"`);
      resource = other;
    }
    const schemas = await schemasOf(context, resource.group, resource.version);
    const root = Object.values(schemas).find((schema) =>
      schema["x-kubernetes-group-version-kind"]?.some(
        (g) => g.group === resource.group && g.version === resource.version && g.kind === resource.kind,
      ),
    );
    if (!root) throw new Error(`the server has no schema for ${resource.kind} in ${apiVersionOf(resource)}`);
    let at = root;
    let field: { name: string; schema: Schema } | undefined;
    for (const name of fields) {
      const next = resolve(at, schemas).properties?.[name];
      if (!next) throw new Error(`field "${name}" does not exist`);
      field = { name, schema: next };
      at = inner(next, schemas);
    }
    const { io } = context;
    if (resource.group !== "") io.out(`GROUP:      ${resource.group}\n`);
    io.out(`KIND:       ${resource.kind}\nVERSION:    ${resource.version}\n\n`);
    if (field)
      io.out(`FIELD: ${field.name} <${typeText(field.schema, schemas)}>\n${enumText(field.schema, "")}\n`);
    const description = field?.schema.description ?? at.description ?? "<empty>";
    io.out(`DESCRIPTION:\n${wrap(description, 4)}\n`);
    const properties = resolve(at, schemas).properties;
    if (properties) {
      io.out("FIELDS:\n");
      writeFields(io.out, at, schemas, 1, flags.on("recursive"), new Set());
      io.out("\n");
    }
    return 0;
  },
};

async function schemasOf({ session }: Context, group: string, version: string): Promise<Components> {
  const index = await session.get<{ paths: Record<string, { serverRelativeURL: string }> }>("/openapi/v3");
  const key = group === "" ? `api/${version}` : `apis/${group}/${version}`;
  const url = index.paths[key]?.serverRelativeURL;
  if (!url) throw new Error(`the server has no OpenAPI document for ${key}`);
  const document = await session.get<{ components?: { schemas?: Components } }>(url);
  return document.components?.schemas ?? {};
}

function resolve(schema: Schema, schemas: Components): Schema {
  const reference = schema.$ref ?? schema.allOf?.[0]?.$ref;
  const target = reference ? schemas[reference.slice(reference.lastIndexOf("/") + 1)] : undefined;
  return target ? resolve(target, schemas) : schema;
}

/** The schema with a field's own fields: of the object, or of a list's items or a map's values. */
function inner(schema: Schema, schemas: Components): Schema {
  const own = resolve(schema, schemas);
  if (own.items) return inner(own.items, schemas);
  if (own.additionalProperties && typeof own.additionalProperties === "object")
    return inner(own.additionalProperties, schemas);
  return own;
}

function typeText(schema: Schema, schemas: Components): string {
  const reference = schema.$ref ?? schema.allOf?.[0]?.$ref;
  const own = resolve(schema, schemas);
  if (own.type === "array" && own.items) return `[]${typeText(own.items, schemas)}`;
  if (own.additionalProperties && typeof own.additionalProperties === "object")
    return `map[string]${typeText(own.additionalProperties, schemas)}`;
  if (reference) return reference.slice(reference.lastIndexOf(".") + 1);
  return own.type === "object" ? "Object" : (own.type ?? "Object");
}

function enumText(schema: Schema, indent: string): string {
  return schema.enum?.length
    ? `${indent}ENUM:\n${schema.enum.map((value) => `${indent}    ${value}\n`).join("")}`
    : "";
}

/** One line with the first four values. */
function shortEnum({ enum: values = [] }: Schema, indent: string): string {
  if (values.length === 0) return "";
  return `${indent}enum: ${values.slice(0, 4).join(", ")}${values.length > 4 ? ", ...." : ""}\n`;
}

function writeFields(
  out: (text: string) => void,
  schema: Schema,
  schemas: Components,
  depth: number,
  recursive: boolean,
  above: ReadonlySet<Schema>,
): void {
  const own = resolve(schema, schemas);
  const required = new Set(own.required ?? []);
  const indent = "  ".repeat(depth);
  for (const [name, field] of Object.entries(own.properties ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))) {
    out(`${indent}${name}\t<${typeText(field, schemas)}>${required.has(name) ? " -required-" : ""}\n`);
    if (recursive) {
      const next = inner(field, schemas);
      out(shortEnum(field, indent));
      if (next.properties && !above.has(next))
        writeFields(out, next, schemas, depth + 1, true, new Set([...above, next]));
    } else {
      out(enumText(field, indent));
      out(`${wrap(field.description ?? "<no description>", depth * 2 + 2)}\n`);
    }
  }
}

/** Text wrapped at 80 characters and indented. */
function wrap(text: string, indent: number): string {
  const margin = " ".repeat(indent);
  const out: string[] = [];
  for (const paragraph of text.split("\n")) {
    let line = "";
    for (const word of paragraph.split(/\s+/).filter(Boolean)) {
      if (line !== "" && margin.length + line.length + 1 + word.length > 80) {
        out.push(margin + line);
        line = word;
      } else line = line === "" ? word : `${line} ${word}`;
    }
    out.push(line === "" ? "" : margin + line);
  }
  return `${out.join("\n")}\n`;
}
