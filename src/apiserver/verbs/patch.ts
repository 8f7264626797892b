import {
  type KindDefinition,
  type KubeObject,
  type ObjectMeta,
  restorable,
  schemaLookupFor,
  strictTexts,
} from "../../api/index.ts";
import {
  applyJsonPatch,
  applyMergePatch,
  deepEqual,
  duplicateMembers,
  goText,
  isObject,
  type JsonPatchOperation,
  PatchError,
  StatusError,
  StrategicPatchError,
  strategicMerge,
} from "../../machinery/index.ts";
import { asObject, maxBodyBytes, mediaType, parseJson, tooLarge } from "../codec/decode.ts";
import type { Call } from "../core.ts";
import { badRequest } from "../errors.ts";
import type { Answer } from "../response.ts";
import { serverSideApply } from "./apply.ts";
import { conformed, judged } from "./input.ts";
import { objectAnswer } from "./output.ts";
import { unusable } from "./unusable.ts";
import { updateObject } from "./update.ts";
import { workingCopy } from "./working-copy.ts";

const maxOperations = 10_000;

export const applyType = "application/apply-patch+yaml";

export async function patch(call: Call): Promise<Answer> {
  const { resource, info, request } = call;
  const { def } = resource;
  if (mediaType(request.headers?.["content-type"]) === applyType) return serverSideApply(call);
  const { apply, strict } = readPatch(call);
  const entry = await updateObject(call, (existing) => {
    const { object: patched, shown } = apply(resource.object(existing));
    const object = workingCopy(patched, existing.object.metadata?.managedFields) as KubeObject;
    // What does not fit is told of the patch itself where it was applied member by member.
    const unfit = shown && judged(restorable(def.schema, object), info, undefined, call.warnings, strict);
    if (unfit) throw unusable(shown, unfit);
    const mistyped = wrongType(def, object, shown !== undefined);
    const { problem, unknown } = conformed(def, object);
    const refused =
      mistyped ??
      judged(
        { unknown: shown ? [] : unknown, ...(problem ? { problem } : {}) },
        info,
        undefined,
        call.warnings,
        shown ? [] : strict,
      );
    // It is half taken apart by now: shown is what the patch makes of it.
    if (refused) {
      const again = apply(resource.object(existing)).object;
      throw unusable(JSON.stringify(def.type ? sorted(again) : again), refused);
    }
    if (!isObject(object.metadata)) object.metadata = {};
    checkPlace(call, object);
    const { managedFields } = existing.object.metadata ?? {};
    if (managedFields && deepEqual(object.metadata?.managedFields, managedFields))
      (object.metadata as ObjectMeta).managedFields = managedFields;
    def.storedAs?.toStored(object);
    def.defaults?.(object, call.core.clock);
    return object;
  });
  return objectAnswer(call, 200, entry);
}

/** A patch may not make another kind of it; where the type is known, it cannot. */
function wrongType(def: KindDefinition, object: KubeObject, known: boolean): string | undefined {
  const apiVersion = def.group === "" ? def.version : `${def.group}/${def.version}`;
  if (known) Object.assign(object, { kind: def.kind, apiVersion });
  const { kind = "", apiVersion: given = "" } = object;
  if (!def.type && typeof kind === "string" && typeof given === "string" && kind !== "" && given !== "") {
    if (kind === def.kind && given === apiVersion) return undefined;
    return `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(given)} in scheme "pkg/runtime/scheme.go:111"`;
  }
  asObject(object, def);
  return undefined;
}

/** Nor put it elsewhere. */
export function checkPlace({ resource: { def }, info }: Call, object: KubeObject): void {
  const meta = object.metadata as ObjectMeta;
  if (def.namespaced) {
    meta.namespace ||= info.namespace;
    if (meta.namespace !== info.namespace)
      throw badRequest(
        "the namespace of the provided object does not match the namespace sent on the request",
      );
  }
  if (!meta.name)
    throw badRequest(
      `the name of the object (${info.name} based on URL) was undeterminable: name must be provided`,
    );
  if (meta.name !== info.name)
    throw badRequest(
      `the name of the object (${meta.name}) does not match the name on the URL (${info.name})`,
    );
}

/** Members in alphabetical order: objects without a Go type are written so. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  const names = Object.keys(value).sort();
  return Object.fromEntries(names.map((name) => [name, sorted(value[name])]));
}

/** What a patch makes of an object. `shown`: the patch as mistakes show it, where they do not show the object. */
export interface Patched {
  object: unknown;
  shown?: string;
}

