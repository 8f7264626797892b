import type { KubeObject, OwnerReference } from "../../api/index.ts";
import { deepEqual } from "../../machinery/index.ts";
import type { AuthorizationAttributes } from "../auth-contract.ts";
import { forbidden } from "../errors.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./chain.ts";
import type { PluginContext } from "./context.ts";

/**
 * OwnerReferencesPermissionEnforcement (off by default, as in the original): only who may delete an object changes
 * its owners, and only who may set an owner's finalizers lets a dependent hold up the owner's deletion.
 */
export function ownerReferences({ authorizer, registry }: PluginContext): AdmissionPlugin {
  const ask = (request: AdmissionRequest, what: Partial<AuthorizationAttributes>) =>
    authorizer.authorize({
      user: request.user,
      verb: "",
      apiGroup: "",
      apiVersion: "",
      resource: "",
      subresource: "",
      namespace: "",
      name: "",
      path: "",
      isResource: true,
      ...what,
    });

  return {
    name: "OwnerReferencesPermissionEnforcement",
    async validate(request) {
      const { resource, object, oldObject, operation, subresource, namespace, name } = request;
      const { def } = resource;
      if (operation !== "CREATE" && operation !== "UPDATE") return;
      if (def.group === "" && def.plural === "pods" && subresource === "status") return;
      const [now, before] = [ownersOf(object), ownersOf(oldObject)];
      if (deepEqual(now, before)) return;
      const refuse = (why: string): Error => forbidden(def, object?.metadata?.name ?? name, why);
      if (operation !== "CREATE") {
        const { allowed, reason } = await ask(request, {
          verb: "delete",
          namespace,
          apiGroup: def.group,
          apiVersion: def.version,
          resource: def.plural,
          subresource,
          name,
        });
        if (!allowed) throw refuse(`cannot set an ownerRef on a resource you can't delete: ${reason}, <nil>`);
      }
      const blocking = newlyBlocking(now, before);
      if (blocking.length === 0) return;
      const anything = {
        verb: "update",
        apiGroup: "*",
        apiVersion: "*",
        resource: "*",
        subresource: "finalizers",
      };
      if ((await ask(request, { ...anything, name: "*" })).allowed) return;
      for (const owner of blocking) {
        const [version = "", group = ""] = owner.apiVersion.split("/").reverse();
        const kinds = [...registry.all()].filter(
          (each) => each.def.group === group && each.def.kind === owner.kind && each.def.version === version,
        );
        if (kinds.length === 0) {
          throw refuse(
            `cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion ${owner.apiVersion} Kind ${owner.kind}: no matches for kind "${owner.kind}" in version "${owner.apiVersion}"`,
          );
        }
        for (const kind of kinds) {
          const { allowed, reason } = await ask(request, {
            verb: "update",
            apiGroup: group,
            apiVersion: version,
            resource: kind.def.plural,
            subresource: "finalizers",
            name: owner.name,
            namespace: kind.def.namespaced ? namespace : "",
          });
          if (allowed) continue;
          throw refuse(
            `cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: ${reason}, <nil>`,
          );
        }
      }
    },
  };
}

const ownersOf = (object: KubeObject | undefined): readonly OwnerReference[] =>
  object?.metadata?.ownerReferences ?? [];

const newlyBlocking = (now: readonly OwnerReference[], before: readonly OwnerReference[]): OwnerReference[] =>
  now.filter((owner) => {
    const known = before.find((each) => each.uid === owner.uid);
    return owner.blockOwnerDeletion === true && known?.blockOwnerDeletion !== true;
  });
