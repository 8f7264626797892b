/** Owners of objects that are not stored: reviews, bindings, evictions. */
import { type KubeObject, type ObjectMeta, schemaOf, shapeOfType } from "../../api/index.ts";
import { afterUpdate, type Managers, UnkeyedItem, type View } from "../../machinery/index.ts";
import type { GroupVersionKind } from "../admission/chain.ts";
import { type Call, nowTime } from "../core.ts";
import { nobody } from "./entries.ts";
import { managerName, setManagers } from "./ownership.ts";

/** Schema packages of groups; groups of a single word are not listed. */
const packages: Readonly<Record<string, string>> = {
  "": "core",
  "authentication.k8s.io": "authentication",
  "authorization.k8s.io": "authorization",
};

/** The type of a kind, in the schema table. */
export const typeNameOf = ({ group, version, kind }: GroupVersionKind): string =>
  `io.k8s.api.${packages[group] ?? group}.${version}.${kind}`;

type Caller = Pick<Call, "info" | "request" | "core">;

/** The fields of such a kind; undefined for kinds without a type. */
function viewOfType(kind: GroupVersionKind): View | undefined {
  const type = schemaOf(typeNameOf(kind));
  if (!type) return undefined;
  const apiVersion = kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
  return { apiVersion, shape: shapeOfType(type), typed: true, reset: undefined, other: () => undefined };
}

/** Sets the managedFields of `after`: the sender owns the differences from `before`. */
function setOwners(call: Caller, view: View, before: object, after: KubeObject, owners: Managers): void {
  const meta = after.metadata as ObjectMeta;
  delete meta.managedFields;
  const writer = {
    manager: managerName(call),
    operation: "Update" as const,
    apiVersion: view.apiVersion,
    subresource: call.info.subresource,
  };
  try {
    setManagers(meta, afterUpdate(view, before, after, owners, writer, nowTime(call.core.clock)));
  } catch (error) {
    if (!(error instanceof UnkeyedItem)) throw error;
  }
}

/** The sender owns every field. */
export function ownersOfNew(call: Caller, object: KubeObject, kind: GroupVersionKind): void {
  const view = viewOfType(kind);
  if (view) setOwners(call, view, {}, object, nobody);
}
