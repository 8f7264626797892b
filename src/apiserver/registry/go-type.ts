import type { KindDefinition } from "../../api/index.ts";

type GoNamed = Pick<KindDefinition, "group" | "kind"> & Partial<Pick<KindDefinition, "type" | "storedAs">>;

/** What the original calls the type of such objects, or of lists of them. */
export function goTypeOf(def: GoNamed, isList = false): string {
  if (def.type) return `*unstructured.Unstructured${isList ? "List" : ""}`;
  const { group, kind } = def.storedAs ?? def;
  return `*${group === "" ? "core" : group.split(".")[0]}.${kind}${isList ? "List" : ""}`;
}
