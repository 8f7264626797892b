/** The server's own writes of APIServices: through admission and validation, as its own user. */
import type { APIService, KubeObject } from "../../api/index.ts";
import { isReason } from "../../machinery/index.ts";
import { deleteAsServer, serverCall } from "../bootstrap/server-call.ts";
import type { Core } from "../core.ts";
import type { ServedResource } from "../registry/resource.ts";
import { createObject } from "../verbs/create.ts";
import { updateObject } from "../verbs/update.ts";
import { registrationGroup } from "../registry/priorities.ts";

/** undefined when APIServices are not served. */
export const apiServicesOf = (core: Core): ServedResource | undefined =>
  core.registry.find(registrationGroup, "v1", "apiservices");

/** Ignores an existing one. */
export async function createService(core: Core, resource: ServedResource, object: APIService): Promise<void> {
  try {
    await createObject(serverCall(core, resource, "", ""), object as KubeObject);
  } catch (error) {
    if (!isReason(error, "AlreadyExists")) throw error;
  }
}

/**
 * Updates the spec, or the status if `subresource` says so. Conflicts and deletions are ignored, since they trigger another run.
 */
export async function changeService(
  core: Core,
  resource: ServedResource,
  name: string,
  subresource: "" | "status",
  change: (object: APIService) => void,
): Promise<void> {
  try {
    await updateObject(serverCall(core, resource, "", name, subresource), (entry) => {
      const object = entry.copy();
      change(object as APIService);
      return object;
    });
  } catch (error) {
    if (!isReason(error, "NotFound") && !isReason(error, "Conflict")) throw error;
  }
}

export async function deleteService(core: Core, resource: ServedResource, object: APIService): Promise<void> {
  const { name = "", uid } = object.metadata ?? {};
  try {
    await deleteAsServer(core, resource, "", name, uid === undefined ? {} : { uid });
  } catch (error) {
    if (!isReason(error, "NotFound") && !isReason(error, "Conflict")) throw error;
  }
}
