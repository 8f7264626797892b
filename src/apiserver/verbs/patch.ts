import { type KubeObject, schemaLookupFor } from "../../api/index.ts";
import {
  applyJsonPatch,
  applyMergePatch,
  applyStrategicMerge,
  isObject,
  type JsonPatchOperation,
  PatchError,
  StatusError,
} from "../../machinery/index.ts";
import { asObject, decodeBody, mediaType } from "../codec/decode.ts";
import type { Call } from "../core.ts";
import { badRequest, unsupportedMediaType } from "../errors.ts";
import type { Answer } from "../response.ts";
import { conformObject } from "./input.ts";
import { objectAnswer } from "./output.ts";
import { updateObject } from "./update.ts";

const maxOperations = 10_000;

export const patchTypes = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
] as const;

export async function patch(call: Call): Promise<Answer> {
  const { resource } = call;
  const apply = readPatch(call);
  const entry = await updateObject(call, (existing) => {
    const before = resource.copy(existing);
    const after = apply(before);
    const object = asObject({ value: after, text: "", format: "json" }, resource.def);
    conformObject(call, object, undefined);
    // A patch that does not speak of the version applies to whatever is there.
    if (object.metadata?.resourceVersion === String(existing.revision))
      delete object.metadata.resourceVersion;
    resource.def.storedAs?.toStored(object);
    resource.def.defaults?.(object);
    return object;
  });
  return objectAnswer(call, 200, entry);
}

/** What the body does to an object. The function may be called again on a newer object. */
export function readPatch(call: Call): (object: KubeObject) => unknown {
  const { request, resource } = call;
  const type = mediaType(request.headers?.["content-type"]);
  const { def } = resource;
  if (type === "application/apply-patch+yaml" || type === "application/apply-patch+cbor") {
    throw new StatusError(
      "UnsupportedMediaType",
      `server-side apply is not served yet - accepted media types include: ${patchTypes.join(", ")}`,
    );
  }
  if (!(patchTypes as readonly string[]).includes(type)) throw unsupportedMediaType(patchTypes);
  const decoded = decodeBody(request.body, "application/json");
  const body = decoded?.value;
  if (type === "application/json-patch+json") {
    if (!Array.isArray(body))
      throw badRequest("json: cannot unmarshal object into Go value of type jsonpatch.Patch");
    if (body.length > maxOperations) {
      throw new StatusError(
        "RequestEntityTooLarge",
        `The allowed maximum operations in a JSON patch is ${maxOperations}, got ${body.length}`,
      );
    }
    return guarded((object) => applyJsonPatch(object, body as JsonPatchOperation[]));
  }
  if (!isObject(body)) throw badRequest("error decoding patch: the body is not an object");
  if (type === "application/merge-patch+json") return guarded((object) => applyMergePatch(object, body));
  const schema = schemaLookupFor(def.group, def.version, def.kind);
  if (!schema) throw unsupportedMediaType(patchTypes.slice(0, 2));
  return guarded((object) => applyStrategicMerge(object, body, schema));
}

/** A patch that cannot be applied is the client's mistake. */
function guarded(apply: (object: KubeObject) => unknown): (object: KubeObject) => unknown {
  return (object) => {
    try {
      return apply(object);
    } catch (cause) {
      if (!(cause instanceof PatchError)) throw cause;
      throw new StatusError("Invalid", "the server rejected our request due to an error in our request", {
        details: { causes: [{ reason: "UnexpectedServerResponse", message: cause.message }] },
        cause,
      });
    }
  };
}
