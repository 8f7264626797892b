import type { Clock, Logger } from "../../machinery/index.ts";
import type { ObjectCaches } from "../cache/objects.ts";
import type { ServiceNetwork } from "../contract.ts";
import type { Registry } from "../registry/registry.ts";
import type { AdmissionPlugin } from "./chain.ts";
import { namespaceLifecycle } from "./namespace-lifecycle.ts";

export interface PluginContext {
  registry: Registry;
  caches: ObjectCaches;
  clock: Clock;
  log: Logger;
  random: () => number;
  network: ServiceNetwork | undefined;
}

/** Kubernetes' default plugins, in its order. */
export function admissionPlugins(context: PluginContext): AdmissionPlugin[] {
  return [namespaceLifecycle(context)];
}
