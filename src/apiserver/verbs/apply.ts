/** Server-side apply (KEP-555): PATCH with `application/apply-patch+yaml`. */
import {
  convert,
  type KindDefinition,
  type KubeObject,
  type ObjectMeta,
  restorable,
} from "../../api/index.ts";
import {
  ApplyConflicts,
  applyConfiguration,
  type Applied,
  afterCreate,
  carryRaw,
  cloneExact,
  settleRaw,
  isObject,
  reconcileManagers,
  type Managers,
  type View,
  type YamlBody,
  GoYamlError,
  StatusError,
  TypedError,
  UndeclaredField,
  UnkeyedItem,
} from "../../machinery/index.ts";
import type { Entry } from "../cache/entry.ts";
import { maxBodyBytes, tooLarge } from "../codec/body-limits.ts";
import { yamlOf } from "../codec/long-yaml.ts";
import { Conversions } from "../conversion/conversions.ts";
import { type Call, nowTime } from "../core.ts";
import { badRequest, conflict, notFound } from "../errors.ts";
import { conflictError } from "../managed-fields/conflicts.ts";
import { setManagers, storedOwners, viewOf, writerOf } from "../managed-fields/ownership.ts";
import { lastAppliedAllows, syncedAnnotations } from "../managed-fields/last-applied.ts";
import { settled } from "../pending.ts";
import type { Answer } from "../response.ts";
import { createObject } from "./create.ts";
import { conformApplied } from "./input.ts";
import { objectAnswer } from "./output.ts";
import { createsWhatIsNotThere, updateObject } from "./update.ts";
import { workingCopy } from "./working-copy.ts";

/** The option `force`. */
export const isForced = (value: string | null): boolean => value === "true" || value === "1";

export async function serverSideApply(call: Call): Promise<Answer> {
  const { resource, info } = call;
  const given = readConfiguration(call);
  const existing = resource.cache.get(resource.keyOf(info));
  if (!existing) return objectAnswer(call, 201, await createApplied(call, given));
  const change = (entry: Entry): KubeObject | Promise<KubeObject> => {
    const conversions = new Conversions();
    return settled(() => applied(call, entry, given, conversions));
  };
  return objectAnswer(call, 200, await updateObject(call, change, "kept"));
}

export interface Configuration {
  config: KubeObject;
  /** Errors of duplicate keys, reported when there is no other error (`checkRepeated`). */
  repeated: readonly string[];
}

/** Parses the applied configuration. Throws 400 with Kubernetes' texts. */
export function readConfiguration(call: Call): Configuration {
  const bytes = call.request.body ?? new Uint8Array(0);
  if (bytes.length > maxBodyBytes) throw tooLarge();
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  let body: YamlBody;
  try {
    body = yamlOf(bytes, text);
  } catch (cause) {
    if (!(cause instanceof GoYamlError)) throw cause;
    throw badRequest(`error decoding YAML: error converting YAML to JSON: ${cause.message}`, cause);
  }
  const value = body.value ?? {};
  if (!isObject(value)) {
    const what = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
    throw badRequest(
      `error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${what} into Go value of type map[string]interface {}`,
    );
  }
  return { config: value as KubeObject, repeated: body.duplicates };
}

/** Reports duplicate keys as `fieldValidation` asks: an error, a warning or nothing. */
export function checkRepeated(call: Call, { repeated }: Configuration): void {
  if (repeated.length === 0) return;
  const mode = call.info.query.get("fieldValidation") || "Warn";
  if (mode === "Strict") {
    const lines = repeated.map((each) => `  ${each}`).join("\n");
    throw badRequest(
      `error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n${lines}`,
    );
  }
  if (mode === "Warn") call.warnings.push(...repeated.filter((each) => !call.warnings.includes(each)));
}

