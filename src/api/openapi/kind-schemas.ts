import type { KindDefinition } from "../definition.ts";
import { customSchemas } from "./custom.ts";
import { listDefinition } from "./operations.ts";
import type { SchemaBuilder } from "./schemas.ts";

/** The kind and its list. */
export function addKindSchemas(builder: SchemaBuilder, kind: KindDefinition): void {
  if (kind.openApi) {
    Object.assign(builder.schemas, customSchemas(kind, builder.version));
    builder.add("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
    builder.add("io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta");
  } else if (kind.schema) {
    builder.addKind(kind.schema, kind);
    if (kind.verbs.includes("list")) builder.addKind(listDefinition(kind), { ...kind, kind: kind.listKind });
  }
}
