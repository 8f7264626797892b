import type { KindDefinition } from "../../api/index.ts";

type GoNamed = Pick<KindDefinition, "group" | "kind"> & Partial<Pick<KindDefinition, "type" | "storedAs">>;

/** Kubernetes' Go type of such objects, or of their lists. */
export function goTypeOf(def: GoNamed, isList = false): string {
  if (def.type) return `*unstructured.Unstructured${isList ? "List" : ""}`;
  const { group, kind } = def.storedAs ?? def;
  return `*${group === "" ? "core" : group.split(".")[0]}.${kind}${isList ? "List" : ""}`;
}
