import type { KubeObject } from "../../api/index.ts";
import { isReason } from "../../machinery/index.ts";
import type { UserInfo } from "../auth-contract.ts";
import type { Call, Core } from "../core.ts";
import type { ServiceNetwork } from "../contract.ts";
import type { ServedResource } from "../registry/resource.ts";
import { createObject } from "../verbs/create.ts";

/** Kubernetes makes these before anybody asks. */
const systemNamespaces = ["kube-system", "kube-public", "kube-node-lease", "default"];

/** The server itself, as admission sees it. */
export const apiServerUser: UserInfo = { name: "system:apiserver", groups: ["system:masters"] };

/** Makes what every cluster has. Repeating it changes nothing. */
export async function bootstrap(core: Core, _network: ServiceNetwork | undefined): Promise<void> {
  const namespaces = core.registry.find("", "v1", "namespaces");
  if (!namespaces) return;
  for (const name of systemNamespaces) {
    if (namespaces.cache.get(name)) continue;
    await createAsServer(core, namespaces, {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name, labels: { "kubernetes.io/metadata.name": name } },
    });
  }
}

/** Creates through admission and validation; an object that is there already is fine. */
export async function createAsServer(
  core: Core,
  resource: ServedResource,
  object: KubeObject,
): Promise<void> {
  try {
    await createObject(serverCall(core, resource, object.metadata?.namespace ?? "", ""), object);
  } catch (error) {
    if (!isReason(error, "AlreadyExists")) throw error;
  }
}

/** A request of the server to itself. */
export function serverCall(core: Core, resource: ServedResource, namespace: string, name: string): Call {
  const path = `/internal/${resource.def.plural}`;
  return {
    core,
    request: { method: "POST", path, peer: { address: "" } },
    info: {
      isResource: true,
      path,
      verb: name === "" ? "create" : "update",
      apiGroup: resource.def.group,
      apiVersion: resource.def.version,
      namespace,
      resource: resource.def.plural,
      subresource: "",
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
