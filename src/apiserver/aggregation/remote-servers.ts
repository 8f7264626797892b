import { type Outcome, settled } from "../../client/index.ts";
import type { UserInfo } from "../auth-contract.ts";
import type { HandlerRequest, RequestInfo } from "../contract.ts";
import type { Core } from "../core.ts";
import type { UpgradingClient } from "../proxy/tunnel.ts";
import type { Answer } from "../response.ts";
import type { ServedResource } from "../registry/resource.ts";
import { Availability } from "./availability.ts";
import type { Extension } from "./extension.ts";
import { ExtensionClient } from "./extension-client.ts";
import type { FrontProxyCertificate } from "./options.ts";
import { forward, forwardUpgrade } from "./forward.ts";
import type { Registrations } from "./registrations.ts";
import { RemoteDiscovery } from "./remote-discovery.ts";
import { RemoteOpenApi, type RemoteV2 } from "./remote-openapi.ts";
import { apiServicesOf } from "./server-writes.ts";

/** Extension servers may serve more without notice. */
const discoverAgainMs = 60_000;
const retryMs = 500;

/** Discovery, OpenAPI and availability of extension servers. */
export class RemoteServers {
  readonly availability: Availability;
  readonly discovery: RemoteDiscovery;
  readonly #registrations: Registrations;
  readonly #client: ExtensionClient;
  readonly #openApi: RemoteOpenApi;
  readonly #failures = new Map<string, number>();

  constructor(core: Core, registrations: Registrations, certificate: FrontProxyCertificate | undefined) {
    this.#registrations = registrations;
    this.#client = new ExtensionClient(core.caches, certificate, core.random, core.meters.extensions);
    this.availability = new Availability(core, apiServicesOf(core) as ServedResource, this.#client);
    this.discovery = new RemoteDiscovery(this.#client);
    this.#openApi = new RemoteOpenApi(this.#client);
  }

  forward(extension: Extension, request: HandlerRequest, info: RequestInfo, user: UserInfo): Promise<Answer> {
    return forward(this.#client, extension, request, info, user);
  }

  upgrade(extension: Extension, from: UpgradingClient, user: UserInfo): void {
    forwardUpgrade(this.#client, extension, from, user);
  }

  /** Updates its discovery document. `extension`: undefined when it is served locally. */
  async discover(
    registered: string,
    extension: Extension | undefined,
    signal: AbortSignal,
  ): Promise<Outcome> {
    if (!extension) {
      this.discovery.forget(registered);
      return settled;
    }
    const { name } = extension;
    if (await this.discovery.refresh(extension, signal)) {
      this.#failures.delete(name);
      return { kind: "again", afterMs: discoverAgainMs, why: "it may serve more" };
    }
    const failures = this.#failures.get(name) ?? 0;
    this.#failures.set(name, failures + 1);
    const afterMs = Math.min(retryMs * 2 ** Math.min(failures, 20), discoverAgainMs);
    return { kind: "again", afterMs, why: "it did not answer" };
  }

  forget(name: string): void {
    this.availability.forget(name);
    this.discovery.forget(name);
    this.#failures.delete(name);
  }

  openApiPaths(local: Record<string, unknown>): Promise<Record<string, unknown>> {
    return this.#openApi.paths([...this.#registrations.extensions()], local);
  }

  openApiV2(): Promise<RemoteV2> {
    return this.#openApi.v2([...this.#registrations.extensions()]);
  }

  close(): void {
    this.#client.close();
  }
}
