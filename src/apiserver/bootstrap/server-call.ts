import type { UserInfo } from "../auth-contract.ts";
import type { Call, Core } from "../core.ts";
import type { ServedResource } from "../registry/resource.ts";
import { deleteObject } from "../verbs/delete.ts";

/** The server's own user. */
const apiServerUser: UserInfo = { name: "system:apiserver", groups: ["system:masters"] };

/** The server's request to itself: a create, or an update if a name is given. */
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
      // The source of the field manager's name.
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

/** Deletes an object as the server's own user. Throws like any deletion. */
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
