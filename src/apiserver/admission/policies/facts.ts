/** The variables of policies' expressions for a request. */
import type { KubeObject } from "../../../api/index.ts";
import type { ObjectCaches } from "../../cache/objects.ts";
import type { ServedResource } from "../../registry/resource.ts";
import type { AdmissionRequest } from "../chain.ts";
import { reviewOf } from "../webhooks/review.ts";
import type { Facts } from "./expressions.ts";

/** The request in the version `resource`, as it is now. */
export function factsOf(
  caches: ObjectCaches,
  request: AdmissionRequest,
  resource: ServedResource,
  params?: KubeObject | null,
): Facts {
  const { uid: _uid, object, oldObject, ...rest } = reviewOf(request, { resource }, "").request;
  const { def } = request.resource;
  const isNamespace = def.group === "" && def.plural === "namespaces";
  const namespace =
    request.namespace === "" || isNamespace
      ? undefined
      : caches.get("", "namespaces", undefined, request.namespace);
  return {
    request: rest,
    object,
    oldObject,
    namespaceObject: namespace ? exposed(namespace) : null,
    ...(params === undefined ? {} : { params }),
  };
}

/** The fields of a namespace that policies may read. */
function exposed(namespace: KubeObject): object {
  const { ownerReferences: _o, managedFields: _m, uid: _u, ...metadata } = namespace.metadata ?? {};
  const { spec, status } = namespace as { spec?: object; status?: object };
  return { metadata, spec: spec ?? {}, status: status ?? {} };
}
