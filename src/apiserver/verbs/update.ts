import type { KindDefinition, KubeObject, ObjectMeta, Parts } from "../../api/index.ts";
import { carryRaw, deepClone, StatusError } from "../../machinery/index.ts";
import { admitWrite, dedupeOwners } from "../admission/admit.ts";
import { admissionOf, writeOptions } from "../admission/request.ts";
import type { Entry } from "../cache/entry.ts";
import { mediaType } from "../codec/media-type.ts";
import { ConvertedEntry } from "../conversion/version-view.ts";
import { type Call, nowTime, removeObject, settleEmptied, textsOf, writeObject } from "../core.ts";
import { conflict, invalid, modified, notFound, qualified } from "../errors.ts";
import { keepTimes } from "../managed-fields/keep-times.ts";
import { keepOwners } from "../managed-fields/ownership.ts";
import type { Answer } from "../response.ts";
import { strategyOf } from "../subresources/strategies.ts";
import { createObject, seenBy, throwInvalid, unstored } from "./create.ts";
import { readObject } from "./input.ts";
import { objectAnswer } from "./output.ts";
import { partsToShare, shareParts } from "./shared-parts.ts";
import { checkNamespace, checkWhereabouts } from "./whereabouts.ts";

/** So many attempts lead to a 409 when another write always comes first. */
const maxAttempts = 20;

/** Kinds that a PUT creates when they are not there. */
const createdByUpdate = new Set([
  "runtimeclasses.node.k8s.io",
  "rolebindings.rbac.authorization.k8s.io",
  "clusterrolebindings.rbac.authorization.k8s.io",
  "roles.rbac.authorization.k8s.io",
  "clusterroles.rbac.authorization.k8s.io",
  "leases.coordination.k8s.io",
  "leasecandidates.coordination.k8s.io",
  "limitranges",
  "events",
  "events.events.k8s.io",
  "services",
  "endpoints",
]);

/** Kinds that a PUT of their status creates, too. */
const createdByStatus = "services";

export const createsWhatIsNotThere = ({ resource: { def }, info: { subresource } }: Call): boolean =>
  subresource === ""
    ? createdByUpdate.has(qualified(def))
    : subresource === "status" && qualified(def) === createdByStatus;

/** Kinds whose PUT must have a resourceVersion. */
const mustBePinned = new Set([
  "apiservices.apiregistration.k8s.io",
  "customresourcedefinitions.apiextensions.k8s.io",
  "runtimeclasses.node.k8s.io",
  "poddisruptionbudgets.policy",
  "csidrivers.storage.k8s.io",
  "csistoragecapacities.storage.k8s.io",
  "volumeattachments.storage.k8s.io",
  "csinodes.storage.k8s.io",
  "leases.coordination.k8s.io",
  "leasecandidates.coordination.k8s.io",
  "validatingadmissionpolicies.admissionregistration.k8s.io",
  "mutatingadmissionpolicies.admissionregistration.k8s.io",
  "mutatingwebhookconfigurations.admissionregistration.k8s.io",
  "validatingwebhookconfigurations.admissionregistration.k8s.io",
  "mutatingadmissionpolicybindings.admissionregistration.k8s.io",
  "validatingadmissionpolicybindings.admissionregistration.k8s.io",
]);

/** Kubernetes' storage prefixes that differ from the plural; its messages show them. */
const places: Record<string, string> = {
  endpoints: "services/endpoints",
  ingresses: "ingress",
  nodes: "minions",
  replicationcontrollers: "controllers",
  services: "services/specs",
};

export const uidProblem = (wanted: string, actual: string): string =>
  `Precondition failed: UID in precondition: ${wanted}, UID in object meta: ${actual}`;

/** The conflict of a write whose UID precondition names another object. `key`: in the resource's cache. */
export const wrongUid = (call: Call, key: string, wanted: string, actual: string): string =>
  notMeant(call, key, uidProblem(wanted, actual));

/** Why a write for something else than what is there is a conflict. */
export function notMeant({ resource, dryRun }: Call, key: string, problem: string): string {
  const { group, plural, type } = resource.def;
  const place = type ? `${group}/${plural}` : (places[plural] ?? plural);
  return (
    // A dry run does not reach the storage, which knows the prefix.
    `StorageError: invalid object, Code: 4, Key: ${dryRun ? "" : "/registry"}/${place}/${key}, ResourceVersion: 0, ` +
    `AdditionalErrorMsg: ${problem}`
  );
}

