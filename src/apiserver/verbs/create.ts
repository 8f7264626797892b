import type { FieldError, KindDefinition, KubeObject, ObjectMeta } from "../../api/index.ts";
import { generateName, StatusError } from "../../machinery/index.ts";
import { admitWrite, dedupeOwners } from "../admission/admit.ts";
import { admissionOf, writeOptions } from "../admission/request.ts";
import { Entry } from "../cache/entry.ts";
import { type Call, nowTime, settleEmptied, writeObject } from "../core.ts";
import { newUid } from "../uid.ts";
import { encodeStored, withResourceVersion } from "../codec/stored.ts";
import { alreadyExists, denied, invalid } from "../errors.ts";
import { keepOwners } from "../managed-fields/ownership.ts";
import type { ServedResource } from "../registry/resource.ts";
import type { Answer } from "../response.ts";
import { readObject } from "./input.ts";
import { objectAnswer } from "./output.ts";
import { prepared, remember, repeatKey } from "./repeats.ts";
import { checkNamespace } from "./whereabouts.ts";

/** Kubernetes' number of attempts to find a free name for a generateName. */
const nameAttempts = 8;

export async function create(call: Call): Promise<Answer> {
  const key = repeatKey(call);
  const known = key === undefined ? undefined : prepared(call, key);
  if (known) return objectAnswer(call, 201, await admitted(call, known));
  const object = readObject(call);
  const owned = object.metadata?.managedFields !== undefined;
  await prepare(call, object, "track");
  if (key !== undefined && !owned) remember(call, key, object);
  return objectAnswer(call, 201, await admitted(call, object));
}

/**
 * `owners`: `kept` when its managedFields are set already (server-side apply). `object`: in the request's version, without
 * unknown fields.
 */
export async function createObject(
  call: Call,
  object: KubeObject,
  owners: "track" | "kept" = "track",
): Promise<Entry> {
  await prepare(call, object, owners);
  return admitted(call, object);
}

/** Checks and completes a body before admission. */
async function prepare(call: Call, object: KubeObject, owners: "track" | "kept"): Promise<void> {
  const { def } = call.resource;
  const meta = object.metadata as ObjectMeta;
  checkNamespace(call, meta);
  delete meta.deletionTimestamp;
  delete meta.deletionGracePeriodSeconds;
  delete meta.selfLink;
  def.storedAs?.toStored(object);
  def.defaults?.(object, call.core.clock);
  dedupeOwners(object, call.warnings);
  if (owners === "track") {
    const tracking = keepOwners(call, object, undefined, call.info.subresource);
    if (tracking) await tracking;
  }
}

