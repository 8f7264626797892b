/** The loops of the server: they create the objects that every cluster has, then maintain them. */
import type { Aggregator } from "../aggregation/aggregator.ts";
import { Bootstrap } from "../bootstrap/bootstrap.ts";
import { keepFlowControl } from "../bootstrap/flow-control-upkeep.ts";
import { FlowSchemaStatus } from "../bootstrap/flow-schema-status.ts";
import { keepIdentity } from "../bootstrap/identity.ts";
import { keepTokenTracking } from "../bootstrap/legacy-tokens.ts";
import { startCompaction } from "../cache/compaction.ts";
import type { ApiServerOptions } from "../contract.ts";
import type { Core } from "../core.ts";
import { CustomResources } from "../custom/definitions.ts";
import { aggregationSteps, identitySteps, type StartSteps } from "../discovery/start-steps.ts";
import { inTime } from "./in-time.ts";

export interface Loops {
  /** Prevents new work. */
  stop(): void;
  /** Resolves when the writer of status has ended. */
  close(): Promise<void>;
}

/** Resolves when all loops have completed their first run, or after the time limit; `steps` is told about each. */
export async function startLoops(
  core: Core,
  aggregator: Aggregator,
  options: Pick<ApiServerOptions, "network" | "identity">,
  steps: StartSteps,
): Promise<Loops> {
  const schemaStatus = new FlowSchemaStatus(core);
  const bootstrap = new Bootstrap(core, options.network, options.identity?.hostname ?? "", steps);
  const flowControl = keepFlowControl(core, () =>
    steps.done("priority-and-fairness-config-producer", "priority-and-fairness-filter"),
  );
  const others = options.identity ? [keepIdentity(core, options.identity), keepTokenTracking(core)] : [];
  steps.done(...identitySteps);
  const running: { stop(): void }[] = [bootstrap, flowControl, ...others];
  const firstRound = async (): Promise<void> => {
    // Everything else depends on them.
    await bootstrap.startNamespaces();
    const consumeFlowControl = async (): Promise<void> => {
      await flowControl.start();
      if (core.closing.aborted) return;
      await schemaStatus.start();
      steps.done("priority-and-fairness-config-consumer");
    };
    const rest = [bootstrap, { start: consumeFlowControl }, ...others];
    const aggregation = aggregator.start(() => steps.done(...aggregationSteps));
    await Promise.all([aggregation, ...rest.map((each) => each.start())]);
  };
  await inTime(core, firstRound());
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