function unpinned(def: KindDefinition, name: string): StatusError {
  return invalid({ ...def, kind: def.plural }, name, [
    {
      reason: "FieldValueInvalid",
      field: "metadata.resourceVersion",
      message: "Invalid value: 0: must be specified for an update",
    },
  ]);
}

export async function update(call: Call): Promise<Answer> {
  const { resource, info } = call;
  const object = readObject(call);
  const meta = object.metadata as ObjectMeta;
  checkWhereabouts(call, object);
  const key = resource.keyOf(info);
  const isNew = createsWhatIsNotThere(call) && !resource.cache.get(key);
  if (isNew && meta.resourceVersion && !/^\d+$/.test(meta.resourceVersion)) {
    const why = `strconv.ParseUint: parsing ${JSON.stringify(meta.resourceVersion)}: invalid syntax`;
    throw new StatusError("", why, { code: 500 });
  }
  if (isNew && meta.uid) throw conflict(resource.def, info.name, wrongUid(call, key, meta.uid, ""));
  if (isNew) {
    // There is no stored version to compare with; a dry run shows the given one.
    if (!call.dryRun) delete meta.resourceVersion;
    return objectAnswer(call, 201, await createObject(call, object));
  }
  if (meta.uid) {
    const uid = resource.cache.get(key)?.object.metadata?.uid;
    if (uid !== undefined && uid !== meta.uid)
      throw conflict(resource.def, info.name, wrongUid(call, key, meta.uid, uid));
  }
  const ready = (given: KubeObject, { warnings }: Call): KubeObject => {
    dedupeOwners(given, warnings);
    resource.def.storedAs?.toStored(given);
    resource.def.defaults?.(given, call.core.clock);
    return given;
  };
  ready(object, call);
  // An attempt changes the object, so a further attempt reads the body again, and an object that is recorded or was parsed by
  // another thread (YAML) is copied.
  const { audit, headers } = call.request;
  const own = !audit && mediaType(headers?.["content-type"]) === "application/json";
  let first: KubeObject | undefined = object;
  const change = (): KubeObject => {
    if (!own) return copied(resource.def, object);
    const given = first ?? again();
    first = undefined;
    return given;
  };
  const again = (): KubeObject => {
    const unheard: Call = { ...call, warnings: [] };
    const given = readObject(unheard);
    checkWhereabouts(unheard, given);
    return ready(given, unheard);
  };
  return objectAnswer(call, 200, await updateObject(call, change));
}

/** The object for one attempt, which changes it. */
function copied({ rawFields }: KindDefinition, object: KubeObject): KubeObject {
  const copy = deepClone(object);
  if (rawFields) carryRaw(rawFields, object, copy);
  return copy;
}

/**
 * Replaces an object by the result of `change`. Tries again when another write came first, unless the new object has a
 * resourceVersion. `change` gets the present entry and returns a new object in stored spelling, with defaults; where a
 * webhook converts between versions, both are in the version of the request.
 * `owners`: `kept` when its managedFields are set already (server-side apply).
 */
export async function updateObject(
  call: Call,
  change: Change,
  owners: "track" | "kept" = "track",
): Promise<Entry> {
  const { resource, info, core } = call;
  const key = resource.keyOf(info);
  const first = await attempt(call, key, change, owners, true);
  if (first) return first;
  const leave = await core.lines.enter(resource.storeKey(key));
  try {
    for (let i = 0; i < maxAttempts; i++) {
      const entry = await attempt(call, key, change, owners, false);
      if (entry) return entry;
    }
  } finally {
    leave();
  }
  throw conflict(resource.def, info.name, modified);
}

/** `same`: parts of the stored object that may be shared. */
type Change = (existing: Entry, same: Parts | undefined) => KubeObject | Promise<KubeObject>;

