import { kinds as builtInKinds } from "../api/index.ts";
import { AdmissionChain } from "./admission/chain.ts";
import { admissionPlugins } from "./admission/plugins.ts";
import { guardPlugin } from "./admission/guards.ts";
import { Aggregator } from "./aggregation/aggregator.ts";
import type { Peer } from "./auth-contract.ts";
import { bootstrap } from "./bootstrap/bootstrap.ts";
import { keepFlowControl } from "./bootstrap/flow-control-upkeep.ts";
import { keepIdentity } from "./bootstrap/identity.ts";
import { keepTokenTracking } from "./bootstrap/legacy-tokens.ts";
import { FlowSchemaStatus } from "./bootstrap/flow-schema-status.ts";
import { ObjectCaches } from "./cache/objects.ts";
import { CustomResources } from "./custom/definitions.ts";
import { startCompaction } from "./cache/compaction.ts";
import type { ApiServer, ApiServerOptions, HandlerRequest, ListenOptions } from "./contract.ts";
import { type Core, writeObject } from "./core.ts";
import { Documents } from "./discovery/documents.ts";
import { Health, type HealthCheck } from "./discovery/health.ts";
import { identitySteps, StartSteps, startSteps } from "./discovery/start-steps.ts";
import { Gate } from "./gate.ts";
import { Handler } from "./handler.ts";
import { withCors } from "./http/cors.ts";
import { withStrictTransport } from "./http/strict-transport.ts";
import { type Front, listenFront } from "./http/front.ts";
import { localTransport, toTransport } from "./local-transport.ts";
import { FlowControl } from "./flow-control/flow-control.ts";
import { Meters } from "./metrics/meters.ts";
import { MetricsRegistry } from "./metrics/registry.ts";
import { Operating } from "./operating/operating.ts";
import { EventLeases } from "./registry/event-leases.ts";
import { Lines } from "./registry/lines.ts";
import { Registry } from "./registry/registry.ts";
import { readRuntimeConfig } from "./registry/runtime-config.ts";
import { infoOf } from "./request-info.ts";
import { Shutdown } from "./shutdown.ts";
import { describeServer } from "./server-metrics.ts";
import { upgradeHandlers } from "./upgrades.ts";

/** Steps of the start that others do stand where kube-apiserver has them: before priority classes are made. */
function inOrder(own: HealthCheck[], others: ReadonlyMap<string, HealthCheck["run"]>): HealthCheck[] {
  const more = [...others].map(([name, run]) => ({ name, run }));
  const isStep = ({ name }: HealthCheck): boolean => name.startsWith("poststarthook/");
  const at = own.findIndex(({ name }) => name.endsWith("/bootstrap-system-priority-classes"));
  return [
    ...own.slice(0, at),
    ...more.filter(isStep),
    ...own.slice(at),
    ...more.filter((each) => !isStep(each)),
  ];
}

