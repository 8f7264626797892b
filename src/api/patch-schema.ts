/** Merge keys and strategies of built-in types for strategic merge patches. */
import type { PatchField, PatchSchema } from "../machinery/index.ts";
import { findKindByName } from "./kinds.ts";
import { type FieldSchema, schemaOf } from "./schema.ts";

const made = new Map<string, PatchSchema>();

/** Of a definition, e.g. `io.k8s.api.core.v1.Pod`; undefined when there is none. */
export function patchSchema(definition: string): PatchSchema | undefined {
  const known = made.get(definition);
  if (known) return known;
  const schema = schemaOf(definition);
  if (!schema) return undefined;
  const fields = new Map<string, PatchField>();
  const lookup: PatchSchema = {
    name: definition.slice(definition.lastIndexOf(".") + 1),
    field(name) {
      const found = fields.get(name);
      if (found) return found;
      const field = schema.fields.get(name);
      if (!field) return undefined;
      const info = {
        strategies: field.patchStrategy ?? [],
        mergeKey: field.patchMergeKey,
        schema: inner(field),
      };
      fields.set(name, info);
      return info;
    },
  };
  made.set(definition, lookup);
  return lookup;
}

/** The schema of a field's object, or of its elements. A map's keys are data: the values' schema applies to each. */
function inner(field: FieldSchema): PatchSchema | undefined {
  if (field.ref) return patchSchema(field.ref);
  if (field.type === "list" && field.element) return inner(field.element);
  if (field.type === "map" && field.element) {
    const values = inner(field.element);
    return values ? { field: () => ({ strategies: [], schema: values }) } : undefined;
  }
  return undefined;
}

/** Of a built-in kind; undefined for kinds without strategic merge (custom resources). */
export function schemaLookupFor(group: string, version: string, kind: string): PatchSchema | undefined {
  const definition = findKindByName(group, version, kind);
  return definition?.schema === undefined ? undefined : patchSchema(definition.schema);
}
