/** Whether an object is in the namespace, and has the name, of the request's path. */
import type { KubeObject, ObjectMeta } from "../../api/index.ts";
import type { Call } from "../core.ts";
import { badRequest } from "../errors.ts";

type Asked = Pick<Call, "resource" | "info">;

/** An object without a namespace gets that of the request. Throws 400 when it has another. */
export function checkNamespace({ resource, info }: Asked, meta: ObjectMeta): void {
  if (!resource.def.namespaced) return;
  meta.namespace ||= info.namespace;
  if (meta.namespace === info.namespace) return;
  throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
}

/** Likewise, with the name in the path. */
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
