/** Determines which schemas need CEL. */
import { isObject } from "../../../machinery/index.ts";
import { celReady } from "../../cel-engine.ts";
import type { SchemaProps } from "../schema-props.ts";

/** Whether the schema, or one in it, has rules. */
export function hasRules(schema: SchemaProps): boolean {
  if ((schema["x-kubernetes-validations"]?.length ?? 0) > 0) return true;
  if (schema.items && hasRules(schema.items)) return true;
  if (isObject(schema.additionalProperties) && hasRules(schema.additionalProperties as SchemaProps))
    return true;
  return Object.values(schema.properties ?? {}).some(hasRules);
}

/** Loads CEL for the schemas' rules; undefined when they have none. */
export function rulesReady(schemas: readonly SchemaProps[]): Promise<void> | undefined {
  return schemas.some(hasRules) ? celReady() : undefined;
}
