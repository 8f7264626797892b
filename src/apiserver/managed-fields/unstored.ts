/** Owners of what is answered or handed on without being stored: reviews, bindings, evictions. */
import { type KubeObject, type ObjectMeta, schemaOf, shapeOfType } from "../../api/index.ts";
import { afterUpdate, UnkeyedItem } from "../../machinery/index.ts";
import type { GroupVersionKind } from "../admission/chain.ts";
import { type Call, nowTime } from "../core.ts";
import { nobody } from "./entries.ts";
import { managerName, setManagers } from "./ownership.ts";

/** Where the types of a group's kinds are; groups of one word are their own. */
const packages: Readonly<Record<string, string>> = {
  "": "core",
  "authentication.k8s.io": "authentication",
  "authorization.k8s.io": "authorization",
};

/** The type of a kind, in the schema table. */
export const typeNameOf = ({ group, version, kind }: GroupVersionKind): string =>
  `io.k8s.api.${packages[group] ?? group}.${version}.${kind}`;

/** Sets the object's managedFields: everything in it is its sender's. Kinds without a type have no owners. */
export function ownersOfNew(
  call: Pick<Call, "info" | "request" | "core">,
  object: KubeObject,
  kind: GroupVersionKind,
): void {
  const type = schemaOf(typeNameOf(kind));
  if (!type) return;
  const { info, core } = call;
  const meta = object.metadata as ObjectMeta;
  delete meta.managedFields;
  const apiVersion = kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
  const view = {
    apiVersion,
    shape: shapeOfType(type),
    typed: true,
    reset: undefined,
    other: () => undefined,
  };
  const writer = {
    manager: managerName(call),
    operation: "Update" as const,
    apiVersion,
    subresource: info.subresource,
  };
  try {
    setManagers(meta, afterUpdate(view, {}, object, nobody, writer, nowTime(core.clock)));
  } catch (error) {
    if (!(error instanceof UnkeyedItem)) throw error;
  }
}
