/** The listening addresses, and the first steps of every request. */
import type { ApiServerOptions, HandlerRequest, ListenOptions } from "../contract.ts";
import type { ServingTls } from "../http/certificates.ts";
import { withCors } from "../http/cors.ts";
import { type Front, listenFront } from "../http/front.ts";
import type { FrontHandlers } from "../http/front-handlers.ts";
import { withStrictTransport } from "../http/strict-transport.ts";
import type { Meters } from "../metrics/meters.ts";
import type { MetricsRegistry } from "../metrics/registry.ts";
import { infoOf } from "../request-info.ts";
import type { Answer } from "../response.ts";
import type { Shutdown } from "../shutdown.ts";

export interface ListenerParts {
  options: Pick<
    ApiServerOptions,
    "log" | "random" | "strictTransport" | "corsOrigins" | "goAwayChance" | "externalAddress"
  >;
  shutdown: Shutdown;
  metrics: MetricsRegistry;
  meters: Meters;
  upgrades: Pick<FrontHandlers, "upgrades" | "upgrade">;
  handle(request: HandlerRequest): Promise<Answer>;
}

export class Listeners {
  readonly #handlers: FrontHandlers;
  readonly #shutdown: Shutdown;
  readonly #fronts: Front[] = [];
  readonly #externalAddress: string | undefined;
  #address = "127.0.0.1";

  constructor(parts: ListenerParts) {
    this.#handlers = frontHandlers(parts);
    this.#shutdown = parts.shutdown;
    this.#externalAddress = parts.options.externalAddress;
  }

  /** host:port for external clients; by default the last listener's. */
  get address(): string {
    return this.#externalAddress ?? this.#address;
  }

  /** All hosts get the same port. Resolves with it when connections are accepted. */
  async open(listen: ListenOptions): Promise<{ port: number }> {
    const hosts = typeof listen.host === "string" ? [listen.host] : listen.host;
    let { port } = listen;
    for (const host of hosts) {
      const front = await listenFront({ ...listen, host, port }, this.#handlers);
      this.#fronts.push(front);
      port = front.port;
    }
    this.#address = `${hosts[0]}:${port}`;
    return { port };
  }

  renew(tls: ServingTls): void {
    for (const front of this.#fronts) front.renew(tls);
  }

  /**
   * With --shutdown-send-retry-after it keeps listening until requests in flight are done. `watches` resolves when open watches
   * have ended.
   */
  async close(watches: Promise<void>): Promise<void> {
    const { graceMs, sendRetryAfter } = this.#shutdown;
    if (sendRetryAfter) await Promise.all([watches, ...this.#fronts.map((front) => front.idle(graceMs))]);
    await Promise.all([watches, ...this.#fronts.map((front) => front.close(graceMs, watches))]);
  }
}

function frontHandlers({
  options,
  shutdown,
  metrics,
  meters,
  upgrades,
  handle,
}: ListenerParts): FrontHandlers {
  const { log, random, goAwayChance = 0 } = options;
  const handshakes = metrics
    .counter({
      name: "apiserver_tls_handshake_errors_total",
      help: "Connections that came to nothing before TLS was agreed on.",
      stability: "ALPHA",
    })
    .with();
  const unlessEnding = async (request: HandlerRequest): Promise<Answer> =>
    shutdown.refusal(request) ?? handle(request);
  return {
    handle: withStrictTransport(
      options.strictTransport ?? [],
      withCors(options.corsOrigins ?? [], unlessEnding),
    ),
    ...(goAwayChance > 0 ? { goAway: () => random() < goAwayChance } : {}),
    ...upgrades,
    log,
    failedHandshake: () => handshakes.add(),
    aborted(request) {
      const info = infoOf(request);
      if (info) meters.requests.aborted(request.method, request.headers?.["content-type"], info);
    },
  };
}
