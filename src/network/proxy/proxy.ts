import type { Service } from "../../api/index.ts";
import type { ComponentContext, EventRecorder } from "../../client/index.ts";
import type { Clock, Logger, Timer } from "../../machinery/index.ts";
import type { Nft } from "../nft/kernel.ts";
import { renderChange, renderTable, type TablePlan } from "../nft/table-plan.ts";
import type { ServiceCache } from "../service-cache.ts";
import { type ForgetFlows, staleFlows } from "./conntrack.ts";
import { HealthCheckPorts } from "./health-check-ports.ts";
import { type HostPortWish, PortKeeper, wishKey } from "./port-keeper.ts";
import { type ServicePort, servicePorts } from "./service-model.ts";
import { renderPorts, type RulesConfig } from "./service-rules.ts";

/** Changes within this time are one transaction. */
const coalesceMs = 1;
const retryMs = 1_000;
/** Interval of retries for ports of other programs, and of checks that the table exists (the ruleset may be flushed). */
const inspectMs = 15_000;

export interface ProxyOptions {
  rules: Omit<RulesConfig, "taken">;
  /** Tries to reserve the ports of load balancer Services, too; returns those that others have. */
  loadBalancerWishes(): readonly HostPortWish[];
  onPorts(taken: ReadonlySet<string>): void;
  forgetFlows: ForgetFlows;
}

/** Maintains the kernel's Service rules. Level-triggered: each sync starts from the complete state. */
export class Proxy {
  readonly #cache: ServiceCache;
  readonly #nft: Nft;
  readonly #recorder: EventRecorder;
  readonly #options: ProxyOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  readonly #keeper = new PortKeeper();
  readonly #health: HealthCheckPorts;
  /** The state in the kernel; undefined: unknown. */
  #applied: TablePlan | undefined;
  #ports: readonly ServicePort[] = [];
  #reported = new Set<string>();
  /** Some port is in use by others and retried. */
  #wanting = false;
  #pending: Timer | undefined;
  #running: Promise<void> | undefined;
  #again = false;

  constructor(
    context: ComponentContext,
    cache: ServiceCache,
    nft: Nft,
    recorder: EventRecorder,
    options: ProxyOptions,
  ) {
    this.#cache = cache;
    this.#nft = nft;
    this.#recorder = recorder;
    this.#options = options;
    this.#clock = context.clock;
    this.#log = context.log;
    this.#signal = context.signal;
    this.#health = new HealthCheckPorts(context.log);
  }

  /** Resolves when the signal aborts. The rules stay: traffic continues without this process. */
  async run(): Promise<void> {
    this.#cache.services.onChange(() => this.wake());
    this.#cache.endpointSlices.onChange(() => this.wake());
    await this.#cache.synced;
    this.wake();
    while (!this.#signal.aborted) {
      await this.#clock.sleep(inspectMs, this.#signal).catch(() => undefined);
      if (!this.#signal.aborted) await this.#inspect();
    }
    this.#pending?.stop();
    await this.#running;
    this.#keeper.close();
    this.#health.close();
  }

  /** The state may have changed; rules follow within a few milliseconds. */
  wake(afterMs = coalesceMs): void {
    if (this.#running) {
      this.#again = true;
      return;
    }
    if (this.#pending || this.#signal.aborted) return;
    this.#pending = this.#clock.timer(afterMs, () => {
      this.#pending = undefined;
      this.#running = this.#sync().then((ok) => {
        this.#running = undefined;
        const again = this.#again;
        this.#again = false;
        if (!ok) this.wake(retryMs);
        else if (again) this.wake();
      });
    });
  }

  async #sync(): Promise<boolean> {
    const { rules } = this.#options;
    try {
      const ports = servicePorts(this.#cache.services.list(), this.#cache.slicesOf, rules);
      const taken = await this.#keepPorts(ports);
      const plan = renderPorts(ports, { ...rules, taken });
      const script = this.#applied ? renderChange(this.#applied, plan) : renderTable(plan);
      if (script !== "") {
        // Until it has succeeded, the kernel's state is unknown.
        this.#applied = undefined;
        await this.#nft.apply(script);
      }
      this.#applied = plan;
      const before = this.#ports;
      this.#ports = ports;
      this.#health.sync(this.#cache.services.list(), countLocal(ports));
      await this.#options.forgetFlows(staleFlows(before, ports));
      return true;
    } catch (error) {
      this.#log.error("service rules were not applied", { error });
      return false;
    }
  }

  async #inspect(): Promise<void> {
    try {
      if (!(await this.#nft.tables()).has(`inet ${this.#options.rules.table}`)) this.#applied = undefined;
    } catch (error) {
      this.#log.warn("nftables could not be inspected", { error });
    }
    if (!this.#applied || this.#wanting) this.wake();
  }

  /** Returns the keys of ports that others have. */
  async #keepPorts(ports: readonly ServicePort[]): Promise<Set<string>> {
    const nodePorts = ports
      .filter((port) => port.nodePort > 0)
      .map((port) => ({ protocol: port.protocol, address: "0.0.0.0", port: port.nodePort }));
    const taken = await this.#keeper.reconcile([...nodePorts, ...this.#options.loadBalancerWishes()]);
    const reported = new Set<string>();
    for (const port of ports) {
      const wish: HostPortWish = { protocol: port.protocol, address: "0.0.0.0", port: port.nodePort };
      if (port.nodePort === 0 || !taken.has(wishKey(wish))) continue;
      const problem = `${port.service} ${wishKey(wish)}`;
      reported.add(problem);
      if (this.#reported.has(problem)) continue;
      const service: Service | undefined = this.#cache.services.get(port.service);
      const message = `node port ${port.nodePort}/${port.protocol.toUpperCase()} is in use by another program on node ${this.#options.rules.nodeName}; it is served as soon as that program lets go of it`;
      this.#log.warn("node port is taken", { service: port.service, port: port.nodePort });
      if (service) this.#recorder.event(service, "Warning", "NodePortTaken", message);
    }
    this.#reported = reported;
    this.#wanting = taken.size > 0;
    this.#options.onPorts(taken);
    return taken;
  }
}

function countLocal(ports: readonly ServicePort[]): Map<string, number> {
  const addresses = new Map<string, Set<string>>();
  for (const port of ports) {
    const known = addresses.get(port.service) ?? new Set();
    for (const target of port.localEndpoints) known.add(target.address);
    addresses.set(port.service, known);
  }
  return new Map([...addresses].map(([service, known]) => [service, known.size]));
}
