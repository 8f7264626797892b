import type { KubeObject, OwnerReference } from "../../api/index.ts";
import { deepEqual } from "../../machinery/index.ts";
import type { AuthorizationAttributes } from "../auth-contract.ts";
import { forbidden } from "../errors.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./chain.ts";
import type { PluginContext } from "./context.ts";

const nothing = {
  verb: "",
  apiGroup: "",
  apiVersion: "",
  resource: "",
  subresource: "",
  namespace: "",
  name: "",
  path: "",
  isResource: true,
};

/**
 * OwnerReferencesPermissionEnforcement (off by default, as in Kubernetes): changing an object's owners requires the right to
 * delete it, and setting blockOwnerDeletion the right to set the owner's finalizers.
 */
export function ownerReferences({ authorizer, registry }: PluginContext): AdmissionPlugin {
  const ask = ({ user }: AdmissionRequest, what: Partial<AuthorizationAttributes>) =>
    authorizer.authorize({ ...nothing, user, ...what });

  return {
    name: "OwnerReferencesPermissionEnforcement",
    async validate(request) {
      const { resource, object, oldObject, operation, subresource } = request;
      const { def } = resource;
      if (operation !== "CREATE" && operation !== "UPDATE") return;
      if (def.group === "" && def.plural === "pods" && subresource === "status") return;
      const [now, before] = [ownersOf(object), ownersOf(oldObject)];
      if (deepEqual(now, before)) return;
      if (operation !== "CREATE") await checkMayDelete(request);
      const blocking = newlyBlocking(now, before);
      if (blocking.length === 0 || (await mayBlockAll(request))) return;
      for (const owner of blocking) await checkMayBlock(request, owner);
    },
  };

  async function checkMayDelete(request: AdmissionRequest): Promise<void> {
    const { namespace, subresource, name } = request;
    const { group: apiGroup, version: apiVersion, plural: resource } = request.resource.def;
    const what = { verb: "delete", namespace, apiGroup, apiVersion, resource, subresource, name };
    const { allowed, reason } = await ask(request, what);
    if (!allowed)
      throw refusal(request, `cannot set an ownerRef on a resource you can't delete: ${reason}, <nil>`);
  }

  /** Checked first, to save a check per owner for users that may do everything. */
  async function mayBlockAll(request: AdmissionRequest): Promise<boolean> {
    const all = { apiGroup: "*", apiVersion: "*", resource: "*", name: "*" };
    return (await ask(request, { verb: "update", subresource: "finalizers", ...all })).allowed;
  }

  async function checkMayBlock(request: AdmissionRequest, owner: OwnerReference): Promise<void> {
    const [version = "", group = ""] = owner.apiVersion.split("/").reverse();
    const kinds = [...registry.all()].filter(
      ({ def }) => def.group === group && def.kind === owner.kind && def.version === version,
    );
    if (kinds.length === 0)
      throw refusal(
        request,
        `cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion ${owner.apiVersion} Kind ${owner.kind}: no matches for kind "${owner.kind}" in version "${owner.apiVersion}"`,
      );
    for (const { def } of kinds) {
      const { allowed, reason } = await ask(request, {
        verb: "update",
        apiGroup: group,
        apiVersion: version,
        resource: def.plural,
        subresource: "finalizers",
        name: owner.name,
        namespace: def.namespaced ? request.namespace : "",
      });
      if (!allowed)
        throw refusal(
          request,
          `cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: ${reason}, <nil>`,
        );
    }
  }
}

const refusal = ({ resource, object, name }: AdmissionRequest, why: string): Error =>
  forbidden(resource.def, object?.metadata?.name ?? name, why);

const ownersOf = (object: KubeObject | undefined): readonly OwnerReference[] =>
  object?.metadata?.ownerReferences ?? [];

const newlyBlocking = (now: readonly OwnerReference[], before: readonly OwnerReference[]): OwnerReference[] =>
  now.filter((owner) => {
    const known = before.find((each) => each.uid === owner.uid);
    return owner.blockOwnerDeletion === true && known?.blockOwnerDeletion !== true;
  });
