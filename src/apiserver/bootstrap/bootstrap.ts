/** What every cluster has before anybody asks. Repeating any of it changes nothing. */
import type { KubeObject } from "../../api/index.ts";
import { isReason } from "../../machinery/index.ts";
import type { Core } from "../core.ts";
import type { ServiceNetwork } from "../contract.ts";
import type { ServedResource } from "../registry/resource.ts";
import { createObject } from "../verbs/create.ts";
import { ensureFlowControl } from "./flow-control-upkeep.ts";
import { serverCall } from "./server-call.ts";
import { publishServer } from "./kubernetes-service.ts";
import { followServices } from "./service-addresses.ts";

const systemNamespaces = ["kube-system", "kube-public", "kube-node-lease", "default"];

/** Classes for what the cluster itself runs on, with the values Kubernetes gives them. */
const systemPriorities = [
  {
    name: "system-node-critical",
    value: 2_000_001_000,
    description: "Used for system critical pods that must not be moved from their current node.",
  },
  {
    name: "system-cluster-critical",
    value: 2_000_000_000,
    description:
      "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
  },
];

/** The ServiceCIDR that stands for the range the server was started with (KEP-1880). */
const defaultServiceCidr = "kubernetes";

export async function bootstrap(core: Core, network: ServiceNetwork | undefined): Promise<void> {
  const namespaces = core.registry.find("", "v1", "namespaces");
  if (!namespaces) return;
  await Promise.all(
    systemNamespaces
      .filter((name) => !namespaces.cache.get(name))
      .map((name) =>
        createAsServer(core, namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name } }),
      ),
  );
  const classes = core.registry.find("scheduling.k8s.io", "v1", "priorityclasses");
  const missing = classes ? systemPriorities.filter(({ name }) => !classes.cache.get(name)) : [];
  await Promise.all(
    missing.map(({ name, value, description }) => {
      const object = {
        apiVersion: "scheduling.k8s.io/v1",
        kind: "PriorityClass",
        metadata: { name },
        value,
        description,
        preemptionPolicy: "PreemptLowerPriority",
      };
      return createAsServer(core, classes as ServedResource, object);
    }),
  );
  await ensureFlowControl(core);
  const ranges = core.registry.find("networking.k8s.io", "v1", "servicecidrs");
  if (network && ranges && !ranges.cache.get(defaultServiceCidr)) {
    await createAsServer(core, ranges, {
      apiVersion: "networking.k8s.io/v1",
      kind: "ServiceCIDR",
      metadata: { name: defaultServiceCidr },
      spec: { cidrs: [network.serviceCidr] },
    } as KubeObject);
  }
  if (network) await followServices(core);
  if (network?.advertise) await publishServer(core, network, network.advertise);
}

/** Creates through admission and validation; an object that is there already is fine. */
async function createAsServer(core: Core, resource: ServedResource, object: KubeObject): Promise<void> {
  try {
    await createObject(serverCall(core, resource, object.metadata?.namespace ?? "", ""), object);
  } catch (error) {
    if (!isReason(error, "AlreadyExists")) throw error;
  }
}
