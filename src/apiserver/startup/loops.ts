/** The loops of the server: they create the objects that every cluster has, then maintain them. */
import type { Aggregator } from "../aggregation/aggregator.ts";
import { bootstrap, keepBootstrapped } from "../bootstrap/bootstrap.ts";
import { keepFlowControl } from "../bootstrap/flow-control-upkeep.ts";
import { FlowSchemaStatus } from "../bootstrap/flow-schema-status.ts";
import { keepIdentity } from "../bootstrap/identity.ts";
import { keepTokenTracking } from "../bootstrap/legacy-tokens.ts";
import { startCompaction } from "../cache/compaction.ts";
import type { ApiServerOptions } from "../contract.ts";
import type { Core } from "../core.ts";
import { CustomResources } from "../custom/definitions.ts";
import { aggregationSteps, identitySteps, type StartSteps } from "../discovery/start-steps.ts";

export interface Loops {
  /** They begin nothing new. */
  stop(): void;
  /** Settles when what writes status has ended. */
  close(): Promise<void>;
}

/** Settles when all have done their first round; `steps` learns of each as it is done. */
export async function startLoops(
  core: Core,
  aggregator: Aggregator,
  options: Pick<ApiServerOptions, "network" | "identity">,
  steps: StartSteps,
): Promise<Loops> {
  const host = options.identity?.hostname ?? "";
  await bootstrap(core, options.network, host);
  steps.done("start-system-namespaces-controller", "scheduling/bootstrap-system-priority-classes");
  steps.done("priority-and-fairness-config-producer", "priority-and-fairness-filter");
  steps.done("bootstrap-controller", "start-kubernetes-service-cidr-controller");
  steps.done("start-service-ip-repair-controllers");
  const schemaStatus = new FlowSchemaStatus(core);
  await schemaStatus.start();
  steps.done("priority-and-fairness-config-consumer");
  await aggregator.start();
  steps.done(...aggregationSteps);
  const running: { stop(): void }[] = [keepBootstrapped(core, options.network, host), keepFlowControl(core)];
  if (options.identity) {
    running.push(await keepIdentity(core, options.identity), await keepTokenTracking(core));
  }
  steps.done(...identitySteps);
  running.push(startCompaction(core));
  const definitions = core.registry.find("apiextensions.k8s.io", "v1", "customresourcedefinitions");
  if (definitions) {
    const customResources = new CustomResources(core, definitions);
    await customResources.start();
    running.push(customResources);
  }
  steps.done("start-apiextensions-informers", "start-apiextensions-controllers", "crd-informer-synced");
  return {
    stop() {
      for (const each of running) each.stop();
    },
    close: () => schemaStatus.close(),
  };
}