function checkType(call: Call, config: KubeObject): void {
  const { def, apiVersion } = call.resource;
  if (config.apiVersion === apiVersion && config.kind === def.kind) return;
  const given = typeof config.apiVersion === "string" ? config.apiVersion : "";
  const full = given.includes("/") ? given : `/${given}`;
  // A version that is none leaves nothing of the type.
  if (given.split("/").length > 2) throw badRequest("invalid object type: /, Kind=");
  throw badRequest(
    `invalid object type: ${full}, Kind=${typeof config.kind === "string" ? config.kind : ""}`,
  );
}

function checkPlace(call: Call, config: KubeObject, existing: Entry | undefined): void {
  const { resource, info } = call;
  const meta = config.metadata ?? {};
  const uid = existing?.object.metadata?.uid;
  if (meta.uid && meta.uid !== uid && !existing) {
    throw conflict(
      resource.def,
      info.name,
      `uid mismatch: the provided object specified uid ${meta.uid}, and no existing object was found`,
    );
  }
  if (resource.def.namespaced && meta.namespace && meta.namespace !== info.namespace) {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
  if (!meta.name && !existing) {
    throw badRequest(
      `the name of the object (${info.name} based on URL) was undeterminable: name must be provided`,
    );
  }
  if (meta.name && meta.name !== info.name) {
    throw badRequest(
      `the name of the object (${meta.name}) does not match the name on the URL (${info.name})`,
    );
  }
}

async function createApplied(call: Call, given: Configuration): Promise<Entry> {
  const { config } = given;
  const { resource, info } = call;
  if (info.subresource !== "" && !createsWhatIsNotThere(call)) throw notFound(resource.def, info.name);
  const empty = { apiVersion: resource.apiVersion, kind: resource.def.kind } as KubeObject;
  const { object } = configured(call, empty, config, new Map());
  checkRepeated(call, given);
  checkPlace(call, config, undefined);
  const made = usable(call, object, config);
  const { resourceVersion } = made.metadata as ObjectMeta;
  if (resourceVersion && !/^\d+$/.test(resourceVersion)) {
    const why = `strconv.ParseUint: parsing ${JSON.stringify(resourceVersion)}: invalid syntax`;
    throw new StatusError("", why, { code: 500 });
  }
  // There is no stored version to compare with.
  if (!call.dryRun) delete made.metadata?.resourceVersion;
  return createObject(call, made, "kept");
}

/** The live object with the applied configuration, in the stored version. */
function applied(call: Call, existing: Entry, given: Configuration, conversions?: Conversions): KubeObject {
  const { config } = given;
  const { resource, core } = call;
  const { metadata, ...rest } = resource.object(existing);
  const before = storedOwners(existing.object);
  const { managedFields: _owners, ...others } = metadata as ObjectMeta;
  const { rawFields } = resource.def;
  const live = { ...rest, metadata: others };
  const view = viewOf(call, resource, call.info.subresource, conversions);
  // The CustomResourceDefinition may have changed since.
  const known = resource.def.type ? knownOwners(view, before, live) : before;
  let owners = known;
  if (owners.size === 0) {
    const writer = { ...writerOf(call, "Update", call.info.subresource), manager: "before-first-apply" };
    owners = afterCreate(view, live, writer, nowTime(core.clock));
  }
  const result = configured(call, live, config, owners, conversions);
  checkRepeated(call, given);
  checkPlace(call, config, existing);
  if (result.unchanged && before.size > 0 && known === before) {
    // Fields that another version lacks, or orders differently, stay as they are.
    if (resource.def.type) return resource.copy(existing);
    const same = workingCopy(existing.object, existing.object.metadata?.managedFields) as KubeObject;
    if (rawFields) carryRaw(rawFields, existing.object, same);
    return same;
  }
  if (result.same && resource.def.storedAs && !resource.def.type) {
    // The changes from converting it to another version are dropped.
    const same = workingCopy(existing.object, undefined) as KubeObject;
    const managedFields = result.object.metadata?.managedFields;
    same.metadata = { ...same.metadata, ...(managedFields ? { managedFields } : {}) };
    return same;
  }
  const object = usable(call, result.object, config);
  // Applying works on values, so raw fields are written again.
  if (rawFields) settleRaw(rawFields, object);
  resource.def.storedAs?.toStored(object);
  resource.def.defaults?.(object, call.core.clock);
  return object;
}

/** The managers, by the present schemas. Throws 500 when one of their versions lacks fields of the object. */
function knownOwners(view: View, owners: Managers, live: KubeObject): Managers {
  try {
    return reconcileManagers(view, owners, live);
  } catch (error) {
    throw error instanceof UndeclaredField ? undeclared(error) : error;
  }
}

const undeclared = (cause: UndeclaredField): StatusError =>
  new StatusError("", cause.message, { code: 500, cause });

/** Applies, and writes the new managedFields into the result. */
function configured(
  call: Call,
  live: KubeObject,
  config: KubeObject,
  owners: Managers,
  conversions?: Conversions,
): { object: KubeObject } & Pick<Applied, "same" | "unchanged"> {
  if (config.metadata?.managedFields !== undefined && config.metadata.managedFields !== null)
    throw badRequest("metadata.managedFields must be nil");
  checkType(call, config);
  const { info } = call;
  const force = isForced(info.query.get("force"));
  const run = (forced: boolean): Applied =>
    applyConfiguration(
      viewOf(call, call.resource, info.subresource, conversions),
      live,
      config,
      owners,
      writerOf(call, "Apply", info.subresource),
      forced,
      nowTime(call.core.clock),
    );
  try {
    let result: Applied;
    try {
      result = run(force);
    } catch (error) {
      if (!(error instanceof ApplyConflicts) || !lastAppliedAllows(call, live, error)) throw error;
      result = run(true);
    }
    const { metadata, ...rest } = result.object as KubeObject;
    const object = { ...rest, metadata: { ...metadata } } as KubeObject & { metadata: ObjectMeta };
    setManagers(object.metadata, result.managers);
    const annotations = syncedAnnotations(call, object, config);
    if (annotations) object.metadata.annotations = annotations;
    const kept = annotations === undefined;
    return { object, same: result.same && kept, unchanged: result.unchanged && kept };
  } catch (error) {
    if (error instanceof ApplyConflicts) throw conflictError(error);
    if (error instanceof UndeclaredField) throw undeclared(error);
    if (!(error instanceof TypedError) && !(error instanceof UnkeyedItem)) throw error;
    throw new StatusError(
      "",
      `failed to create typed patch object (${inGo(call, config)}): ${error.message}`,
      { code: 500, cause: error },
    );
  }
}

/** The name of an applied configuration in messages. */
function inGo({ resource: { def } }: Call, { metadata }: KubeObject): string {
  return `${metadata?.namespace ?? ""}/${metadata?.name ?? ""}; ${goKind(def)}`;
}

const goKind = ({ group, version, kind }: KindDefinition): string => `${group}/${version}, Kind=${kind}`;

/** Conforms it to the type. */
function usable(call: Call, object: KubeObject, config: KubeObject): KubeObject {
  const owners = object.metadata?.managedFields;
  let usable = workingCopy(object, owners) as KubeObject;
  if (!conformApplied(call, usable)) return usable;
  // Kubernetes converts it field by field, which narrows numbers and has its own error texts.
  const { conversions, problem: unfit } = restorable(call.resource.def.schema, object);
  usable = workingCopy(object, owners, cloneExact) as KubeObject;
  if (!unfit) convert(usable, conversions);
  const problem = unfit ?? conformApplied(call, usable);
  if (!problem) return usable;
  const kind = goKind(call.resource.def);
  const why = `unable to convert unstructured object to ${kind}: ${problem}`;
  throw new StatusError(
    "",
    `failed to convert new object (${inGo(call, config)}) to proper version: ${why}`,
    {
      code: 500,
    },
  );
}
