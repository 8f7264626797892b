/** The objects that every cluster has. Repeating any step changes nothing. */
import type { KubeObject } from "../../api/index.ts";
import { isReason } from "../../machinery/index.ts";
import type { Core } from "../core.ts";
import type { ServiceNetwork } from "../contract.ts";
import type { StartSteps } from "../discovery/start-steps.ts";
import type { ServedResource } from "../registry/resource.ts";
import { createObject } from "../verbs/create.ts";
import { Repeated } from "./repeated.ts";
import { serverCall } from "./server-call.ts";
import { publishServer } from "./kubernetes-service.ts";
import { followServices, repairAddresses } from "./service-addresses.ts";

const systemNamespaces = ["kube-system", "kube-public", "kube-node-lease", "default"];

/** Priority classes of system components, with Kubernetes' values. */
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

/** The ServiceCIDR of the server's own range (KEP-1880). */
const defaultServiceCidr = "kubernetes";

/** Interval of the maintenance loops (kube-apiserver's controllers). */
const namespacesEveryMs = 60_000;
const networkEveryMs = 10_000;
const addressesEveryMs = 60_000;
const retryMs = 1000;

/**
 * Creates the objects that every cluster has, restores deleted ones, and updates those that describe the server. Webhooks,
 * policies or leftover objects may prevent any of it: that is logged and retried while the server serves.
 */
export class Bootstrap {
  readonly #namespaces: Repeated;
  readonly #priorities: Repeated;
  readonly #network: Repeated | undefined;
  readonly #addresses: Repeated | undefined;

  /** `host`: the server's host name, for events. */
  constructor(
    core: Core,
    network: ServiceNetwork | undefined,
    host: string,
    steps: Pick<StartSteps, "done">,
  ) {
    const failed = (error: unknown): void =>
      core.log.warn("what every cluster has could not be kept up", { error });
    const { clock } = core;
    this.#namespaces = new Repeated(clock, namespacesEveryMs, () => ensureNamespaces(core), failed);
    const priorities = async (): Promise<void> => {
      await ensurePriorities(core);
      steps.done("scheduling/bootstrap-system-priority-classes");
    };
    this.#priorities = new Repeated(clock, Infinity, priorities, failed, retryMs);
    // These are not waited for: they run as long as the server.
    steps.done("start-system-namespaces-controller", "bootstrap-controller");
    steps.done("start-kubernetes-service-cidr-controller");
    if (!network) {
      steps.done("start-service-ip-repair-controllers");
      return;
    }
    followServices(core);
    this.#network = new Repeated(clock, networkEveryMs, () => ensureNetwork(core, network), failed);
    const told = new Set<string>();
    const addresses = async (): Promise<void> => {
      await repairAddresses(core, network, host, told);
      steps.done("start-service-ip-repair-controllers");
    };
    this.#addresses = new Repeated(clock, addressesEveryMs, addresses, failed, retryMs);
  }

  startNamespaces(): Promise<void> {
    return this.#namespaces.start();
  }

  /** Resolves after the first attempt of everything. */
  async start(): Promise<void> {
    await Promise.all([this.#priorities.start(), this.#startNetwork()]);
  }

  stop(): void {
    for (const each of [this.#namespaces, this.#priorities, this.#network, this.#addresses]) each?.stop();
  }

  /** In this order: an IPAddress of the server's own Service may be left over. */
  async #startNetwork(): Promise<void> {
    await this.#network?.start();
    await this.#addresses?.start();
  }
}

async function ensureNamespaces(core: Core): Promise<void> {
  const namespaces = core.registry.find("", "v1", "namespaces");
  if (!namespaces) return;
  const missing = systemNamespaces.filter((name) => !namespaces.cache.get(name));
  await Promise.all(
    missing.map((name) =>
      createAsServer(core, namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name } }),
    ),
  );
}

async function ensurePriorities(core: Core): Promise<void> {
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
}

async function ensureNetwork(core: Core, network: ServiceNetwork): Promise<void> {
  const ranges = core.registry.find("networking.k8s.io", "v1", "servicecidrs");
  if (ranges && !ranges.cache.get(defaultServiceCidr)) {
    await createAsServer(core, ranges, {
      apiVersion: "networking.k8s.io/v1",
      kind: "ServiceCIDR",
      metadata: { name: defaultServiceCidr },
      spec: { cidrs: [network.serviceCidr] },
    } as KubeObject);
  }
  if (network.advertise) await publishServer(core, network, network.advertise);
}

/** Creates through admission and validation; ignores an existing object. */
async function createAsServer(core: Core, resource: ServedResource, object: KubeObject): Promise<void> {
  try {
    await createObject(serverCall(core, resource, object.metadata?.namespace ?? "", ""), object);
  } catch (error) {
    if (!isReason(error, "AlreadyExists")) throw error;
  }
}