async function admitted(call: Call, object: KubeObject): Promise<Entry> {
  const { resource, info, core, dryRun, warnings } = call;
  const { def } = resource;
  const meta = object.metadata as ObjectMeta;
  const request = admissionOf(call, {
    operation: "CREATE",
    subresource: info.subresource,
    namespace: def.namespaced ? info.namespace : isNamespace(def) ? (meta.name ?? "") : "",
    name: meta.name ?? "",
    object,
    options: writeOptions("CreateOptions", info),
  });
  let isStored = false;
  try {
    await admitWrite(core, request);
    // Mutating admission may have changed the namespace.
    checkNamespace(call, meta);
    // Mutating admission may have set a name.
    const prefixed = !meta.name && !!meta.generateName;
    const generated = prefixed && def.nameGenerated !== false;
    if (prefixed && !generated) meta.name = meta.generateName as string;
    if (generated) {
      meta.name = generateName(meta.generateName as string, core.random);
    }
    if (prefixed) request.name = meta.name as string;
    if (def.named) meta.name ||= newUid();
    meta.uid = newUid();
    meta.creationTimestamp = nowTime(core.clock);
    const loading = def.ready?.(object);
    if (loading) await loading;
    def.strategy.prepareForCreate?.(object);
    if (def.strategy.preparationWarnings) warnings.push(...def.strategy.preparationWarnings(object));
    const allocating = core.admission.allocate(request);
    if (allocating) await allocating;
    const mistakes = core.admission.mistakes(request);
    const found = mistakes ? await mistakes : [];
    throwInvalid(call, object, [...found, ...(def.strategy.validate?.(object) ?? [])]);
    if (def.strategy.warnings) warnings.push(...def.strategy.warnings(object));
    if (info.verb !== "create") await mayCreate(call);
    await core.admission.validate(request);
    def.strategy.canonicalize?.(object);
    resource.complete(object);
    settleEmptied(call, object);
    for (let attempt = 1; ; attempt++) {
      const key = resource.key(meta.namespace ?? "", meta.name ?? "");
      const stored = def.type ? await resource.forStorage(object) : object;
      if (dryRun) {
        if (resource.cache.get(key)) throw alreadyExists(def, meta.name ?? "");
        return seenBy(resource, unstored(call, key, stored));
      }
      // A dry run does not reach the storage, which refuses it; an invalid version counts as none.
      if (isVersioned(meta)) throw versioned();
      delete meta.resourceVersion;
      const result = await writeObject(core, resource, key, stored, undefined, call.request);
      if (result.done) {
        isStored = true;
        return seenBy(resource, result.entry);
      }
      if (!generated || attempt === nameAttempts) throw alreadyExists(def, meta.name ?? "");
      // Allocations are made anew for the next name.
      await core.admission.release(request, false);
      meta.name = generateName(meta.generateName as string, core.random);
      request.name = meta.name;
      await core.admission.allocate(request);
    }
  } finally {
    const releasing = core.admission.release(request, isStored);
    if (releasing) await releasing;
  }
}

/** A PUT or apply that creates an object also requires `create`. Throws 403. */
async function mayCreate({ core, info, user }: Call): Promise<void> {
  const { apiGroup, apiVersion, resource, subresource, namespace, name, path, isResource } = info;
  const where = { apiGroup, apiVersion, resource, subresource, namespace, name, path, isResource };
  const asked = { user, verb: "create", ...where };
  const { allowed, reason } = await core.authorizer.authorize(asked);
  if (!allowed) throw denied(asked, reason);
}

const isVersioned = ({ resourceVersion }: ObjectMeta): boolean =>
  resourceVersion !== undefined && /^\d+$/.test(resourceVersion) && !/^0+$/.test(resourceVersion);

const versioned = (): StatusError =>
  new StatusError("", "resourceVersion should not be set on objects to be created", { code: 500 });

const isNamespace = (def: KindDefinition): boolean => def.group === "" && def.kind === "Namespace";

/** An entry as its readers see it; a promise when a webhook converts. */
export const seenBy = (resource: ServedResource, entry: Entry): Entry | Promise<Entry> =>
  resource.view ? resource.view.of(entry) : resource.seen(entry);

/**
 * The result of a dry run, in the stored version; `revision`: of the object it would replace, 0 for a new one, which shows the
 * given version.
 */
export function unstored(call: Call, key: string, object: KubeObject, revision = 0): Entry {
  const { storedKind, storedApiVersion, def } = call.resource;
  const stored = encodeStored(object, storedKind, storedApiVersion, def.rawFields);
  const version = revision === 0 ? object.metadata?.resourceVersion : revision;
  return new Entry(key, revision, version ? withResourceVersion(stored, version) : stored, undefined);
}

export function throwInvalid(
  call: Call,
  object: KubeObject,
  errors: readonly FieldError[] | undefined,
): void {
  if (!errors || errors.length === 0 || call.unchecked) return;
  // Kinds stored as another are validated in the stored version.
  const { def } = call.resource;
  const kind = (def.type && object.kind) || def.kind;
  throw invalid(
    { ...def, kind, group: def.storedAs?.group ?? def.group },
    object.metadata?.name ?? "",
    errors,
  );
}
