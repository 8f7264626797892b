import type { Namespace } from "../../api/index.ts";
import { forbidden, notFound } from "../errors.ts";
import type { AdmissionPlugin } from "./chain.ts";
import type { PluginContext } from "./context.ts";
import { refuse } from "./refuse.ts";

/** Namespaces that cannot be deleted. */
const immortal = new Set(["default", "kube-system", "kube-public"]);
const namespaces = { group: "", kind: "Namespace", plural: "namespaces" };

/** Refuses creation in missing or terminating namespaces, and deletion of system namespaces. */
export function namespaceLifecycle({ caches }: Pick<PluginContext, "caches">): AdmissionPlugin {
  return {
    name: "NamespaceLifecycle",
    admit(request) {
      const { operation, resource, namespace, name } = request;
      const { def } = resource;
      if (operation === "DELETE" && def.group === "" && def.kind === "Namespace" && immortal.has(name)) {
        throw forbidden(def, name, "this namespace may not be deleted");
      }
      if (operation !== "CREATE" || !def.namespaced) return;
      // Reviews do not depend on the namespace's contents.
      if (def.plural === "localsubjectaccessreviews") return;
      const found = caches.get<Namespace>("", "namespaces", undefined, namespace);
      if (!found) throw notFound(namespaces, namespace);
      if (!found.metadata?.deletionTimestamp && found.status?.phase !== "Terminating") return;
      const error = refuse(
        request,
        `unable to create new content in namespace ${namespace} because it is being terminated`,
      );
      if (error.details) {
        error.details.causes = [
          {
            reason: "NamespaceTerminating",
            message: `namespace ${namespace} is being terminated`,
            field: "metadata.namespace",
          },
        ];
      }
      throw error;
    },
  };
}
