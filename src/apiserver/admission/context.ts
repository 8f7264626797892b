import type { Clock, Logger } from "../../machinery/index.ts";
import type { ObjectCaches } from "../cache/objects.ts";
import type { Authorizer } from "../auth-contract.ts";
import type { ServiceNetwork, TolerationSeconds } from "../contract.ts";
import type { WriteResult } from "../core.ts";
import type { AdmissionMetrics } from "../metrics/admission.ts";
import type { Entry } from "../cache/entry.ts";
import type { KubeObject } from "../../api/index.ts";
import type { Registry } from "../registry/registry.ts";
import type { ServedResource } from "../registry/resource.ts";

/** The dependencies of plugins. */
export interface PluginContext {
  registry: Registry;
  caches: ObjectCaches;
  clock: Clock;
  log: Logger;
  random: () => number;
  network: ServiceNetwork | undefined;
  authorizer: Authorizer;
  metrics: AdmissionMetrics;
  /** Configuration by plugin name (AdmissionConfiguration). */
  configuration?: ReadonlyMap<string, unknown> | undefined;
  tolerationSeconds?: TolerationSeconds | undefined;
  /** Creates an object on behalf of the server, through admission. */
  create(resource: ServedResource, object: KubeObject): Promise<Entry>;
  /** Deletes an object on behalf of the server, through admission. */
  remove(
    resource: ServedResource,
    namespace: string,
    name: string,
    preconditions: { uid?: string },
  ): Promise<unknown>;
  /** Compare-and-swap on the given entry, past admission (`writeObject` of core.ts). */
  write(resource: ServedResource, key: string, object: KubeObject, existing: Entry): Promise<WriteResult>;
}
