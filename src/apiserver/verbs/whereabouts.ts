/** Whether an object is the one, and in the namespace, that the request's path names. */
import type { KubeObject, ObjectMeta } from "../../api/index.ts";
import type { Call } from "../core.ts";
import { badRequest } from "../errors.ts";

type Asked = Pick<Call, "resource" | "info">;

/** An object without a namespace belongs to that of the request. Throws 400 when it says that it belongs to another. */
export function checkNamespace({ resource, info }: Asked, meta: ObjectMeta): void {
  if (!resource.def.namespaced) return;
  meta.namespace ||= info.namespace;
  if (meta.namespace === info.namespace) return;
  throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
}

/** Likewise, and its name is that of the path. */
export function checkWhereabouts(asked: Asked, object: KubeObject): void {
  const { name: wanted } = asked.info;
  const meta = object.metadata as ObjectMeta;
  checkNamespace(asked, meta);
  if (!meta.name)
    throw badRequest(
      `the name of the object (${wanted} based on URL) was undeterminable: name must be provided`,
    );
  if (meta.name !== wanted)
    throw badRequest(`the name of the object (${meta.name}) does not match the name on the URL (${wanted})`);
}
