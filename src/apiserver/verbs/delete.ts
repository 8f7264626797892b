import type { KindDefinition, KubeObject, ObjectMeta } from "../../api/index.ts";
import { admissionOf, deleteOptions } from "../admission/request.ts";
import type { Entry } from "../cache/entry.ts";
import { type Call, removeObject, secondsTime, writeObject } from "../core.ts";
import { conflict, forbidden, notFound, qualified } from "../errors.ts";
import type { Answer } from "../response.ts";
import { type DeleteOptions, readDeleteOptions } from "./delete-options.ts";
import { encoded, objectAnswer, withWarnings } from "./output.ts";
import { seenBy, unstored } from "./create.ts";

/** Kinds whose deletion answers with the object, not with a Status. */
const returnsObject = new Set([
  "resourceclaimtemplates.resource.k8s.io",
  "resourceslices.resource.k8s.io",
  "resourceclaims.resource.k8s.io",
  "deviceclasses.resource.k8s.io",
  "csidrivers.storage.k8s.io",
  "storageclasses.storage.k8s.io",
  "volumeattachments.storage.k8s.io",
  "csinodes.storage.k8s.io",
  "volumeattributesclasses.storage.k8s.io",
  "resourcequotas",
  "persistentvolumes",
  "serviceaccounts",
  "persistentvolumeclaims",
  "namespaces",
  "pods",
  "services",
  "podtemplates",
]);

export function warnOfOrphans({ resource, warnings }: Call, options: DeleteOptions): void {
  const { orphanWarning } = resource.def;
  if (orphanWarning && !options.propagation) warnings.push(orphanWarning);
}

export async function remove(call: Call): Promise<Answer> {
  const options = readDeleteOptions(call);
  const { resource, info } = call;
  const undeletable = resource.def.undeletable?.(info.name);
  if (undeletable !== undefined) throw forbidden(resource.def, info.name, undeletable);
  warnOfOrphans(call, options);
  const { gone, entry } = await deleteObject(call, info.namespace, info.name, options);
  // With the older `orphanDependents: false` the answer is 202 while the object stays.
  const code = !gone && options.orphanDependents === false ? 202 : 200;
  if (!gone || returnsObject.has(qualified(resource.def))) return objectAnswer(call, code, entry);
  const { group, plural } = resource.def;
  const status = {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    details: {
      name: info.name,
      ...(group === "" ? {} : { group }),
      kind: plural,
      uid: entry.object.metadata?.uid,
    },
  };
  return withWarnings(call, encoded(200, status, call.target));
}

/**
 * Deletes an object, or marks it for deletion when it has finalizers or a grace period. `entry` is its last, or its marked, state.
 * `admit`: false when the request was admitted as something else (an eviction).
 */
export async function deleteObject(
  call: Call,
  namespace: string,
  name: string,
  options: DeleteOptions,
  admit = true,
): Promise<{ gone: boolean; entry: Entry }> {
  const { resource, core, info } = call;
  const { def } = resource;
  const key = resource.keyOf({ namespace, name });
  for (;;) {
    const stored = resource.cache.get(key);
    if (!stored) throw notFound(def, name);
    const existing = resource.view ? await resource.view.of(stored) : resource.seen(stored);
    checkPreconditions(def, existing, options);
    if (admit && !isPending(def, existing.object, options)) {
      const request = admissionOf(call, {
        operation: "DELETE",
        object: undefined,
        oldObject: existing.object,
        // The objects of a collection have no name in the request.
        name: info.name,
        namespace,
        options: deleteOptions(pinned(def, existing.object, options), graceOf(def, existing.object, options)),
        dryRun: options.dryRun,
      });
      await core.admission.admit(request);
      await core.admission.validate(request);
    }
    const marked = plan(def, existing, options, core.clock.now());
    if (marked === "remove") {
      if (options.dryRun || (await removeObject(core, resource, existing, call.request)))
        return { gone: true, entry: def.graceSeconds ? lastSight(call, existing) : existing };
    } else if (marked === "nothing") return { gone: false, entry: existing };
    else {
      const written = def.type ? await resource.forStorage(marked) : marked;
      const result = options.dryRun
        ? { done: true as const, entry: unstored(call, key, written, existing.revision) }
        : await writeObject(core, resource, key, written, stored, call.request);
      if (result.done) return { gone: false, entry: await seenBy(resource, result.entry) };
    }
  }
}

/** Deletion has begun already, and this request does not shorten it. */
function isPending(def: KindDefinition, { metadata }: KubeObject, options: DeleteOptions): boolean {
  const current = metadata?.deletionGracePeriodSeconds ?? 0;
  if (!def.graceSeconds || !metadata?.deletionTimestamp || current === 0) return false;
  const { gracePeriodSeconds = current } = options;
  return (gracePeriodSeconds < 0 ? 1 : gracePeriodSeconds) >= current;
}

/** Objects that others go with are deleted with a UID precondition even if none was given. */
function pinned(def: KindDefinition, { metadata }: KubeObject, options: DeleteOptions): DeleteOptions {
  if (!isItself(def)) return options;
  return { ...options, preconditions: { uid: metadata?.uid as string, ...options.preconditions } };
}

/** The grace period that admission sees: the requested one, or the default of the kind. */
function graceOf(def: KindDefinition, object: KubeObject, options: DeleteOptions): number | undefined {
  const { gracePeriodSeconds } = options;
  const deleting = object.metadata?.deletionTimestamp !== undefined;
  if (def.graceSeconds && !deleting) return gracePeriod(def, object, options);
  return gracePeriodSeconds !== undefined && gracePeriodSeconds < 0 ? 1 : gracePeriodSeconds;
}