export interface ReadPatch {
  /** May be called again on a newer object. */
  apply(object: KubeObject): Patched;
  /** What is wrong with the patch itself for who wants strictness. */
  strict: readonly string[];
}

/** What the body does to an object. */
export function readPatch(call: Call): ReadPatch {
  const { request, resource } = call;
  const type = mediaType(request.headers?.["content-type"]);
  const { def } = resource;
  const bytes = request.body ?? new Uint8Array(0);
  if (bytes.length > maxBodyBytes) throw tooLarge();
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  switch (type) {
    case "application/json-patch+json":
      return jsonPatch(text);
    case "application/merge-patch+json": {
      const body = decodePatch(text, "error decoding patch: ");
      if (!isObject(body)) throw badRequest(`error decoding patch: ${notAMap(body)}`);
      return {
        apply: guarded((object) => ({ object: applyMergePatch(object, body) })),
        strict: repeated(text),
      };
    }
    case "application/strategic-merge-patch+json": {
      const schema = schemaLookupFor(def.group, def.version, def.kind);
      if (!schema) throw def.type ? customPatch() : unsupportedPatch();
      const body = decodePatch(text, "");
      if (!isObject(body)) throw badRequest(notAMap(body));
      return {
        apply: guarded((object) => {
          const merged = strategicMerge(object, body, schema);
          return { object: merged.document, shown: goText(merged.patch) };
        }),
        strict: repeated(text),
      };
    }
    default:
      throw def.type ? customPatch() : unsupportedPatch();
  }
}

const repeated = (text: string): string[] => strictTexts([], duplicateMembers(text));

const goType = (value: unknown): string =>
  Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;

const notAMap = (body: unknown): string =>
  `json: cannot unmarshal ${goType(body)} into Go value of type map[string]interface {}`;

const customPatch = (): StatusError =>
  new StatusError(
    "UnsupportedMediaType",
    "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
  );

const unsupportedPatch = (): StatusError =>
  new StatusError("UnsupportedMediaType", "415: Unsupported Media Type", { details: {} });

function decodePatch(text: string, prefix: string): unknown {
  try {
    return parseJson(text);
  } catch (cause) {
    throw badRequest(`${prefix}${(cause as Error).message}`, cause);
  }
}

const operationFields = new Set(["op", "path", "from", "value"]);

function jsonPatch(text: string): ReadPatch {
  const body = decodePatch(text, "error decoding patch: ");
  if (!Array.isArray(body)) {
    throw badRequest(
      `error decoding patch: json: cannot unmarshal ${goType(body)} into Go value of type []handlers.jsonPatchOp`,
    );
  }
  for (const operation of body) checkOperation(operation);
  if (body.length > maxOperations) {
    throw new StatusError(
      "RequestEntityTooLarge",
      `The allowed maximum operations in a JSON patch is ${maxOperations}, got ${body.length}`,
    );
  }
  const unknown = body.flatMap((operation: unknown, i) =>
    isObject(operation)
      ? Object.keys(operation)
          .filter((name) => !operationFields.has(name))
          .map((name) => `[${i}].${name}`)
      : [],
  );
  return {
    apply: guarded((object) => ({ object: applyJsonPatch(object, body as JsonPatchOperation[]) })),
    strict: strictTexts(unknown, duplicateMembers(text)).map((each) => `json patch ${each}`),
  };
}

/** What Go's decoder would not take as an operation. */
function checkOperation(operation: unknown): void {
  if (operation === null) return;
  const refused = (value: unknown, into: string): StatusError =>
    badRequest(`error decoding patch: json: cannot unmarshal ${goType(value)} into Go ${into}`);
  if (!isObject(operation)) throw refused(operation, "value of type handlers.jsonPatchOp");
  for (const name of ["op", "path", "from"]) {
    const value = operation[name];
    if (value !== undefined && value !== null && typeof value !== "string")
      throw refused(value, `struct field jsonPatchOp.${name} of type string`);
  }
}

/** A patch that cannot be applied is the client's mistake, but for directives that make no sense. */
function guarded(apply: (object: KubeObject) => Patched): ReadPatch["apply"] {
  return (object) => {
    try {
      return apply(object);
    } catch (cause) {
      if (!(cause instanceof PatchError)) throw cause;
      if (cause instanceof StrategicPatchError) {
        if (cause.malformed) throw badRequest(cause.message, cause);
        throw new StatusError("", cause.message, { code: 500, cause });
      }
      throw new StatusError("Invalid", "the server rejected our request due to an error in our request", {
        details: {},
        cause,
      });
    }
  };
}
