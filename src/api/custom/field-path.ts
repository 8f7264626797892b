/** Paths like `.spec.size` or `.spec['a b']` through a schema, as rules and selectable fields use them. */
import { ownMember, type SchemaProps, valuesOf } from "./schema-props.ts";

export interface FoundField {
  /** The path without its first dot. */
  path: string;
  schema: SchemaProps | undefined;
}

/** The schema at the path, or why there is none. */
export function followPath(path: string, root: SchemaProps, arrayNotation: boolean): FoundField | string {
  const tokens = path.match(/'(?:\\.|[^'\\])*'|[.[\]]|[^.[\]]+/g) ?? [];
  let schema: SchemaProps | undefined = root;
  let found = "";
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as string;
    let name = tokens[++i];
    if (token === "[") {
      if (!arrayNotation) return "array notation is not allowed";
      if (name === undefined) return "unexpected end of JSON path";
      if (!/^'.*'$/.test(name) || name.length < 2) return `expected single quoted string but got ${name}`;
      name = name.slice(1, -1).replace(/\\(.)/g, "$1");
    } else if (token !== ".") return `expected [ or . but got: ${token}`;
    else if (name === undefined) return "unexpected end of JSON path";
    const inner: SchemaProps | undefined = schema?.properties
      ? ownMember(schema.properties, name)
      : schema?.additionalProperties !== undefined
        ? valuesOf(schema)
        : undefined;
    if (!inner) return "does not refer to a valid field";
    found += schema?.properties ? `${found === "" ? "" : "."}${name}` : `[${name}]`;
    schema = inner;
    if (token !== "[") continue;
    const end = tokens[++i];
    if (end === undefined) return "unexpected end of JSON path";
    if (end !== "]") return `expected ] but got ${end}`;
  }
  return { path: found, schema };
}
