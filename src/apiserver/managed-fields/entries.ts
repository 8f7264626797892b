/** `metadata.managedFields` and the owners it stands for. */
import type { ObjectMeta, OwnedFields } from "../../api/index.ts";
import {
  type FieldSet,
  identityOf,
  type ManagerEntry,
  type Managers,
  readFieldSet,
} from "../../machinery/index.ts";

export const nobody: Managers = new Map();

/** Throws for entries that are none, with Kubernetes' words. `ours`: written by this server, hence in canonical form. */
export function readManagers(entries: ObjectMeta["managedFields"], ours: boolean): Managers {
  if (!entries || entries.length === 0) return nobody;
  const managers = new Map<string, ManagerEntry>();
  for (const each of entries) {
    if (each.operation !== "Apply" && each.operation !== "Update")
      throw new Error("error decoding managed fields: invalid operation");
    const entry: ManagerEntry = {
      manager: each.manager ?? "",
      operation: each.operation,
      apiVersion: each.apiVersion ?? "",
      subresource: each.subresource ?? "",
      time: each.time,
      set: ours ? (each.fieldsV1 as FieldSet) : readFieldSet(each.fieldsV1 ?? {}),
    };
    managers.set(identityOf(entry), entry);
  }
  return managers;
}

/** A client takes all ownership away with a list of one empty entry. */
export const isReset = (entries: ObjectMeta["managedFields"]): boolean =>
  entries?.length === 1 && Object.keys(entries[0] as object).length === 0;

const seconds = (entry: ManagerEntry): string => entry.time ?? "";

function order(a: ManagerEntry, b: ManagerEntry): number {
  const by = (x: string, y: string): number => (x < y ? -1 : x > y ? 1 : 0);
  return (
    by(a.operation, b.operation) ||
    by(seconds(a), seconds(b)) ||
    by(a.manager, b.manager) ||
    by(a.apiVersion, b.apiVersion) ||
    by(a.subresource, b.subresource)
  );
}

/** In Kubernetes' order: appliers first, then by time. Undefined when nobody owns anything. */
export function writeManagers(managers: Managers): OwnedFields[] | undefined {
  if (managers.size === 0) return undefined;
  return [...managers.values()]
    .sort(order)
    .map(({ manager, operation, apiVersion, subresource, time, set }) => ({
      ...(manager === "" ? {} : { manager }),
      operation,
      apiVersion,
      ...(time === undefined ? {} : { time }),
      fieldsType: "FieldsV1",
      fieldsV1: set,
      ...(subresource === "" ? {} : { subresource }),
    }));
}
