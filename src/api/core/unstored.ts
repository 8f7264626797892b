/** Kinds of the core group that are not stored. */
import { column, nameColumn } from "../columns.ts";
import { kindsOf } from "../define.ts";
import type { KindDefinition } from "../definition.ts";
import type { Binding, ComponentStatus } from "../generated/types.ts";

const define = kindsOf("", "v1", "io.k8s.api.core.v1");

/** The only condition of a component. */
const health = (each: ComponentStatus) => each.conditions?.find(({ type }) => type === "Healthy");

const statusText = (each: ComponentStatus): string => {
  const said = health(each)?.status;
  if (said === undefined) return "Unknown";
  return said === "True" ? "Healthy" : "Unhealthy";
};

export const unstoredCoreKinds: readonly KindDefinition[] = [
  define<Binding>({ kind: "Binding", plural: "bindings", verbs: ["create"] }),
  define<ComponentStatus>({
    kind: "ComponentStatus",
    plural: "componentstatuses",
    shortNames: ["cs"],
    namespaced: false,
    verbs: ["get", "list"],
    columns: [
      nameColumn,
      column<ComponentStatus>("Status", "string", statusText),
      column<ComponentStatus>("Message", "string", (each) => health(each)?.message ?? ""),
      column<ComponentStatus>("Error", "string", (each) => health(each)?.error ?? ""),
    ],
  }),
];
