/** From a request's bytes to an object of the kind, checked and with defaults. */
import { cannotHandle, conform, type KubeObject, strictProblem, strictTexts } from "../../api/index.ts";
import { duplicateMembers, isObject } from "../../machinery/index.ts";
import { type Decoded, readBody } from "../codec/decode.ts";
import type { Call } from "../core.ts";
import { badRequest } from "../errors.ts";

/** The object of a POST or PUT, in the spelling of the request, without unknown fields. */
export function readObject(call: Call): KubeObject {
  const { core, request, resource } = call;
  const { group, version, kind, plural } = resource.def;
  const { object, decoded } = readBody(request.body, request.headers?.["content-type"], {
    group,
    version,
    kind,
    known: (apiVersion, other) => core.registry.knows(apiVersion, other),
  });
  const problem = conformObject(call, object, decoded);
  if (problem) throw badRequest(cannotHandle(kind, version, problem));
  if (!isObject(object.metadata)) throw badRequest(`the metadata of ${plural} must be an object`);
  return object;
}

/** Drops what the type does not know, and says so as `fieldValidation` asks; what refuses the object is returned. */
export function conformObject(
  call: Call,
  object: KubeObject,
  decoded: Decoded | undefined,
): string | undefined {
  const mode = call.info.query.get("fieldValidation") || "Warn";
  const { def } = call.resource;
  const { unknown, problem } = def.conform?.(object) ?? conform(def.schema, object);
  if (problem || mode === "Ignore") return problem;
  const duplicates = decoded?.format === "json" ? duplicateMembers(decoded.text) : [];
  if (unknown.length === 0 && duplicates.length === 0) return undefined;
  if (mode === "Strict") return strictProblem(unknown, duplicates);
  call.warnings.push(...strictTexts(unknown, duplicates));
  return undefined;
}
