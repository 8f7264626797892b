import type { Service } from "../../api/index.ts";
import type { Client, ComponentContext, EventRecorder } from "../../client/index.ts";
import { isReason, type Logger } from "../../machinery/index.ts";
import { type HostPortWish, wishKey } from "../proxy/port-keeper.ts";
import type { ServiceCache } from "../service-cache.ts";

/**
 * Assigns the node's own address to Services of type LoadBalancer, as a cloud provider would assign a load balancer's. Of
 * Services with the same port the oldest gets it; others stay pending, with an event.
 */
export class NodeBalancer {
  readonly #client: Client;
  readonly #cache: ServiceCache;
  readonly #recorder: EventRecorder;
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  readonly #address: string;
  readonly #aliases: readonly string[];
  readonly #reported = new Map<string, string>();
  #writing: Promise<unknown> = Promise.resolve();

  constructor(
    context: ComponentContext,
    client: Client,
    cache: ServiceCache,
    recorder: EventRecorder,
    nodeAddress: string,
    aliases: readonly string[] = [],
  ) {
    this.#client = client;
    this.#cache = cache;
    this.#recorder = recorder;
    this.#log = context.log;
    this.#signal = context.signal;
    this.#address = nodeAddress;
    this.#aliases = aliases;
  }

  /** Ports on the node's address, and on its other addresses if they are free. */
  wishes(): HostPortWish[] {
    const owners = new Set(this.#owners().values());
    return [this.#address, ...this.#aliases].flatMap((address) =>
      [...owners].flatMap((service) => wishesOf(service, address)),
    );
  }

  /** `taken`: keys of ports that other programs have. Writes the status of all Services that changed. */
  apply(taken: ReadonlySet<string>): void {
    const owners = this.#owners();
    for (const service of this.#cache.services.list()) {
      const wanted = this.#statusOf(service, owners, taken);
      if (wanted === undefined || JSON.stringify(wanted) === JSON.stringify(ingressOf(service))) continue;
      this.#writing = this.#writing.then(() => this.#write(service, wanted));
    }
  }

  /** Resolves when all pending writes have ended. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  /** Undefined: managed by others. */
  #statusOf(
    service: Service,
    owners: ReadonlyMap<string, Service>,
    taken: ReadonlySet<string>,
  ): { ip: string; ipMode: string }[] | undefined {
    if (!isOurs(service)) {
      const stale =
        service.spec?.type !== "LoadBalancer" && ingressOf(service).some((i) => i.ip === this.#address);
      return stale ? [] : undefined;
    }
    for (const wish of wishesOf(service, this.#address)) {
      const owner = owners.get(wishKey(wish));
      const port = `${wish.port}/${wish.protocol.toUpperCase()}`;
      if (owner && owner.metadata?.uid !== service.metadata?.uid) {
        const rival = `${owner.metadata?.namespace}/${owner.metadata?.name}`;
        this.#report(service, `port ${port} of the node belongs to Service ${rival} already`);
        return [];
      }
      if (taken.has(wishKey(wish))) {
        this.#report(
          service,
          `port ${port} of the node's address ${this.#address} is in use by another program`,
        );
        return [];
      }
    }
    this.#reported.delete(service.metadata?.uid ?? "");
    return [{ ip: this.#address, ipMode: "VIP" }];
  }

  /** The owner of each port: the oldest Service that wants it. */
  #owners(): Map<string, Service> {
    const owners = new Map<string, Service>();
    const ours = this.#cache.services.list().filter(isOurs);
    for (const service of [...ours].sort((a, b) => ageKey(a).localeCompare(ageKey(b)))) {
      const keys = wishesOf(service, this.#address).map(wishKey);
      if (keys.some((key) => owners.has(key))) continue;
      for (const key of keys) owners.set(key, service);
    }
    return owners;
  }

  #report(service: Service, problem: string): void {
    const uid = service.metadata?.uid ?? "";
    if (this.#reported.get(uid) === problem) return;
    this.#reported.set(uid, problem);
    this.#recorder.event(service, "Warning", "LoadBalancerPortTaken", `${problem}; choose another port`);
  }

  async #write(service: Service, ingress: { ip: string; ipMode: string }[]): Promise<void> {
    if (this.#signal.aborted) return;
    const { namespace, name, uid, resourceVersion } = service.metadata ?? {};
    try {
      await this.#client.services.patch(
        namespace,
        name ?? "",
        "merge",
        { metadata: { uid, resourceVersion }, status: { loadBalancer: { ingress } } },
        { subresource: "status" },
      );
    } catch (error) {
      // A newer version will be processed when it arrives.
      if (isReason(error, "Conflict") || isReason(error, "NotFound")) return;
      this.#log.warn("load balancer status not written", { service: `${namespace}/${name}`, error });
    }
  }
}

function isOurs(service: Service): boolean {
  return (
    service.spec?.type === "LoadBalancer" &&
    !service.spec.loadBalancerClass &&
    !service.metadata?.deletionTimestamp
  );
}

function wishesOf(service: Service, address: string): HostPortWish[] {
  return (service.spec?.ports ?? []).map((port) => ({
    protocol: (port.protocol ?? "TCP").toLowerCase() as HostPortWish["protocol"],
    address,
    port: port.port,
  }));
}

function ingressOf(service: Service): { ip?: string; ipMode?: string }[] {
  return (service.status?.loadBalancer?.ingress ?? []).map(({ ip, ipMode }) => ({ ip, ipMode }));
}

function ageKey(service: Service): string {
  return `${service.metadata?.creationTimestamp ?? ""} ${service.metadata?.namespace}/${service.metadata?.name}`;
}