/** Fills the caches from the store, makes what every cluster has (system namespaces, `kubernetes` Service), then serves. */
export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { store, clock, log, random } = options;
  const shutdown = new Shutdown(options.shutdown ?? {});
  const caches = new ObjectCaches(store, clock);
  const metrics = options.metrics ?? new MetricsRegistry();
  const meters = new Meters(metrics);
  describeServer(metrics, { store, caches, audit: options.audit });
  const steps = new StartSteps(startSteps);
  let broken: Error | undefined;
  await caches.open((error) => {
    broken = error;
    log.error("the store's watch broke", { error });
  });
  steps.done("generic-apiserver-start-informers", "storage-object-count-tracker-hook", "storage-readiness");
  const isServed = readRuntimeConfig(options.runtimeConfig ?? new Map(), builtInKinds);
  const registry = new Registry(
    builtInKinds.filter(({ group, version, plural }) => isServed(group, version, plural)),
    new Map(
      [...(options.special ?? [])].filter(([key, { group, version }]) =>
        isServed(group, version, key.split(/[./]/, 1)[0] ?? ""),
      ),
    ),
    caches,
  );
  const plugins =
    options.admission === false
      ? []
      : admissionPlugins(
          {
            registry,
            caches,
            clock,
            random,
            network: options.network,
            authorizer: options.authorizer,
            log,
            metrics: meters.admission,
            tolerationSeconds: options.tolerationSeconds,
            configuration: options.pluginConfiguration,
            write: (...change) => writeObject(core, ...change),
          },
          options.plugins,
        );
  const core: Core = {
    store,
    clock,
    log,
    random,
    caches,
    registry,
    admission: new AdmissionChain([...plugins, guardPlugin(options.guards ?? new Map(), caches)], {
      clock,
      metrics: meters.admission,
    }),
    authorizer: options.authorizer,
    leases: new EventLeases(store, clock, meters.storage.leased),
    lines: new Lines(),
    meters,
    components: () =>
      Promise.resolve([...(options.components?.() ?? []), { name: "etcd-0", error: broken?.message }]),
    tracer: options.tracer,
    closing: shutdown.ends,
    minRequestSeconds: options.minRequestSeconds,
    eventTtlSeconds: options.eventTtlSeconds,
  };
  options.authenticator.attach?.(caches, meters.auth);
  options.authorizer.attach?.(caches, meters.auth);
  steps.done("start-apiserver-admission-initializer");

  const storeAnswers = (): void => {
    if (broken) throw broken;
  };
  const checks: HealthCheck[] = [
    { name: "ping", run: () => {} },
    { name: "log", run: () => {} },
    { name: "etcd", run: storeAnswers },
    { name: "etcd-readiness", run: storeAnswers, at: ["readyz"] },
    { name: "informer-sync", run: storeAnswers, at: ["readyz"] },
    ...inOrder(steps.checks(), options.checks ?? new Map()),
    { name: "shutdown", run: () => shutdown.check(), at: ["readyz"] },
  ];
  const flowControl =
    options.flowControl === false
      ? undefined
      : new FlowControl({
          clock,
          objects: caches,
          metrics,
          stored: (group, plural) => caches.known(group, plural),
          ...(options.flowControl?.seats === undefined ? {} : { seats: options.flowControl.seats }),
        });
  let address = "127.0.0.1";
  const aggregator = new Aggregator(core, options.aggregation ?? {});
  const { setLevel } = log;
  const operating = new Operating({
    clock,
    random,
    flags: options.flags,
    // Of klog's levels those from 4 on are for who looks for mistakes.
    setVerbosity: setLevel && ((level) => setLevel(level >= 4 ? "debug" : "info")),
    profiling: options.profiling ?? true,
  });
  const documents = new Documents({
    registry,
    metrics,
    health: new Health(checks, log),
    documents: options.documents ?? new Map(),
    address: () => address,
    others: aggregator,
    debug: (path, query) => flowControl?.table(path, query),
    operating: (...asked) => operating.answer(...asked),
    operatingPaths: operating.paths,
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
  const fronts: Front[] = [];
  const { goAwayChance = 0 } = options;

  const upgrades = upgradeHandlers({ core, gate, aggregator, options, handle });
  const handshakes = metrics
    .counter({
      name: "apiserver_tls_handshake_errors_total",
      help: "Connections that came to nothing before TLS was agreed on.",
      stability: "ALPHA",
    })
    .with();
  const local = (peer: Peer) => localTransport(handle, peer);
  await bootstrap(core, options.network);
  steps.done("start-system-namespaces-controller", "scheduling/bootstrap-system-priority-classes");
  steps.done("priority-and-fairness-config-producer", "priority-and-fairness-filter");
  steps.done("bootstrap-controller", "start-kubernetes-service-cidr-controller");
  const schemaStatus = new FlowSchemaStatus(core);
  await schemaStatus.start();
  steps.done("priority-and-fairness-config-consumer");
  await aggregator.start();
  steps.done(
    ...startSteps.filter((name) => /aggregator|^apiservice|autoregistration|authentication/.test(name)),
  );
  const upkeep = [keepFlowControl(core)];
  if (options.identity) {
    upkeep.push(await keepIdentity(core, options.identity), await keepTokenTracking(core));
  }
  steps.done(...identitySteps);
  const compaction = startCompaction(core);
  const definitions = registry.find("apiextensions.k8s.io", "v1", "customresourcedefinitions");
  const customResources = definitions && new CustomResources(core, definitions);
  await customResources?.start();
  steps.done("start-apiextensions-informers", "start-apiextensions-controllers", "crd-informer-synced");

  const end = async (): Promise<void> => {
    shutdown.leave();
    if (shutdown.delayMs > 0) await clock.sleep(shutdown.delayMs);
    shutdown.end();
    for (const each of upkeep) each.stop();
    compaction.stop();
    customResources?.stop();
    if (shutdown.sendRetryAfter) await Promise.all(fronts.map((front) => front.idle(shutdown.graceMs)));
    await Promise.all(fronts.map((front) => front.close(shutdown.graceMs)));
    await schemaStatus.close();
    await aggregator.close();
    flowControl?.close();
    caches.close();
  };
  let ended: Promise<void> | undefined;

  return {
    objects: caches,
    localTransport: local,
    async handle(request) {
      return toTransport(await handle(request), request.signal);
    },
    async listen(listen: ListenOptions) {
      const hosts = typeof listen.host === "string" ? [listen.host] : listen.host;
      let { port } = listen;
      for (const host of hosts) {
        const front = await listenFront(
          { ...listen, host, port },
          {
            handle: withStrictTransport(
              options.strictTransport ?? [],
              withCors(
                options.corsOrigins ?? [],
                async (request) => shutdown.refusal(request) ?? handle(request),
              ),
            ),
            ...(goAwayChance > 0 ? { goAway: () => random() < goAwayChance } : {}),
            ...upgrades,
            log,
            failedHandshake: () => handshakes.add(),
            aborted(request) {
              const info = infoOf(request);
              if (info) meters.requests.aborted(request.method, request.headers?.["content-type"], info);
            },
          },
        );
        fronts.push(front);
        port = front.port;
      }
      address = `${hosts[0]}:${port}`;
      return { port };
    },
    close: () => (ended ??= end()),
  };
}
