/** The engine of CEL, there from the first definition with rules on. */
import { type Cel, isObject, loadCel } from "../../../machinery/index.ts";
import type { SchemaProps } from "../schema-props.ts";

let engine: Cel | undefined;

/** undefined until `rulesReady` was awaited for a schema with rules. */
export const celEngine = (): Cel | undefined => engine;

/** Whether the schema, or one in it, has rules. */
export function hasRules(schema: SchemaProps): boolean {
  if ((schema["x-kubernetes-validations"]?.length ?? 0) > 0) return true;
  if (schema.items && hasRules(schema.items)) return true;
  if (isObject(schema.additionalProperties) && hasRules(schema.additionalProperties as SchemaProps))
    return true;
  return Object.values(schema.properties ?? {}).some(hasRules);
}

/** Loads what the schemas' rules need; undefined when they have none. */
export function rulesReady(schemas: readonly SchemaProps[]): Promise<void> | undefined {
  if (engine || !schemas.some(hasRules)) return undefined;
  return loadCel().then((loaded) => {
    engine = loaded;
  });
}
