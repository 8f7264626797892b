/** Updates `metadata.managedFields` with every write through the API. */
import { type KubeObject, type ObjectMeta, shapeOfType, typeOfKind } from "../../api/index.ts";
import {
  afterCreate,
  afterUpdate,
  deducedShape,
  deepEqual,
  fitsShape,
  type Managers,
  reconcileManagers,
  stamp,
  UndeclaredField,
  UnkeyedItem,
  type View,
  type Writer,
} from "../../machinery/index.ts";
import { type Call, nowTime } from "../core.ts";
import { Conversions } from "../conversion/conversions.ts";
import { ConversionError } from "../conversion/review.ts";
import { badRequest } from "../errors.ts";
import { settled } from "../pending.ts";
import type { ServedResource } from "../registry/resource.ts";
import { isReset, nobody, readManagers, writeManagers } from "./entries.ts";
import { resetFields } from "./reset-fields.ts";
import { inVersion } from "./versions.ts";

const maxNameBytes = 128;

/** `?fieldManager=`, else the user agent up to its first slash. */
export function managerName(call: Pick<Call, "info" | "request">): string {
  const given = call.info.query.get("fieldManager");
  if (given) return given;
  const header = call.request.headers?.["user-agent"] ?? "";
  let name = agentNames.get(header);
  if (name === undefined) {
    name = agentName(header);
    // Bounded, since clients may send arbitrary names.
    if (agentNames.size < 1000 && header.length < 256) agentNames.set(header, name);
  }
  return name;
}

const agentNames = new Map<string, string>();

function agentName(header: string): string {
  const agent = header.split("/", 1)[0] ?? "";
  let name = "";
  for (const char of agent) {
    if (Buffer.byteLength(name) + Buffer.byteLength(char) > maxNameBytes) break;
    if (/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(char)) name += char;
  }
  return name === "" ? "unknown" : name;
}

export function writerOf(call: Call, operation: Writer["operation"], subresource: string): Writer {
  return { manager: managerName(call), operation, apiVersion: call.resource.apiVersion, subresource };
}

/** The fields of a resource's objects as an endpoint shows them. `conversions`: when a webhook converts. */
export function viewOf(
  call: Call,
  resource: ServedResource,
  subresource: string,
  conversions = new Conversions(),
): View {
  const { def, apiVersion } = resource;
  const type = typeOfKind(def);
  return {
    apiVersion,
    shape: type ? shapeOfType(type) : deducedShape,
    typed: def.type === undefined,
    reset: resetFields(def, subresource),
    other(version) {
      const slash = version.indexOf("/");
      const group = slash < 0 ? "" : version.slice(0, slash);
      if (group !== def.group) return undefined;
      const served = call.core.registry.version(group, version.slice(slash + 1), def.plural);
      if (!served) return undefined;
      return {
        view: viewOf(call, served, subresource, conversions),
        convert: (object) => inVersion(object as KubeObject, resource, served, conversions),
      };
    },
  };
}

const bare = (object: KubeObject): KubeObject =>
  ({ ...object, metadata: { ...object.metadata, managedFields: undefined } }) as KubeObject;

const known = stamp<object, Managers>();

/** The owners of a stored object, parsed once. */
function stored(object: KubeObject | undefined): Managers {
  const entries = object?.metadata?.managedFields;
  if (!entries) return nobody;
  let managers = known.get(entries);
  if (!managers) {
    managers = readManagers(entries, true);
    known.set(entries, managers);
  }
  return managers;
}

/** The owners before a write: those that the client sent (in a PUT), else the stored ones. Subresources ignore the client's. */
function ownersBefore(
  sent: ObjectMeta["managedFields"],
  old: KubeObject | undefined,
  subresource: string,
): Managers {
  const before = (): Managers => stored(old);
  if (subresource !== "") return before();
  if (isReset(sent)) return nobody;
  // A client that replaces what it read sends the owners back unchanged.
  if (!sent || deepEqual(sent, old?.metadata?.managedFields)) return before();
  try {
    const given = readManagers(sent, false);
    return given.size > 0 ? given : before();
  } catch {
    return before();
  }
}

/**
 * Sets the object's managedFields for a create or an update by this call's client. Both objects are in the stored version; other
 * versions are compared as the client sees them. Returns a promise when a webhook converts.
 */
export function keepOwners(
  call: Call,
  object: KubeObject,
  old: KubeObject | undefined,
  subresource: string,
): void | Promise<void> {
  const meta = object.metadata as ObjectMeta;
  const managers = ownersBefore(meta.managedFields, old, subresource);
  delete meta.managedFields;
  // An object whose managedFields were reset is not tracked again until someone applies.
  if (old && managers.size === 0) return undefined;
  const conversions = new Conversions();
  try {
    const pending = settled(() => setOwners(call, object, old, subresource, managers, conversions));
    return pending?.catch((error: unknown) => withoutOwners(meta, error));
  } catch (error) {
    withoutOwners(meta, error);
  }
  return undefined;
}

/** An object that does not match its type; it is pruned or refused later. */
class Misfit extends Error {}

/**
 * Ownership is not tracked for duplicate list items, fields that other versions do not have and values of a wrong type; the write
 * itself is validated elsewhere.
 */
function withoutOwners(meta: ObjectMeta, error: unknown): void {
  const expected =
    error instanceof UnkeyedItem ||
    error instanceof UndeclaredField ||
    error instanceof ConversionError ||
    error instanceof Misfit;
  if (!expected) throw error;
  delete meta.managedFields;
}

function setOwners(
  call: Call,
  object: KubeObject,
  old: KubeObject | undefined,
  subresource: string,
  managers: Managers,
  conversions: Conversions,
): void {
  const meta = object.metadata as ObjectMeta;
  const { resource } = call;
  const otherwise = resource.def.storedAs && !resource.def.type;
  const seen = (each: KubeObject): KubeObject => (otherwise ? resource.shown(each) : bare(each));
  const view = viewOf(call, resource, subresource, conversions);
  if (!view.typed && !(fitsShape(view.shape, object) && (!old || fitsShape(view.shape, old))))
    throw new Misfit();
  if (!old && managers.size === 0) {
    const shown = otherwise ? resource.shown(object) : object;
    setManagers(
      meta,
      afterCreate(view, shown, writerOf(call, "Update", subresource), nowTime(call.core.clock)),
    );
    return;
  }
  const next = afterUpdate(
    view,
    old ? seen(old) : {},
    seen(object),
    resource.def.type ? reconcileManagers(view, managers) : managers,
    writerOf(call, "Update", subresource),
    nowTime(call.core.clock),
  );
  // The client's own managedFields are kept even when nothing else changed.
  if (old && next === managers && managers === stored(old) && old.metadata?.managedFields)
    meta.managedFields = old.metadata.managedFields;
  else setManagers(meta, next);
}

export function setManagers(meta: ObjectMeta, managers: Managers): void {
  const entries = writeManagers(managers);
  if (entries) meta.managedFields = entries;
  else delete meta.managedFields;
}

/** The stored owners. Throws 400 when they are invalid. */
export function storedOwners(object: KubeObject): Managers {
  try {
    return readManagers(object.metadata?.managedFields, true);
  } catch (cause) {
    throw badRequest((cause as Error).message, cause);
  }
}