/** Kinds with a grace period show 0 when it is over. */
function lastSight(call: Call, existing: Entry): Entry {
  const object = existing.copy();
  const meta = object.metadata as ObjectMeta;
  if (!meta.deletionTimestamp && meta.generation) meta.generation++;
  meta.deletionTimestamp ??= secondsTime(call.core.clock.now());
  meta.deletionGracePeriodSeconds = 0;
  return unstored(call, existing.key, object, existing.revision);
}

export function checkPreconditions(
  def: KindDefinition,
  existing: Entry,
  { preconditions }: Pick<DeleteOptions, "preconditions">,
): void {
  const { uid, resourceVersion } = preconditions;
  const actual = existing.object.metadata?.uid;
  // Only here Kubernetes names the stored kind instead of the resource.
  const { group, kind: name } = def.storedAs ?? def;
  const kind = { ...def, group, plural: name };
  if (uid !== undefined && uid !== actual) {
    if (isItself(def)) {
      const text = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${actual}`;
      throw conflict(def, existing.name, text);
    }
    throw conflict(
      kind,
      existing.name,
      `the UID in the precondition (${uid}) does not match the UID in record (${actual}). The object might have been deleted and then recreated`,
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== String(existing.revision)) {
    if (isItself(def)) {
      const text = `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${existing.revision}`;
      throw conflict(def, existing.name, text);
    }
    throw conflict(
      kind,
      existing.name,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${existing.revision}). The object might have been modified`,
    );
  }
}

/** What a deletion does now: removes the object, leaves it as it is, or marks it (a changed copy). */
function plan(
  def: KindDefinition,
  existing: Entry,
  options: DeleteOptions,
  now: number,
): "remove" | "nothing" | KubeObject {
  const object = existing.copy();
  const meta = object.metadata as ObjectMeta;
  if (def.beginDeletion && !meta.deletionTimestamp) {
    meta.deletionTimestamp = secondsTime(now);
    def.beginDeletion(object, meta.deletionTimestamp);
    return object;
  }
  const finalizers = finalizersAfter(def, meta, options);
  // A namespace never goes at once: the first deletion only marks it.
  const held =
    finalizers.length > 0 || namespaceHeld(def, object) || (isNamespace(def) && !meta.deletionTimestamp);
  const finalizersChanged = finalizers.join() !== (meta.finalizers ?? []).join();
  const grace = gracePeriod(def, object, options);
  if (finalizers.length > 0) meta.finalizers = finalizers;
  else delete meta.finalizers;

  if (meta.deletionTimestamp) {
    const current = meta.deletionGracePeriodSeconds ?? 0;
    if (grace !== undefined && grace < current) {
      // A further deletion can only shorten the grace period, counted from its begin.
      if (grace === 0 && !held) return "remove";
      const began = Date.parse(meta.deletionTimestamp) - current * 1000;
      meta.deletionTimestamp = secondsTime(began + grace * 1000);
      meta.deletionGracePeriodSeconds = grace;
      return object;
    }
    if (current === 0 && !held) return "remove";
    return finalizersChanged ? object : "nothing";
  }

  const wait = grace ?? 0;
  if (wait === 0 && !held) return "remove";
  meta.deletionTimestamp = secondsTime(now + wait * 1000);
  if (!isNamespace(def)) meta.deletionGracePeriodSeconds = wait;
  if (meta.generation !== undefined && meta.generation > 0) meta.generation++;
  if (isNamespace(def)) {
    const namespace = object as { status?: Record<string, unknown> };
    namespace.status = { ...namespace.status, phase: "Terminating" };
  }
  return object;
}

/** Namespaces and CustomResourceDefinitions: other objects go with them, and errors of preconditions have other texts. */
const isItself = (def: KindDefinition): boolean => isNamespace(def) || def.beginDeletion !== undefined;

const isNamespace = (def: KindDefinition): boolean => def.group === "" && def.kind === "Namespace";

const namespaceHeld = (def: KindDefinition, object: KubeObject): boolean =>
  isNamespace(def) && ((object as { spec?: { finalizers?: string[] } }).spec?.finalizers?.length ?? 0) > 0;

/** Grace period in seconds, for kinds that have one. */
function gracePeriod(def: KindDefinition, object: KubeObject, options: DeleteOptions): number | undefined {
  if (!def.graceSeconds) return undefined;
  let seconds = options.gracePeriodSeconds ?? def.graceSeconds(object) ?? 0;
  if (def.kind === "Pod") {
    const pod = object as { spec?: { nodeName?: string }; status?: { phase?: string } };
    // It does not run yet, or has ended.
    const idle = !pod.spec?.nodeName || pod.status?.phase === "Failed" || pod.status?.phase === "Succeeded";
    if (idle) return 0;
  }
  if (seconds < 0) seconds = 1;
  return seconds;
}

/** The finalizers that tell the garbage collector what to do with dependents. */
function finalizersAfter(def: KindDefinition, meta: ObjectMeta, options: DeleteOptions): string[] {
  const present = meta.finalizers ?? [];
  let propagation = def.defaultPropagation === "Unsupported" ? "Background" : options.propagation;
  if (!propagation) {
    if (present.includes("orphan")) propagation = "Orphan";
    else if (present.includes("foregroundDeletion")) propagation = "Foreground";
    else propagation = def.defaultPropagation === "Orphan" ? "Orphan" : "Background";
  }
  const others = present.filter((each) => each !== "orphan" && each !== "foregroundDeletion");
  if (propagation === "Orphan") others.push("orphan");
  if (propagation === "Foreground") others.push("foregroundDeletion");
  // Equal sets keep their order.
  return new Set([...others, ...present]).size === others.length && others.length === present.length
    ? [...present]
    : others;
}
