import { type FieldError, type KubeObject, type ObjectMeta, validateMeta } from "../../api/index.ts";
import { isDns1123Subdomain } from "../../machinery/index.ts";
import { admitWrite } from "../admission/admit.ts";
import { admissionOf, writeOptions } from "../admission/request.ts";
import type { Entry } from "../cache/entry.ts";
import { applyType, mediaType } from "../codec/media-type.ts";
import type { Call } from "../core.ts";
import { conflict, invalid, methodNotAllowed, notFound } from "../errors.ts";
import { readManagers } from "../managed-fields/entries.ts";
import { setManagers, storedOwners } from "../managed-fields/ownership.ts";
import { numberIn, ownersOfScale, ownersOfScaled } from "../managed-fields/scale-owners.ts";
import type { Answer } from "../response.ts";
import { seenBy } from "../verbs/create.ts";
import { checkReading } from "../verbs/get.ts";
import { encoded, shaped, withWarnings } from "../verbs/output.ts";
import { uidProblem, updateObject, wrongUid } from "../verbs/update.ts";
import { checkWhereabouts } from "../verbs/whereabouts.ts";
import { applyToScale, type ScaleChange, updateOfScale } from "./scale-changes.ts";
import { requireReplicas, type Scale, scaleKind, scaleOf, scales, setReplicas } from "./scale-object.ts";
import { patchOfScale } from "./scale-patch.ts";
import { scaleColumns } from "./scale-table.ts";

/** autoscaling/v1 Scale as a view of an object: reads and writes spec.replicas only. */
export async function scale(call: Call): Promise<Answer> {
  const { resource, info } = call;
  if (info.verb === "get") {
    await checkReading(call);
    const stored = resource.cache.get(resource.key(info.namespace, info.name));
    if (!stored) throw notFound(resource.def, info.name);
    const entry = await seenBy(resource, stored);
    requireReplicas(resource, entry.object);
    return answer(call, entry);
  }
  const change = changeOf(call);
  const whole: Call = {
    ...call,
    info: { ...info, subresource: "" },
    seenAs: (object, old) => ({
      object: scaleOf(resource, object),
      oldObject: scaleOf(resource, old),
      subresource: "scale",
      kind: scaleKind,
    }),
  };
  return answer(call, await updateObject(whole, (existing) => scaled(call, existing, change), "kept"));
}

function changeOf(call: Call): ScaleChange {
  const { verb } = call.info;
  if (verb === "update") return updateOfScale(call);
  if (verb !== "patch") throw methodNotAllowed();
  const type = mediaType(call.request.headers?.["content-type"]);
  return type === applyType ? applyToScale(call) : patchOfScale(call);
}

/** The object with the replicas of the changed Scale, and the resulting owners. */
async function scaled(call: Call, existing: Entry, change: ScaleChange): Promise<KubeObject> {
  const { resource, info, core } = call;
  const { def } = resource;
  const number = numberIn((version) => core.registry.version(def.group, version, def.plural), def.group);
  const before = scaleOf(resource, existing.object);
  const owners = storedOwners(existing.object);
  const seen = { scale: before, owners: ownersOfScale(owners, number) };
  const changed = change(structuredClone(seen));
  const after = changed.scale;
  const meta = (after.metadata ??= {}) as ObjectMeta;
  checkWhereabouts(call, after);
  const uid = existing.object.metadata?.uid ?? "";
  const other = meta.uid !== uid ? meta.uid : undefined;
  if (other && info.verb !== "patch") {
    const key = resource.keyOf(info);
    throw conflict(def, info.name, wrongUid(call, key, other, uid));
  }
  setManagers(meta, changed.owners);
  setManagers(before.metadata as ObjectMeta, seen.owners);
  await admit(call, before, after);
  const replicas = (after.spec?.replicas ?? 0) as number;
  const errors = problems(call, meta, replicas);
  if (errors.length > 0) throw invalid(def.type ? def : scales, info.name, errors);
  // A patch was computed from the stored object: the precondition is checked with the write.
  if (other) throw conflict({ ...def, plural: `${def.plural}/scale` }, info.name, uidProblem(other, uid));
  const object = existing.copy();
  setReplicas(resource, object, replicas);
  // A resourceVersion in the Scale is a precondition.
  if (meta.resourceVersion) (object.metadata as ObjectMeta).resourceVersion = meta.resourceVersion;
  const left = ownersOfScaled(owners, readManagers(meta.managedFields, true), resource.apiVersion, number);
  setManagers(object.metadata as ObjectMeta, left);
  return object;
}

/** Admission gets the Scale, not the scaled object. */
async function admit(call: Call, before: Scale, after: Scale): Promise<void> {
  const { core, info } = call;
  const request = admissionOf(call, {
    operation: "UPDATE",
    subresource: "scale",
    kind: scaleKind,
    namespace: info.namespace,
    name: info.name,
    object: after,
    oldObject: before,
    options: writeOptions("UpdateOptions", info),
  });
  await admitWrite(core, request);
}

/** Validates a Scale; for custom resources less strictly. */
function problems({ resource: { def } }: Call, meta: ObjectMeta, replicas: number): FieldError[] {
  const reason = "FieldValueInvalid";
  if (def.type) {
    if (replicas >= 0) return [];
    const message = `Invalid value: ${replicas}: should be a non-negative integer`;
    return [{ reason, field: `.${def.scale?.specReplicasPath}`, message }];
  }
  const errors = validateMeta(meta, { namespaced: true, nameRule: isDns1123Subdomain });
  if (replicas >= 0) return errors;
  const message = `Invalid value: ${replicas}: must be greater than or equal to 0`;
  return [...errors, { reason, field: "spec.replicas", message }];
}

function answer(call: Call, entry: Entry): Answer {
  const { resource, target, core, info } = call;
  const { def } = resource;
  const look = { def: scaleColumns(def), query: info.query, now: core.clock.now() };
  const goType = def.type ? "*v1.Scale" : "*autoscaling.Scale";
  const value = shaped(scaleOf(resource, entry.object), target, goType, look);
  return withWarnings(call, encoded(200, value, target));
}
