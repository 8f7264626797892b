/** Reads and writes `metadata.managedFields`. */
import type { ObjectMeta, OwnedFields } from "../../api/index.ts";
import {
  type FieldSet,
  identityOf,
  type ManagerEntry,
  type Managers,
  readFieldSet,
  sharedFieldSet,
} from "../../machinery/index.ts";

export const nobody: Managers = new Map();

/** Throws for invalid entries, in Kubernetes' words. `ours`: written by this server, hence in canonical form. */
export function readManagers(entries: ObjectMeta["managedFields"], ours: boolean): Managers {
  if (!entries || entries.length === 0) return nobody;
  const managers = new Map<string, ManagerEntry>();
  for (const each of entries) {
    if (each.operation !== "Apply" && each.operation !== "Update")
      throw new Error("error decoding managed fields: invalid operation");
    if (!ours && each.fieldsType !== "FieldsV1")
      throw new Error(`invalid fieldsType ${JSON.stringify(each.fieldsType ?? "")}`);
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

/** Why entries are invalid, in Kubernetes' words; undefined when they are valid. */
export function checkManagers(entries: ObjectMeta["managedFields"]): string | undefined {
  for (const [i, entry] of (entries ?? []).entries()) {
    const { operation, apiVersion = "", fieldsType = "", fieldsV1 = {} } = entry;
    if (operation !== "Apply" && operation !== "Update") return "operation must be `Apply` or `Update`";
    if (apiVersion === "") return "apiVersion must not be empty";
    if (fieldsType === "") return `missing fieldsType in managed fields entry ${i}`;
    if (fieldsType !== "FieldsV1")
      return `invalid fieldsType ${JSON.stringify(fieldsType)} in managed fields entry ${i}`;
    try {
      readFieldSet(fieldsV1);
    } catch (cause) {
      const shown = JSON.stringify(entry);
      return `error decoding versioned set from ${shown}: error decoding set: ${(cause as Error).message}`;
    }
  }
  return undefined;
}

/** A client resets managedFields with an empty list, or a list of one empty entry. */
export const isReset = (entries: ObjectMeta["managedFields"]): boolean =>
  entries?.length === 0 || (entries?.length === 1 && Object.keys(entries[0] as object).length === 0);

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

/** In Kubernetes' order: appliers first, then by time. Undefined without owners. */
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
      fieldsV1: sharedFieldSet(set),
      ...(subresource === "" ? {} : { subresource }),
    }));
}
