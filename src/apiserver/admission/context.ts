import type { Clock, Logger } from "../../machinery/index.ts";
import type { ObjectCaches } from "../cache/objects.ts";
import type { ServiceNetwork } from "../contract.ts";
import type { Registry } from "../registry/registry.ts";

/** What plugins are made with. */
export interface PluginContext {
  registry: Registry;
  caches: ObjectCaches;
  clock: Clock;
  log: Logger;
  random: () => number;
  network: ServiceNetwork | undefined;
}
