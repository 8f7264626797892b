/** Patch types and their errors. */
import { type KindDefinition, type KubeObject, schemaLookupFor, strictTexts } from "../../api/index.ts";
import {
  applyJsonPatch,
  applyMergePatch,
  duplicateMembers,
  goText,
  hugeNumber,
  isObject,
  type JsonPatchOperation,
  PatchError,
  type PatchSchema,
  StatusError,
  StrategicPatchError,
  strategicMerge,
} from "../../machinery/index.ts";
import { maxBodyBytes, tooLarge } from "../codec/body-limits.ts";
import { parseDeepJson, type ReadJson } from "../codec/decode.ts";
import { applyType } from "../codec/media-type.ts";
import type { Call } from "../core.ts";
import { badRequest } from "../errors.ts";

const maxOperations = 10_000;

/** The result of a patch. `shown`: the patch for errors that show it instead of the object. */
export interface Patched {
  object: unknown;
  shown?: string;
}

export interface ReadPatch {
  /** May be called again on a newer object. `sorted`: the result has sorted keys. */
  apply(object: KubeObject, sorted?: boolean): Patched;
  /** Strict decoding errors of the patch itself. */
  strict: readonly string[];
  /** The mark that replaces values nested too deep. */
  cut?: string | undefined;
}

/** Media types are compared literally. */
const patchType = (header: string | undefined): string => (header ?? "").split(";", 1)[0] ?? "";

/**
 * The patch in the body. It is parsed when it is first applied: its errors are not reported when the object does not exist.
 * Throws StatusError for an unsupported type and for a body that is too large.
 */
