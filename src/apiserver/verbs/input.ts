/** From a request's bytes to an object of the kind, checked and with defaults. */
import { cannotHandle, conform, type KubeObject, strictProblem, strictTexts } from "../../api/index.ts";
import { duplicateMembers } from "../../machinery/index.ts";
import { asObject, type Decoded, decodeBody } from "../codec/decode.ts";
import type { Call } from "../core.ts";
import { badRequest } from "../errors.ts";

/** The object of a POST or PUT, in the spelling of the request, without unknown fields. */
export function readObject(call: Call): KubeObject {
  const decoded = decodeBody(call.request.body, call.request.headers?.["content-type"]);
  const object = asObject(decoded, call.resource.def);
  conformObject(call, object, decoded);
  return object;
}

/** Drops what the type does not know, and says so as `fieldValidation` asks. */
export function conformObject(call: Call, object: KubeObject, decoded: Decoded | undefined): void {
  const { def } = call.resource;
  const mode = fieldValidation(call);
  const { unknown, problem } = conform(def.schema, object);
  if (problem) throw badRequest(cannotHandle(def.kind, def.version, problem));
  if (mode === "Ignore") return;
  const duplicates = decoded?.format === "json" ? duplicateMembers(decoded.text) : [];
  if (unknown.length === 0 && duplicates.length === 0) return;
  if (mode === "Strict") {
    throw badRequest(cannotHandle(def.kind, def.version, strictProblem(unknown, duplicates)));
  }
  call.warnings.push(...strictTexts(unknown, duplicates));
}

function fieldValidation(call: Call): "Strict" | "Warn" | "Ignore" {
  const given = call.info.query.get("fieldValidation");
  if (given === null || given === "") return "Warn";
  if (given === "Strict" || given === "Warn" || given === "Ignore") return given;
  throw badRequest(
    `fieldValidation: Unsupported value: "${given}": supported values: "Ignore", "Strict", "Warn"`,
  );
}
