/**
 * Controllers create the objects of a template with equal bodies, since names are generated. The result of decoding, defaulting and
 * ownership tracking is remembered for such a body.
 */
import type { KubeObject, ObjectMeta, OwnedFields } from "../../api/index.ts";
import { deepEqual, holdsEmptied, keepsTexts } from "../../machinery/index.ts";
import type { Call } from "../core.ts";
import { nowTime } from "../core.ts";
import { managerName } from "../managed-fields/ownership.ts";
import type { ServedResource } from "../registry/resource.ts";

/** Limits of what is remembered per resource: number of bodies, and bytes of each. */
const maxBodies = 32;
const maxBytes = 16 * 1024;

interface Prepared {
  readonly template: KubeObject;
  readonly owners: readonly OwnedFields[] | undefined;
}

/** By resource. Undefined for a body that came once: most do not come again. */
const known = new WeakMap<ServedResource, Map<string, Prepared | undefined>>();

/** Everything that the result depends on; undefined for requests that are not remembered. */
export function repeatKey({ resource, request, info }: Call): string | undefined {
  const { body, audit } = request;
  // Audit records the object while it is read.
  if (audit || !resource.def.fromTemplate || info.subresource !== "" || !body || body.length > maxBytes)
    return undefined;
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("latin1");
  const kind = request.headers?.["content-type"] ?? "";
  const mode = info.query.get("fieldValidation") ?? "";
  return JSON.stringify([kind, mode, info.namespace, managerName({ info, request })]) + bytes;
}

/** A copy of the remembered object, with defaults and managedFields. */
export function prepared({ resource, core }: Call, key: string): KubeObject | undefined {
  const found = known.get(resource)?.get(key);
  if (!found) return undefined;
  const object = resource.def.fromTemplate?.(found.template) as KubeObject;
  const time = nowTime(core.clock);
  if (found.owners)
    (object.metadata as ObjectMeta).managedFields = found.owners.map((each) => ({ ...each, time }));
  return object;
}

/** Remembers the object of a body that comes the second time. */
export function remember({ resource, warnings }: Call, key: string, object: KubeObject): void {
  const { generateName, name, resourceVersion, managedFields, ...metadata } = object.metadata as ObjectMeta;
  if (!generateName || name || resourceVersion || warnings.length > 0) return;
  let bodies = known.get(resource);
  if (!bodies) known.set(resource, (bodies = new Map()));
  if (!bodies.has(key)) {
    bodies.set(key, undefined);
    if (bodies.size > maxBodies) bodies.delete(bodies.keys().next().value as string);
    return;
  }
  const plain = { ...object, metadata: { generateName, ...metadata } };
  const template = JSON.parse(JSON.stringify(plain)) as KubeObject;
  if (!isPlain(plain) || !deepEqual(template, plain)) return;
  // What is filled in anyway is not filled into what objects share.
  resource.complete(template, false);
  if (holdsEmptied(template)) return;
  bodies.set(key, { template, owners: managedFields });
}

/** True for plain JSON values. */
function isPlain(value: unknown): boolean {
  if (typeof value === "number") return Number.isSafeInteger(value);
  if (typeof value !== "object" || value === null) return typeof value !== "bigint";
  if (keepsTexts(value) || Object.getOwnPropertySymbols(value).length > 0) return false;
  return Object.values(value).every(isPlain);
}