export function readPatch(call: Call): ReadPatch {
  const { request, resource } = call;
  const { def } = resource;
  const bytes = request.body ?? new Uint8Array(0);
  if (bytes.length > maxBodyBytes) throw tooLarge();
  const read = reader(call, patchType(request.headers?.["content-type"]));
  if (!read) throw foreignPatch(def);
  let made: ReadPatch | undefined;
  const patch = (): ReadPatch => {
    made ??= read(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
    return made;
  };
  return {
    apply: (object, sorted) => patch().apply(object, sorted),
    get strict() {
      return patch().strict;
    },
    get cut() {
      return patch().cut;
    },
  };
}

function reader({ resource: { def }, info }: Call, type: string): ((text: string) => ReadPatch) | undefined {
  // With `fieldValidation=Ignore` Kubernetes uses another decoder, with other errors.
  const lenient = info.query.get("fieldValidation") === "Ignore";
  switch (type) {
    case "application/json-patch+json":
      return (text) => jsonPatch(text, lenient);
    case "application/merge-patch+json":
      return (text) => mergePatch(text, lenient);
    case strategicType: {
      const schema = schemaLookupFor(def.group, def.version, def.kind);
      return schema && ((text) => strategicPatch(text, schema));
    }
    default:
      return undefined;
  }
}

function mergePatch(text: string, lenient: boolean): ReadPatch {
  const bad = (): StatusError => badRequest("Invalid JSON Patch");
  let read: ReadJson;
  try {
    read = decodePatch(text, "error decoding patch: ");
  } catch (error) {
    throw lenient ? bad() : error;
  }
  if (!lenient) refuseHuge(read.value, read.text, "error decoding patch: ", "value");
  const { value: body, cut } = read;
  if (body === null || (lenient && typeof body !== "object")) throw bad();
  if (!lenient && !isObject(body)) throw badRequest(`error decoding patch: ${notAMap(body)}`);
  return {
    apply: guarded((object, sorted) => ({
      object: Array.isArray(body)
        ? applyMergePatch<unknown>(undefined, body, sorted)
        : applyMergePatch(object, body, sorted),
    })),
    strict: repeated(read),
    cut,
  };
}

function strategicPatch(text: string, schema: PatchSchema): ReadPatch {
  const read = decodePatch(text, "");
  refuseHuge(read.value, read.text, "", "value");
  const body = read.value ?? {};
  if (!isObject(body)) throw badRequest(notAMap(body));
  return {
    apply: guarded((object) => {
      const merged = strategicMerge(object, body, schema);
      return { object: merged.document, shown: goText(merged.patch) };
    }),
    strict: repeated(read),
    cut: read.cut,
  };
}

const repeated = ({ text, repeats }: ReadJson): string[] =>
  repeats ? strictTexts([], duplicateMembers(text)) : [];

const goType = (value: unknown): string =>
  Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;

const notAMap = (body: unknown): string =>
  `json: cannot unmarshal ${goType(body)} into Go value of type map[string]interface {}`;

const customPatch = (): StatusError =>
  new StatusError(
    "UnsupportedMediaType",
    "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
  );

const foreignPatch = ({ type }: KindDefinition): StatusError => (type ? customPatch() : unsupportedPatch());

const strategicType = "application/strategic-merge-patch+json";
const patchTypes = new Set([
  "application/json-patch+json",
  "application/merge-patch+json",
  strategicType,
  applyType,
]);

/** The error of an unsupported patch type. */
export function patchRefusal(def: KindDefinition, contentType: string | undefined): StatusError | undefined {
  const type = patchType(contentType);
  return patchTypes.has(type) && !(def.type && type === strategicType) ? undefined : foreignPatch(def);
}

const unsupportedPatch = (): StatusError =>
  new StatusError("UnsupportedMediaType", "415: Unsupported Media Type", { details: {} });

/** Numbers beyond float64: Go's decoder refuses what JavaScript's makes infinite. */
function refuseHuge(value: unknown, text: string, prefix: string, into: string): void {
  const huge = hugeNumber(value, text);
  if (huge !== undefined)
    throw badRequest(`${prefix}json: cannot unmarshal number ${huge} into Go ${into} of type float64`);
}

function decodePatch(text: string, prefix: string): ReadJson {
  try {
    return parseDeepJson(text);
  } catch (cause) {
    throw badRequest(`${prefix}${(cause as Error).message}`, cause);
  }
}

const operationFields = new Set(["op", "path", "from", "value"]);

function jsonPatch(text: string, lenient: boolean): ReadPatch {
  const prefix = lenient ? "" : "error decoding patch: ";
  const { value, text: usable, repeats, cut } = decodePatch(text, prefix);
  const body = value ?? [];
  if (!Array.isArray(body)) {
    const into = lenient ? "jsonpatch.Patch" : "[]handlers.jsonPatchOp";
    throw badRequest(`${prefix}json: cannot unmarshal ${goType(body)} into Go value of type ${into}`);
  }
  for (const operation of body) checkOperation(operation, lenient);
  if (!lenient) {
    const values = body.filter(isObject).map(({ value }) => ({ value }));
    refuseHuge(values, usable, prefix, "struct field jsonPatchOp.value");
  }
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
    apply: guarded((object, sorted) => ({
      object: applyJsonPatch(object, body as JsonPatchOperation[], sorted),
    })),
    strict: strictTexts(unknown, repeats ? duplicateMembers(usable) : []).map((each) => `json patch ${each}`),
    cut,
  };
}

/** Operations that Go's decoder refuses. */
function checkOperation(operation: unknown, lenient: boolean): void {
  if (operation === null || (lenient && isObject(operation))) return;
  const refused = (value: unknown, into: string): StatusError =>
    badRequest(
      `${lenient ? "" : "error decoding patch: "}json: cannot unmarshal ${goType(value)} into Go ${into}`,
    );
  if (!isObject(operation))
    throw refused(operation, `value of type ${lenient ? "jsonpatch.Operation" : "handlers.jsonPatchOp"}`);
  for (const name of ["op", "path", "from"]) {
    const value = operation[name];
    if (value !== undefined && value !== null && typeof value !== "string")
      throw refused(value, `struct field jsonPatchOp.${name} of type string`);
  }
}

/** A JSON or merge patch that cannot be applied gets 422, a strategic merge patch 400 or 500. */
function guarded(apply: ReadPatch["apply"]): ReadPatch["apply"] {
  return (object, sorted) => {
    try {
      return apply(object, sorted);
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
