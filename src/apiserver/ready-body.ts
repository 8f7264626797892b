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
 * Reads the body; long YAML is parsed in another thread. `def`: the kind that is patched. Throws StatusError for a body that is
 * too long.
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

/** `readWriteOptions` of a request; a wrong content type is reported first where Kubernetes does so. */
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

/** The error of a wrong content type, which for POST and PATCH comes before those of the options and of the length. */
function foreignBody({ method, headers }: HandlerRequest, def?: KindDefinition): StatusError | undefined {
  const type = headers?.["content-type"];
  if (method === "PATCH") return def && patchRefusal(def, type);
  return method === "POST" && isForeignType(type) ? unsupportedMediaType(bodyTypes) : undefined;
}
