import { createServer, type Server } from "node:http";
import type { Service } from "../../api/index.ts";
import type { Logger } from "../../machinery/index.ts";

/**
 * `healthCheckNodePort` of load balancer Services with externalTrafficPolicy Local: tells an external balancer whether this
 * node has endpoints (200) or not (503).
 */
export class HealthCheckPorts {
  readonly #log: Logger;
  readonly #servers = new Map<number, { server: Server; service: string }>();
  readonly #localEndpoints = new Map<string, number>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** `localEndpoints` counts distinct addresses on this node, by `namespace/name`. */
  sync(services: Iterable<Service>, localEndpoints: ReadonlyMap<string, number>): void {
    const wanted = new Map<number, string>();
    for (const service of services) {
      const port = service.spec?.healthCheckNodePort ?? 0;
      if (
        service.spec?.type === "LoadBalancer" &&
        service.spec.externalTrafficPolicy === "Local" &&
        port > 0
      ) {
        wanted.set(port, `${service.metadata?.namespace}/${service.metadata?.name}`);
      }
    }
    this.#localEndpoints.clear();
    for (const [service, count] of localEndpoints) this.#localEndpoints.set(service, count);
    for (const [port, entry] of this.#servers) {
      if (wanted.get(port) === entry.service) continue;
      entry.server.close();
      this.#servers.delete(port);
    }
    for (const [port, service] of wanted) if (!this.#servers.has(port)) this.#listen(port, service);
  }

  close(): void {
    for (const { server } of this.#servers.values()) {
      server.close();
      server.closeAllConnections();
    }
    this.#servers.clear();
  }

  #listen(port: number, service: string): void {
    const [namespace = "", name = ""] = service.split("/");
    const server = createServer((_request, response) => {
      const localEndpoints = this.#localEndpoints.get(service) ?? 0;
      response.writeHead(localEndpoints > 0 ? 200 : 503, {
        "content-type": "application/json",
        "x-content-type-options": "nosniff",
        "x-load-balancing-endpoint-weight": String(localEndpoints),
      });
      response.end(
        JSON.stringify({ service: { namespace, name }, localEndpoints, serviceProxyHealthy: true }),
      );
    });
    server.on("error", (error) => {
      this.#servers.delete(port);
      this.#log.warn("health check port is not available", { port, service, error: error.message });
    });
    server.listen(port);
    this.#servers.set(port, { server, service });
  }
}
