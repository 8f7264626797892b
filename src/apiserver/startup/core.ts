/** Creates the `Core` of all verbs: served kinds, admission chain, and other state. */
import { kinds as builtInKinds } from "../../api/index.ts";
import { AdmissionChain, type AdmissionPlugin } from "../admission/chain.ts";
import { guardPlugin } from "../admission/guards.ts";
import { admissionPlugins } from "../admission/plugins.ts";
import type { PluginContext } from "../admission/context.ts";
import { deleteAsServer, serverCall } from "../bootstrap/server-call.ts";
import type { ObjectCaches } from "../cache/objects.ts";
import type { ApiServerOptions } from "../contract.ts";
import { type Core, writeObject } from "../core.ts";
import type { Meters } from "../metrics/meters.ts";
import { EventLeases } from "../registry/event-leases.ts";
import { Lines } from "../registry/lines.ts";
import { Registry } from "../registry/registry.ts";
import { readRuntimeConfig } from "../registry/runtime-config.ts";
import { createObject } from "../verbs/create.ts";
import type { WatchEnds } from "../watch-ends.ts";

/** What exists before the core does. */
export interface CoreParts {
  /** Filled from the store. */
  caches: ObjectCaches;
  meters: Meters;
  /** Aborts when the server closes. */
  closing: AbortSignal;
  watchEnds: WatchEnds;
  /** Why the caches do not follow the store; undefined while they do. */
  storeError(): Error | undefined;
}

export function createCore(options: ApiServerOptions, parts: CoreParts): Core {
  const { store, clock, log, random, authorizer } = options;
  const { caches, meters, closing, watchEnds } = parts;
  const registry = servedKinds(options, caches);
  const writeWithCore: WriteWithCore = (...change) => writeObject(core, ...change);
  const createWithCore: CreateWithCore = (resource, object) =>
    createObject(serverCall(core, resource, object.metadata?.namespace ?? "", ""), object);
  const plugins = defaultPlugins(options, parts, registry, {
    write: writeWithCore,
    create: createWithCore,
    remove: (...what) => deleteAsServer(core, ...what),
  });
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
    authorizer,
    leases: new EventLeases(store, clock, meters.storage.leased),
    lines: new Lines(),
    meters,
    components: () =>
      Promise.resolve([
        ...(options.components?.() ?? []),
        { name: "etcd-0", error: parts.storeError()?.message },
      ]),
    tracer: options.tracer,
    closing,
    watchEnds,
    minRequestSeconds: options.minRequestSeconds,
    eventTtlSeconds: options.eventTtlSeconds,
  };
  return core;
}

/** `writeObject` and `createObject` with the core already given: plugins exist before it does. */
type WriteWithCore = PluginContext["write"];
type CreateWithCore = PluginContext["create"];

/** The built-in kinds and the special handlers that --runtime-config leaves on. */
function servedKinds({ runtimeConfig, special }: ApiServerOptions, caches: ObjectCaches): Registry {
  const isServed = readRuntimeConfig(runtimeConfig ?? new Map(), builtInKinds);
  const pluralOf = (key: string): string => key.split(/[./]/, 1)[0] ?? "";
  return new Registry(
    builtInKinds.filter(({ group, version, plural }) => isServed(group, version, plural)),
    new Map(
      [...(special ?? [])].filter(([key, { group, version }]) => isServed(group, version, pluralOf(key))),
    ),
    caches,
  );
}

function defaultPlugins(
  options: ApiServerOptions,
  { caches, meters }: CoreParts,
  registry: Registry,
  writing: Pick<PluginContext, "write" | "create" | "remove">,
): readonly AdmissionPlugin[] {
  if (options.admission === false) return [];
  const { clock, random, network, authorizer, log, tolerationSeconds } = options;
  return admissionPlugins(
    {
      registry,
      caches,
      clock,
      random,
      network,
      authorizer,
      log,
      metrics: meters.admission,
      tolerationSeconds,
      configuration: options.pluginConfiguration,
      ...writing,
    },
    options.plugins,
  );
}
