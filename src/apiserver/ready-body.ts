/** The body of a request that is about to be served. */
import type { KindDefinition } from "../api/index.ts";
import { isReason, type StatusError } from "../machinery/index.ts";
import { bodyTypes, isForeignType, readLongYaml } from "./codec/decode.ts";
import { longYamlBytes } from "./codec/long-yaml.ts";
import type { HandlerRequest } from "./contract.ts";
import { unsupportedMediaType } from "./errors.ts";
import { takeBody } from "./request-input.ts";
import { patchRefusal } from "./verbs/read-patch.ts";

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

/** Of what is created or patched the type comes before the length. */
function foreignBody({ method, headers }: HandlerRequest, def?: KindDefinition): StatusError | undefined {
  const type = headers?.["content-type"];
  if (method === "PATCH") return def && patchRefusal(def, type);
  return method === "POST" && isForeignType(type) ? unsupportedMediaType(bodyTypes) : undefined;
}
