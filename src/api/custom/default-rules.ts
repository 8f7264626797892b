/** Defaults must be valid by the schema, and contain nothing that it prunes. */
import { invalid, isObject } from "../../machinery/index.ts";
import type { FieldError } from "../definition.ts";
import { celEngine } from "../cel-engine.ts";
import { embeddedProblems } from "./embedded.ts";
import { prune } from "./prune.ts";
import { compileLevel } from "./rules/compile.ts";
import { hasRules } from "./rules/engine.ts";
import { asDecoded } from "./decoded.ts";
import { defaultRuleProblems } from "./rules/evaluate.ts";
import { isEmbedded, type SchemaProps } from "./schema-props.ts";
import { validateAt } from "./validate.ts";

const identity = new Set(["metadata", "kind", "apiVersion"]);

/** `root`: the schema of a whole resource. */
export function defaultProblems(schema: SchemaProps, path: string): FieldError[] {
  const errors: FieldError[] = [];
  visit({ ...schema, "x-kubernetes-embedded-resource": true }, path, false, errors);
  return errors;
}

function visit(schema: SchemaProps, path: string, inMetadata: boolean, errors: FieldError[]): void {
  const inside = inMetadata && !isEmbedded(schema);
  if (schema.default !== undefined) checkDefault(schema, `${path}.default`, inside, errors);
  if (schema.items) visit(schema.items, `${path}.items`, inside, errors);
  for (const [name, inner] of Object.entries(schema.properties ?? {}))
    visit(inner, `${path}.properties[${name}]`, inside || (isEmbedded(schema) && identity.has(name)), errors);
}

function checkDefault(schema: SchemaProps, path: string, inMetadata: boolean, errors: FieldError[]): void {
  const { default: value } = schema;
  if (!inMetadata) {
    const copy = structuredClone(value);
    if (prune(schema, copy, isEmbedded(schema)).length > 0)
      errors.push(invalid(path, value, "must not have unknown fields"));
    const found = embeddedProblems(schema, value, path);
    if (found.length > 0) {
      errors.push(...found);
      return;
    }
  }
  const { default: seen } = asDecoded({ default: value }, schema);
  const mistakes = validateAt(withoutChoice(schema), seen, path);
  errors.push(...(mistakes.length > 0 ? mistakes : checkRules(schema, seen, path)));
}

/** int-or-string is not checked for defaults, but in objects with them. */
function withoutChoice(schema: SchemaProps): SchemaProps {
  const { properties, items, additionalProperties: values, ...own } = schema;
  delete own["x-kubernetes-int-or-string"];
  return {
    ...own,
    ...(properties
      ? {
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, inner]) => [name, withoutChoice(inner)]),
          ),
        }
      : {}),
    ...(items ? { items: withoutChoice(items) } : {}),
    ...(values === undefined
      ? {}
      : { additionalProperties: isObject(values) ? withoutChoice(values as SchemaProps) : values }),
  };
}

function checkRules(schema: SchemaProps, value: unknown, path: string): FieldError[] {
  const cel = hasRules(schema) ? celEngine() : undefined;
  const level = cel && compileLevel(cel, schema, isEmbedded(schema));
  return cel && level ? defaultRuleProblems(cel, level, path, value) : [];
}
