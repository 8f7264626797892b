/** Puts the server together, starts its loops and listeners, and ends them in order. */
import { Aggregator } from "./aggregation/aggregator.ts";
import { ObjectCaches } from "./cache/objects.ts";
import type { ApiServer, ApiServerOptions, HandlerRequest } from "./contract.ts";
import type { Core } from "./core.ts";
import { Documents } from "./discovery/documents.ts";
import { Health, type HealthCheck } from "./discovery/health.ts";
import { StartSteps, startSteps } from "./discovery/start-steps.ts";
import { FlowControl } from "./flow-control/flow-control.ts";
import { Gate } from "./gate.ts";
import { Handler } from "./handler.ts";
import { localTransport, toTransport } from "./local-transport.ts";
import { Meters } from "./metrics/meters.ts";
import { MetricsRegistry } from "./metrics/registry.ts";
import { Operating } from "./operating/operating.ts";
import { describeServer } from "./server-metrics.ts";
import { Shutdown } from "./shutdown.ts";
import { createCore } from "./startup/core.ts";
import { healthChecks } from "./startup/health-checks.ts";
import { Listeners } from "./startup/listeners.ts";
import { startLoops } from "./startup/loops.ts";
import { upgradeHandlers } from "./upgrades.ts";
import { WatchEnds } from "./watch-ends.ts";

/**
 * Fills the caches from the store, makes what every cluster has (system namespaces, `kubernetes` Service) or begins to, then
 * serves.
 */
export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { store, clock, log } = options;
  const shutdown = new Shutdown(options.shutdown ?? {});
  const caches = new ObjectCaches(store, clock, log);
  const metrics = options.metrics ?? new MetricsRegistry();
  const meters = new Meters(metrics);
  describeServer(metrics, { store, caches, audit: options.audit });
  const steps = new StartSteps(startSteps);

  await caches.open();
  const storeError = (): Error | undefined => caches.readiness.error;
  steps.done("generic-apiserver-start-informers", "storage-object-count-tracker-hook", "storage-readiness");

  const watchEnds = new WatchEnds();
  const core = createCore(options, { caches, meters, closing: shutdown.ends, watchEnds, storeError });
  options.authenticator.attach?.(caches, meters.auth);
  options.authorizer.attach?.(caches, meters.auth);
  steps.done("start-apiserver-admission-initializer");

  const livezFrom = clock.monotonic() + (options.livezGraceMs ?? 0);
  const checks = healthChecks({
    steps,
    shutdown,
    storeError,
    others: options.checks ?? new Map(),
    stepsCount: () => clock.monotonic() >= livezFrom,
  });
  const flowControl = createFlowControl(options, caches, metrics);
  const aggregator = new Aggregator(core, options.aggregation ?? {});
  const documents = createDocuments({
    options,
    core,
    metrics,
    checks,
    aggregator,
    flowControl,
    address: () => listeners.address,
  });
  const gate = new Gate(clock, options.authenticator, options.authorizer, meters);
  const handler = new Handler({
    core,
    gate,
    documents,
    meters,
    aggregator,
    audit: options.audit,
    flowControl,
    tracer: options.tracer,
    ...(options.requestMs === undefined ? {} : { requestMs: options.requestMs }),
  });
  const handle = (request: HandlerRequest) => handler.handle(request);
  const upgrades = upgradeHandlers({ core, gate, aggregator, options, handle });
  const listeners = new Listeners({ options, shutdown, metrics, meters, upgrades, handle });
  const loops = await startLoops(core, aggregator, options, steps);

  const end = async (): Promise<void> => {
    shutdown.leave();
    if (shutdown.delayMs > 0) await clock.sleep(shutdown.delayMs);
    shutdown.end();
    loops.stop();
    await listeners.close(watchEnds.end(shutdown.watchGraceMs, clock));
    await loops.close();
    await aggregator.close();
    flowControl?.close();
    caches.close();
  };
  let ended: Promise<void> | undefined;

  return {
    objects: caches,
    localTransport: (peer) => localTransport(handle, peer),
    async handle(request) {
      return toTransport(await handle(request), request.signal);
    },
    listen: (listen) => listeners.open(listen),
    renewTls: (tls) => listeners.renew(tls),
    close: () => (ended ??= end()),
  };
}

/** Priority and fairness; undefined where it is turned off. */
function createFlowControl(
  { flowControl, clock }: ApiServerOptions,
  objects: ObjectCaches,
  metrics: MetricsRegistry,
): FlowControl | undefined {
  if (flowControl === false) return undefined;
  return new FlowControl({
    clock,
    objects,
    metrics,
    stored: (group, plural) => objects.known(group, plural),
    ...(flowControl?.seats === undefined ? {} : { seats: flowControl.seats }),
  });
}

interface DocumentParts {
  options: ApiServerOptions;
  core: Core;
  metrics: MetricsRegistry;
  checks: readonly HealthCheck[];
  aggregator: Aggregator;
  flowControl: FlowControl | undefined;
  /** host:port of this server. */
  address(): string;
}

/** Everything that is answered outside of resources: discovery, OpenAPI, health, metrics, pages for operators. */
function createDocuments(parts: DocumentParts): Documents {
  const { options, core, metrics, checks, aggregator, flowControl, address } = parts;
  const operating = createOperating(options);
  return new Documents({
    registry: core.registry,
    metrics,
    health: new Health(checks, core.log),
    documents: options.documents ?? new Map(),
    address,
    others: aggregator,
    debug: (path, query) => flowControl?.table(path, query),
    operating: (...asked) => operating.answer(...asked),
    operatingPaths: operating.paths,
  });
}

/** klog writes debugging messages from this verbosity on (the convention of Kubernetes' components). */
const debugVerbosity = 4;

function createOperating({ clock, random, log, flags, profiling = true }: ApiServerOptions): Operating {
  const { setLevel } = log;
  const setVerbosity = setLevel && ((level: number) => setLevel(level >= debugVerbosity ? "debug" : "info"));
  return new Operating({ clock, random, flags, setVerbosity, profiling });
}
