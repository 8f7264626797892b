/** The aggregation layer (kube-aggregator): one API for several servers. */
import type { APIService, EndpointSlice, Service } from "../../api/index.ts";
import { type Outcome, runWorkers, settled, WorkQueue } from "../../client/index.ts";
import { Repeated } from "../bootstrap/repeated.ts";
import type { UserInfo } from "../auth-contract.ts";
import type { HandlerRequest, RequestInfo } from "../contract.ts";
import type { Core } from "../core.ts";
import type { OtherServers } from "../discovery/merged.ts";
import type { UpgradingClient } from "../proxy/tunnel.ts";
import type { Answer } from "../response.ts";
import { keepTrust, publishTrust } from "./authentication-config.ts";
import { type Extension, extensionOf } from "./extension.ts";
import type { AggregatorOptions } from "./options.ts";
import { followsDefinition, registerBuiltIn, registerCustom } from "./local-services.ts";
import { Registrations } from "./registrations.ts";
import type { RemoteServers } from "./remote-servers.ts";

/** Loaded with the first extension server. */
const loadRemote = async (): Promise<typeof import("./remote-servers.ts")> => import("./remote-servers.ts");

const retryMs = 1000;

export class Aggregator implements OtherServers {
  readonly registrations: Registrations;
  readonly #core: Core;
  readonly #options: AggregatorOptions;
  readonly #stopping = new AbortController();
  readonly #definitions: WorkQueue;
  readonly #availability: WorkQueue;
  readonly #discovery: WorkQueue;
  #remote: Promise<RemoteServers> | undefined;
  #loaded: RemoteServers | undefined;
  readonly #loops: Promise<void>[] = [];
  readonly #stops: (() => void)[] = [];

  constructor(core: Core, options: AggregatorOptions) {
    const { clock } = core;
    this.#core = core;
    this.#options = options;
    this.#definitions = new WorkQueue({ clock });
    this.#availability = new WorkQueue({ clock, maxMs: 30_000 });
    this.#discovery = new WorkQueue({ clock, baseMs: 500 });
    this.registrations = new Registrations(core.caches, (object) => this.#changed(object));
    core.registry.order = this.registrations.order;
  }

  /**
   * Creates the default objects and maintains them until `close`. Resolves after the first attempt; `done` is called when it has
   * succeeded.
   */
  async start(done: () => void): Promise<void> {
    const { trust } = this.#options;
    const { clock, log } = this.#core;
    if (this.#stopping.signal.aborted) return;
    const registering = new Repeated(
      clock,
      Infinity,
      async () => {
        await Promise.all([
          registerBuiltIn(this.#core, this.registrations),
          trust ? publishTrust(this.#core, trust) : undefined,
        ]);
        done();
      },
      (error) => log.warn("what stands for the server's own groups could not be made", { error }),
      retryMs,
    );
    this.#stops.push(() => registering.stop());
    await registering.start();
    if (this.#stopping.signal.aborted) return;
    if (trust) this.#stops.push(keepTrust(this.#core, trust));
    this.#loops.push(
      registerCustom(this.#core, this.registrations, this.#definitions, this.#stopping.signal),
    );
    for (const object of this.registrations.all()) this.#changed(object);
  }

  /** The extension server of a request; undefined: this server. */
  route(info: RequestInfo): Extension | undefined {
    return this.registrations.route(info);
  }

  async forward(
    extension: Extension,
    request: HandlerRequest,
    info: RequestInfo,
    user: UserInfo,
  ): Promise<Answer> {
    return (await this.#servers()).forward(extension, request, info, user);
  }

  async upgrade(extension: Extension, from: UpgradingClient, user: UserInfo): Promise<void> {
    (await this.#servers()).upgrade(extension, from, user);
  }

  /** Changes with everything that extension servers serve; for cached documents. */
  get generation(): string {
    return `${this.registrations.generation}.${this.#loaded?.discovery.generation ?? 0}`;
  }

  *served(): Generator<{ group: string; version: string; entry: object }> {
    for (const extension of this.registrations.extensions()) {
      const { group, version } = extension;
      const entry = this.#loaded?.discovery.entry(extension) ?? { version, freshness: "Stale" };
      yield { group, version, entry };
    }
  }

  *registered(): Generator<{ group: string; version: string }> {
    for (const { spec } of this.registrations.all())
      yield { group: spec?.group ?? "", version: spec?.version ?? "" };
  }

  /** undefined without extension servers. */
  async openApi(): Promise<RemoteServers | undefined> {
    for (const _each of this.registrations.extensions()) return this.#servers();
    return undefined;
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    this.registrations.stop();
    for (const stop of this.#stops) stop();
    (await this.#remote?.catch(() => undefined))?.close();
    await Promise.all(this.#loops);
  }

  #changed(object: APIService): void {
    const name = object.metadata?.name ?? "";
    if (followsDefinition(object)) this.#definitions.add(name);
    const condition = object.status?.conditions?.find(({ type }) => type === "Available");
    if (!object.spec?.service && condition?.reason === "Local" && !this.#remote) return;
    this.#servers().catch((error: unknown) =>
      this.#core.log.error("the aggregation layer does not run", { error }),
    );
    this.#availability.add(name);
    this.#discovery.add(name);
  }

  #servers(): Promise<RemoteServers> {
    this.#remote ??= this.#begin();
    return this.#remote;
  }

  async #begin(): Promise<RemoteServers> {
    const { RemoteServers: Servers } = await loadRemote();
    const core = this.#core;
    const servers = new Servers(core, this.registrations, this.#options.frontProxy);
    this.#loaded = servers;
    const { signal } = this.#stopping;
    const context = { log: core.log, signal };
    this.#stops.push(
      core.caches.onChange<Service>("", "services", (_type, { metadata }) =>
        this.#wake(metadata?.namespace, metadata?.name),
      ),
      core.caches.onChange<EndpointSlice>("discovery.k8s.io", "endpointslices", (_type, { metadata }) =>
        this.#wake(metadata?.namespace, metadata?.labels?.["kubernetes.io/service-name"]),
      ),
    );
    const look =
      (at: (object: APIService) => Promise<Outcome>) =>
      async (name: string): Promise<Outcome> => {
        const object = this.registrations.get(name);
        if (object) return at(object);
        servers.forget(name);
        return settled;
      };
    this.#loops.push(
      runWorkers(
        this.#availability,
        2,
        look((object) => servers.availability.reconcile(object, signal)),
        context,
      ),
      runWorkers(
        this.#discovery,
        2,
        look((object) => servers.discover(object.metadata?.name ?? "", extensionOf(object), signal)),
        context,
      ),
    );
    return servers;
  }

  /** A Service or its endpoints changed. */
  #wake(namespace: string | undefined, service: string | undefined): void {
    for (const each of this.registrations.extensions())
      if (each.service.namespace === namespace && each.service.name === service)
        this.#availability.add(each.name);
  }
}