/** Undefined: another write came first. */
async function attempt(
  call: Call,
  key: string,
  change: Change,
  owners: "track" | "kept",
  first: boolean,
): Promise<Entry | undefined> {
  const { resource, info, core, dryRun, warnings } = call;
  const { def } = resource;
  const strategy = strategyOf(resource, info.subresource);
  const stored = resource.cache.get(key);
  if (!stored) throw notFound(def, info.name);
  const existing = resource.view ? await resource.view.of(stored) : resource.seen(stored);
  const old = def.rawFields ? textsOf(existing, def.rawFields) : existing.object;
  // Validation sees absent fields as absent, in the old object as in the new.
  const before = resource.withoutNulls(old);
  const same = partsToShare(call, old, before);
  const object = await change(existing, same);
  if (same) shareParts(object, same);
  const meta = object.metadata as ObjectMeta;
  if (owners === "track") {
    const tracking = keepOwners(call, object, old, info.subresource);
    if (tracking) await tracking;
  }
  const request = admissionOf(call, {
    operation: "UPDATE",
    subresource: info.subresource,
    namespace: info.namespace,
    name: info.name,
    object,
    oldObject: old,
    options: writeOptions("UpdateOptions", info),
  });
  let isStored = false;
  try {
    if (!call.seenAs) await admitWrite(core, request);
    checkVersion(call, meta, existing);
    checkNamespace(call, meta);
    keepSystemFields(meta, old.metadata as ObjectMeta);
    meta.resourceVersion = String(existing.revision);
    resource.complete(object, false, same);
    const loading = def.ready?.(object);
    if (loading) await loading;
    strategy.prepareForUpdate?.(object, before, nowTime(core.clock));
    resource.complete(object, false, same);
    const allocating = core.admission.allocate(request);
    if (allocating) await allocating;
    const mistakes = core.admission.mistakes({ ...request, oldObject: before });
    const found = mistakes ? await mistakes : [];
    throwInvalid(call, object, [...found, ...(strategy.validateUpdate?.(object, before) ?? [])]);
    if (strategy.warnings && first) warnings.push(...strategy.warnings(object, before));
    resource.complete(object, true, same);
    keepTimes(object, old);
    await core.admission.validate(call.seenAs ? { ...request, ...call.seenAs(object, old) } : request);
    strategy.canonicalize?.(object);
    settleEmptied(call, object);
    if (mayGo(object, old) && !dryRun) {
      // Without a last finalizer the object is deleted.
      if (await removeObject(core, resource, stored, call.request)) {
        const { revision } = stored;
        return def.type ? ConvertedEntry.of(key, revision, object) : unstored(call, key, object, revision);
      }
    } else {
      const written = def.type ? await resource.forStorage(object) : object;
      const result = dryRun
        ? { done: true as const, entry: unstored(call, key, written, stored.revision) }
        : await writeObject(core, resource, key, written, stored, call.request);
      if (result.done) {
        isStored = !dryRun;
        return seenBy(resource, result.entry);
      }
    }
  } finally {
    const releasing = core.admission.release(request, isStored);
    if (releasing) await releasing;
  }
  return undefined;
}

/**
 * Checks the resourceVersion: if given, it must be the present one, and some kinds must give it. Also runs after admission, which
 * may have changed it.
 */
function checkVersion({ resource: { def }, info }: Call, meta: ObjectMeta, existing: Entry): void {
  const { resourceVersion: version = "" } = meta;
  if (version === "" || version === "0") {
    if (def.type || mustBePinned.has(qualified(def))) throw unpinned(def, info.name);
    return;
  }
  if (!/^\d+$/.test(version)) {
    const why = `strconv.ParseUint: parsing ${JSON.stringify(version)}: invalid syntax`;
    throw new StatusError("", why, { code: 500 });
  }
  if (version !== String(existing.revision)) throw conflict(def, info.name, modified);
}

/** Restores what no client may change: identity and deletion. */
function keepSystemFields(meta: ObjectMeta, old: ObjectMeta): void {
  meta.uid ||= old.uid;
  meta.creationTimestamp = old.creationTimestamp;
  // Deletion cannot be reverted; writing other values is refused as a change of immutable fields.
  if (old.deletionTimestamp) meta.deletionTimestamp = old.deletionTimestamp;
  if (old.deletionGracePeriodSeconds !== undefined)
    meta.deletionGracePeriodSeconds ??= old.deletionGracePeriodSeconds;
  if (old.generation === undefined) delete meta.generation;
  else meta.generation = old.generation;
  delete meta.selfLink;
}

/** True for an object under deletion that has no finalizers and no grace period left. */
function mayGo(object: KubeObject, old: KubeObject): boolean {
  const meta = object.metadata as ObjectMeta;
  if (!meta.deletionTimestamp || (meta.finalizers?.length ?? 0) > 0) return false;
  if ((meta.deletionGracePeriodSeconds ?? 0) > 0) return false;
  const held = (object as { spec?: { finalizers?: unknown[] } }).spec?.finalizers;
  if (object.kind === "Namespace" && (held?.length ?? 0) > 0) return false;
  // This write must have removed the last obstacle.
  return (old.metadata?.finalizers?.length ?? 0) > 0 || object.kind === "Namespace";
}
