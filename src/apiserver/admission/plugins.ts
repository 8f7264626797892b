import type { Clock, Logger } from "../../machinery/index.ts";
import type { ObjectCaches } from "../cache/objects.ts";
import type { ServiceNetwork } from "../contract.ts";
import { serviceAllocation } from "../network/service-allocation.ts";
import type { Registry } from "../registry/registry.ts";
import type { AdmissionPlugin } from "./chain.ts";
import { namespaceLifecycle } from "./namespace-lifecycle.ts";
import { defaultTolerationSeconds, priority } from "./pod-defaults.ts";
import { serviceAccount } from "./service-account.ts";
import { defaultStorageClass, storageObjectInUseProtection } from "./storage.ts";
import { taintNodesByCondition } from "./taint-nodes.ts";

export interface PluginContext {
  registry: Registry;
  caches: ObjectCaches;
  clock: Clock;
  log: Logger;
  random: () => number;
  network: ServiceNetwork | undefined;
}

/** Kubernetes' default plugins as far as they are built, in its order; Service addresses last. */
export function admissionPlugins(context: PluginContext): AdmissionPlugin[] {
  const { caches, random, network } = context;
  return [
    namespaceLifecycle(context),
    serviceAccount(context),
    taintNodesByCondition,
    priority(context),
    defaultTolerationSeconds,
    storageObjectInUseProtection,
    defaultStorageClass(context),
    ...(network ? [serviceAllocation({ caches, random, network })] : []),
  ];
}
