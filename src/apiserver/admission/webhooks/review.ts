/** The AdmissionReview (admission.k8s.io) of a request, for webhooks and expressions. */
import { fillWritten, type KubeObject, schemaOf } from "../../../api/index.ts";
import { typeNameOf } from "../../managed-fields/unstored.ts";
import type { ServedResource } from "../../registry/resource.ts";
import { isOwnKind, viewed } from "../change.ts";
import type { AdmissionRequest } from "../chain.ts";
import type { ReviewVersion } from "./verdict.ts";

/** The fields of an AdmissionReview's request. */
export interface AdmissionReview {
  kind: string;
  apiVersion: string;
  request: {
    uid: string;
    object: KubeObject | null;
    oldObject: KubeObject | null;
    [member: string]: unknown;
  };
}

/** An object in the matched version. */
function shown(
  request: AdmissionRequest,
  resource: ServedResource,
  object: KubeObject | undefined,
): KubeObject | null {
  if (!object) return null;
  if (isOwnKind(request)) return viewed(request, object, resource);
  const { kind, apiVersion, ...rest } = structuredClone(object);
  const copy = { kind, apiVersion, ...rest } as KubeObject;
  const type = schemaOf(typeNameOf(request.kind));
  if (type) fillWritten(type, copy as Record<string, unknown>);
  return copy;
}

/** `resource`: the version of the resource in which the objects are shown. Throws Pending when a webhook has to convert. */
export function reviewOf(
  request: AdmissionRequest,
  { resource }: { resource: ServedResource },
  uid: string,
  version: ReviewVersion = "v1",
): AdmissionReview {
  const { def } = request.resource;
  const { group, version: shownVersion, plural, kind } = resource.def;
  const { user, subresource } = request;
  const extra = user.extra ?? {};
  return {
    kind: "AdmissionReview",
    apiVersion: `admission.k8s.io/${version}`,
    request: {
      uid,
      kind: isOwnKind(request) ? { group, version: shownVersion, kind } : { ...request.kind },
      resource: { group, version: shownVersion, resource: plural },
      ...(subresource === "" ? {} : { subResource: subresource }),
      requestKind: { ...request.kind },
      requestResource: { group: def.group, version: def.version, resource: def.plural },
      ...(subresource === "" ? {} : { requestSubResource: subresource }),
      ...(request.name === "" ? {} : { name: request.name }),
      ...(request.namespace === "" ? {} : { namespace: request.namespace }),
      operation: request.operation,
      userInfo: {
        username: user.name,
        ...(user.uid ? { uid: user.uid } : {}),
        ...(user.groups.length > 0 ? { groups: user.groups } : {}),
        ...(Object.keys(extra).length > 0 ? { extra } : {}),
      },
      object: shown(request, resource, request.object),
      oldObject: shown(request, resource, request.oldObject),
      dryRun: request.dryRun,
      options: request.options,
    },
  };
}
