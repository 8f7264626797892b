import type { UserInfo } from "../auth-contract.ts";
import type { Call, Core } from "../core.ts";
import type { ServedResource } from "../registry/resource.ts";
import { deleteObject } from "../verbs/delete.ts";

/** The server itself, as admission sees it. */
const apiServerUser: UserInfo = { name: "system:apiserver", groups: ["system:masters"] };

/** A request of the server to itself: a creation, or an update when there is a name. */
export function serverCall(
  core: Core,
  resource: ServedResource,
  namespace: string,
  name: string,
  subresource = "",
): Call {
  const { group, version, plural } = resource.def;
  const path = `/internal/${plural}`;
  return {
    core,
    request: {
      method: name === "" ? "POST" : "PUT",
      path,
      // Who manages the fields it writes is told by this.
      headers: { "user-agent": "kube-apiserver" },
      peer: { address: "" },
    },
    info: {
      isResource: true,
      path,
      verb: name === "" ? "create" : "update",
      apiGroup: group,
      apiVersion: version,
      namespace,
      resource: plural,
      subresource,
      name,
      rest: "",
      query: new URLSearchParams(),
    },
    user: apiServerUser,
    resource,
    target: { format: "json", as: "object", asVersion: "", pretty: false },
    dryRun: false,
    warnings: [],
  };
}

/** Deletes an object on the server's own behalf. Throws as any deletion does. */
export function deleteAsServer(
  core: Core,
  resource: ServedResource,
  namespace: string,
  name: string,
  preconditions: { uid?: string } = {},
): ReturnType<typeof deleteObject> {
  const call = serverCall(core, resource, namespace, name);
  const options = { gracePeriodSeconds: undefined, propagation: undefined, preconditions, dryRun: false };
  return deleteObject({ ...call, info: { ...call.info, verb: "delete" } }, namespace, name, options);
}
