/**
 * Controllers create what they make from one template with the same bytes again and again: the names are generated. What such a
 * body comes to before admission is found out once.
 */
import type { KubeObject, ObjectMeta, OwnedFields } from "../../api/index.ts";
import { deepEqual, keepsTexts } from "../../machinery/index.ts";
import type { Call } from "../core.ts";
import { nowTime } from "../core.ts";
import { managerName } from "../managed-fields/ownership.ts";
import type { ServedResource } from "../registry/resource.ts";

/** So many bodies of a resource are remembered, none of them longer than this. */
const maxBodies = 32;
const maxBytes = 16 * 1024;

interface Prepared {
  readonly template: KubeObject;
  readonly owners: readonly OwnedFields[] | undefined;
}

/** By resource. Undefined for what came once: most of that does not come again. */
const known = new WeakMap<ServedResource, Map<string, Prepared | undefined>>();

/** What decides what a body comes to; undefined for what is not remembered. */
export function repeatKey({ resource, request, info }: Call): string | undefined {
  const { body, audit } = request;
  // What is recorded of a request is recorded as it is read.
  if (audit || !resource.def.fromTemplate || info.subresource !== "" || !body || body.length > maxBytes)
    return undefined;
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("latin1");
  const kind = request.headers?.["content-type"] ?? "";
  const mode = info.query.get("fieldValidation") ?? "";
  return JSON.stringify([kind, mode, info.namespace, managerName({ info, request })]) + bytes;
}

/** The object of a body that came before, with defaults and owners. It is the caller's own. */
export function prepared({ resource, core }: Call, key: string): KubeObject | undefined {
  const found = known.get(resource)?.get(key);
  if (!found) return undefined;
  const object = resource.def.fromTemplate?.(found.template) as KubeObject;
  const time = nowTime(core.clock);
  if (found.owners)
    (object.metadata as ObjectMeta).managedFields = found.owners.map((each) => ({ ...each, time }));
  return object;
}

/** Remembers what a body came to, when it comes the second time. */
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
  bodies.set(key, { template, owners: managedFields });
}

/** True when nothing is known of the value but what its JSON says. */
function isPlain(value: unknown): boolean {
  if (typeof value === "number") return Number.isSafeInteger(value);
  if (typeof value !== "object" || value === null) return typeof value !== "bigint";
  if (keepsTexts(value) || Object.getOwnPropertySymbols(value).length > 0) return false;
  return Object.values(value).every(isPlain);
}
