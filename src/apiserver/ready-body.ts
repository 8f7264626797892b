/** The body of a request that is about to be served. */
import type { KindDefinition } from "../api/index.ts";
import { isReason, type StatusError } from "../machinery/index.ts";
import { readLongYaml } from "./codec/decode.ts";
import { bodyTypes, isForeignType } from "./codec/media-type.ts";
import { longYamlBytes } from "./codec/long-yaml.ts";
import type { HandlerRequest, RequestInfo } from "./contract.ts";
import { unsupportedMediaType } from "./errors.ts";
import { takeBody } from "./request-input.ts";
import { patchRefusal } from "./verbs/read-patch.ts";
import { readWriteOptions } from "./verbs/write-options.ts";

/**
 * Has the body there for whoever decodes it; what takes long is read aside. `def`: what is patched. Throws StatusError for one
 * that is too long.
 */
export async function readyBody(request: HandlerRequest, def?: KindDefinition): Promise<void> {
  try {
    await takeBody(request);
  } catch (error) {
    throw (isReason(error, "RequestEntityTooLarge") && foreignBody(request, def)) || error;
  }
  const { body, headers } = request;
  if (body && body.length > longYamlBytes) await readLongYaml(body, headers?.["content-type"]);
}

/** `readWriteOptions` of a request; throws for the type of its body where that is looked at before. */
export function optionsOf(
  request: HandlerRequest,
  { verb, query }: RequestInfo,
  apply: boolean,
  def?: KindDefinition,
): boolean {
  try {
    return readWriteOptions(verb, query, apply);
  } catch (error) {
    throw foreignBody(request, def) ?? error;
  }
}

/** Of what is created or patched the type comes before the options and the length. */
function foreignBody({ method, headers }: HandlerRequest, def?: KindDefinition): StatusError | undefined {
  const type = headers?.["content-type"];
  if (method === "PATCH") return def && patchRefusal(def, type);
  return method === "POST" && isForeignType(type) ? unsupportedMediaType(bodyTypes) : undefined;
}
