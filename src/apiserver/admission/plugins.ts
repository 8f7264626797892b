import { serviceAllocation } from "../network/service-allocation.ts";
import type { AdmissionPlugin } from "./chain.ts";
import type { PluginContext } from "./context.ts";
import { limitRanger } from "./limit-ranger.ts";
import { namespaceLifecycle } from "./namespace-lifecycle.ts";
import { defaultTolerationSeconds, priority } from "./pod-defaults.ts";
import { podSecurity } from "./pod-security/plugin.ts";
import { resourceQuota } from "./quota/plugin.ts";
import { runtimeClass } from "./runtime-class.ts";
import { serviceAccount } from "./service-account.ts";
import { defaultStorageClass, storageObjectInUseProtection } from "./storage.ts";
import { taintNodesByCondition } from "./taint-nodes.ts";

/** Kubernetes' default plugins as far as they are built, in its order; Service addresses and quotas last. */
export function admissionPlugins(context: PluginContext): AdmissionPlugin[] {
  const { caches, random, network } = context;
  return [
    namespaceLifecycle(context),
    limitRanger(context),
    serviceAccount(context),
    taintNodesByCondition,
    podSecurity(context),
    priority(context),
    defaultTolerationSeconds,
    storageObjectInUseProtection,
    defaultStorageClass(context),
    runtimeClass(context),
    ...(network ? [serviceAllocation({ caches, random, network })] : []),
    resourceQuota(context),
  ];
}
