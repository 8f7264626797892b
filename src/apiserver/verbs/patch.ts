import { type KubeObject, schemaLookupFor } from "../../api/index.ts";
import {
  applyJsonPatch,
  applyMergePatch,
  applyStrategicMerge,
  deepEqual,
  isObject,
  type JsonPatchOperation,
  PatchError,
  StatusError,
} from "../../machinery/index.ts";
import { asObject, maxBodyBytes, mediaType, parseJson, tooLarge } from "../codec/decode.ts";
import type { Call } from "../core.ts";
import { badRequest } from "../errors.ts";
import type { Answer } from "../response.ts";
import { conformObject } from "./input.ts";
import { serverSideApply } from "./apply.ts";
import { objectAnswer } from "./output.ts";
import { unusable } from "./unusable.ts";
import { updateObject } from "./update.ts";

const maxOperations = 10_000;

export const applyType = "application/apply-patch+yaml";

export async function patch(call: Call): Promise<Answer> {
  const { resource, info, request } = call;
  const { def } = resource;
  if (mediaType(request.headers?.["content-type"]) === applyType) return serverSideApply(call);
  const apply = readPatch(call);
  const entry = await updateObject(call, (existing) => {
    const patched = apply(resource.copy(existing));
    const object = asObject(patched, def);
    const problem = conformObject(call, object, undefined);
    // It is half taken apart by now: shown is what the patch makes of it.
    if (problem) {
      const shown = asObject(apply(resource.copy(existing)), def);
      throw unusable(JSON.stringify(def.type ? sorted(shown) : shown), problem);
    }
    if (object.metadata?.name !== info.name) {
      throw badRequest(
        `the name of the object (${object.metadata?.name}) does not match the name on the URL (${info.name})`,
      );
    }
    const { managedFields } = existing.object.metadata ?? {};
    if (managedFields && deepEqual(object.metadata.managedFields, managedFields))
      object.metadata.managedFields = managedFields;
    def.storedAs?.toStored(object);
    def.defaults?.(object);
    return object;
  });
  return objectAnswer(call, 200, entry);
}

/** Members in alphabetical order: objects without a Go type are written so. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  const names = Object.keys(value).sort();
  return Object.fromEntries(names.map((name) => [name, sorted(value[name])]));
}

/** What the body does to an object. The function may be called again on a newer object. */
export function readPatch(call: Call): (object: KubeObject) => unknown {
  const { request, resource } = call;
  const type = mediaType(request.headers?.["content-type"]);
  const { def } = resource;
  const bytes = request.body ?? new Uint8Array(0);
  if (bytes.length > maxBodyBytes) throw tooLarge();
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  switch (type) {
    case "application/json-patch+json":
      return jsonPatch(decodePatch(text, "error decoding patch: "));
    case "application/merge-patch+json": {
      const body = decodePatch(text, "error decoding patch: ");
      if (!isObject(body)) throw badRequest("Invalid JSON Patch");
      return guarded((object) => applyMergePatch(object, body));
    }
    case "application/strategic-merge-patch+json": {
      const schema = schemaLookupFor(def.group, def.version, def.kind);
      if (!schema) throw def.type ? customPatch() : unsupportedPatch();
      const body = decodePatch(text, "");
      if (!isObject(body)) {
        const what = Array.isArray(body) ? "array" : typeof body === "boolean" ? "bool" : typeof body;
        throw badRequest(`json: cannot unmarshal ${what} into Go value of type map[string]interface {}`);
      }
      return guarded((object) => applyStrategicMerge(object, body, schema));
    }
    default:
      throw def.type ? customPatch() : unsupportedPatch();
  }
}

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

function jsonPatch(body: unknown): (object: KubeObject) => unknown {
  if (!Array.isArray(body)) {
    throw badRequest(
      "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp",
    );
  }
  for (const operation of body) checkOperation(operation);
  if (body.length > maxOperations) {
    throw new StatusError(
      "RequestEntityTooLarge",
      `The allowed maximum operations in a JSON patch is ${maxOperations}, got ${body.length}`,
    );
  }
  return guarded((object) => applyJsonPatch(object, body as JsonPatchOperation[]));
}

/** What Go's decoder would not take as an operation. */
function checkOperation(operation: unknown): void {
  if (operation === null) return;
  const refused = (value: unknown, into: string): StatusError => {
    const what = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
    return badRequest(`error decoding patch: json: cannot unmarshal ${what} into Go ${into}`);
  };
  if (!isObject(operation)) throw refused(operation, "value of type handlers.jsonPatchOp");
  for (const name of ["op", "path", "from"]) {
    const value = operation[name];
    if (value !== undefined && value !== null && typeof value !== "string")
      throw refused(value, `struct field jsonPatchOp.${name} of type string`);
  }
}

/** A patch that cannot be applied is the client's mistake. */
function guarded(apply: (object: KubeObject) => unknown): (object: KubeObject) => unknown {
  return (object) => {
    try {
      return apply(object);
    } catch (cause) {
      if (!(cause instanceof PatchError)) throw cause;
      throw new StatusError("Invalid", "the server rejected our request due to an error in our request", {
        details: {},
        cause,
      });
    }
  };
}
