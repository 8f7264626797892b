import type { Namespace } from "../../../api/index.ts";
import { StatusError } from "../../../machinery/index.ts";
import type { AdmissionPlugin, AdmissionRequest } from "../chain.ts";
import type { PluginContext } from "../context.ts";
import { refuse } from "../refuse.ts";

/** NamespaceAutoProvision: creates missing namespaces of new objects. */
export function namespaceAutoProvision({ caches, registry, create }: PluginContext): AdmissionPlugin {
  return {
    name: "NamespaceAutoProvision",
    admit(request) {
      const { operation, namespace, dryRun, kind } = request;
      if (operation !== "CREATE" || dryRun || namespace === "") return undefined;
      if (kind.group === "" && kind.kind === "Namespace") return undefined;
      if (caches.get<Namespace>("", "namespaces", undefined, namespace)) return undefined;
      const namespaces = registry.find("", "v1", "namespaces");
      return namespaces && made(request, () => create(namespaces, blank(namespace)));
    },
  };
}

const blank = (name: string) => ({ apiVersion: "v1", kind: "Namespace", metadata: { name } });

/** A concurrent request may have created it. Rejects with a refusal of the request. */
async function made(request: AdmissionRequest, make: () => Promise<unknown>): Promise<void> {
  try {
    await make();
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    if (error.reason === "AlreadyExists") return;
    throw error.reason === "Forbidden" ? error : refuse(request, error.message);
  }
}
