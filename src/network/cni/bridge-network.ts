import { createHash } from "node:crypto";
import type { CniAttachment, CniNetwork, CniResult } from "../../cri/index.ts";
import type { Native } from "../../linux/index.ts";
import { type Clock, type Logger, systemClock, type Timer } from "../../machinery/index.ts";
import { renderChange, renderTable, type TablePlan } from "../nft/table-plan.ts";
import { AddressPool } from "./address-pool.ts";
import { addressNumber, gatewayOf, parseCidr } from "./cidr.ts";
import { renderPodRules } from "./pod-rules.ts";

export interface BridgeCniConfig {
  /** Name of the bridge, at most 15 bytes, unique to the cluster. */
  bridge: string;
  /** nftables table, e.g. `wherry-main-pods`. */
  table: string;
  /** This node's range of pod addresses; the first is the bridge's. */
  nodeCidr: string;
  /** The cluster's range of pod addresses. */
  podCidr: string;
  /** Routed to the bridge, so that the host reaches Services even without a default route. */
  serviceCidr?: string;
  /** Persistent state: one small file per address in use. */
  stateDir: string;
  /** Default: the one of the link with the default route, or 1500. */
  mtu?: number;
}

/** The pod network of a node, with setup and teardown beside CNI. */
export interface BridgeNetwork extends CniNetwork {
  /** Bridge, address, sysctls and rules; CNI calls run it if needed. Idempotent. */
  setUp(): Promise<void>;
  /** Removes bridge, rules and routes. Pods' links are removed with their namespaces. */
  tearDown(): Promise<void>;
}

/**
 * A bridge for all pods of the node. A pod's address is a /32 and its only neighbor is the bridge: traffic between pods is
 * routed by the host, so that Services work in both directions without bridge netfilter.
 */
export function createBridgeCni(
  config: BridgeCniConfig,
  native: Native,
  log: Logger,
  clock: Clock = systemClock,
): BridgeNetwork {
  return new BridgeCni(config, native, log, clock);
}

/**
 * Deleting a veth blocks the kernel's link operations for 20 to 60 ms. A pod's namespace, which ends soon after DEL, removes
 * its links at a lower cost; those that still exist after this time are deleted one by one.
 */
const sweepAfterMs = 1_000;

class BridgeCni implements BridgeNetwork {
  readonly #config: BridgeCniConfig;
  readonly #native: Native;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #gateway: string;
  readonly #pool: AddressPool;
  #ready: Promise<void> | undefined;
  #mtu = 1500;
  #applied: TablePlan | undefined;
  /** One nft transaction at a time. */
  #rules: Promise<void> = Promise.resolve();
  /** Links of removed attachments, to delete if their namespace does not. */
  readonly #doomed = new Set<string>();
  #sweeper: Timer | undefined;

  constructor(config: BridgeCniConfig, native: Native, log: Logger, clock: Clock) {
    this.#config = config;
    this.#native = native;
    this.#log = log;
    this.#clock = clock;
    this.#gateway = gatewayOf(config.nodeCidr);
    this.#pool = new AddressPool(config.stateDir, config.nodeCidr, [this.#gateway]);
  }

  setUp(): Promise<void> {
    this.#ready ??= this.#setUp().catch((error: unknown) => {
      this.#ready = undefined;
      throw error;
    });
    return this.#ready;
  }

  async add(attachment: CniAttachment): Promise<CniResult> {
    await this.setUp();
    const { containerId, ifName, netns } = attachment;
    const hostLink = linkName(containerId, ifName);
    // A repeated ADD must not fail because of an interrupted one.
    const again = this.#pool.find(containerId, ifName) !== undefined || this.#doomed.delete(hostLink);
    const lease = this.#pool.take({
      containerId,
      ifName,
      hostLink,
      portMappings: attachment.portMappings.filter((mapping) => mapping.hostPort > 0),
    });
    try {
      if (again) await this.#native.deleteLink(hostLink);
      const mac = macOf(lease.address);
      const routes = [{ dst: `${this.#gateway}/32` }, { dst: "0.0.0.0/0", gw: this.#gateway }];
      const address = `${lease.address}/32`;
      const made = await this.#native.addVeth({
        hostName: hostLink,
        bridge: this.#config.bridge,
        hairpin: true,
        mtu: this.#mtu,
        netns,
        name: ifName,
        mac,
        addresses: [address],
        routes,
      });
      if (lease.portMappings.length > 0) await this.#syncRules();
      return {
        ips: [{ address, gateway: this.#gateway }],
        routes,
        interfaces: [
          { name: hostLink, mac: made.hostMac, mtu: this.#mtu },
          { name: ifName, mac: made.mac, sandbox: netns, mtu: this.#mtu },
        ],
      };
    } catch (error) {
      await this.#free(containerId, ifName).catch((cause: unknown) =>
        this.#log.warn("failed attachment was not undone", { containerId, error: cause }),
      );
      throw error;
    }
  }

  async del({ containerId, ifName }: CniAttachment): Promise<void> {
    await this.#free(containerId, ifName);
  }

  async check({ containerId, ifName, netns }: CniAttachment): Promise<void> {
    const lease = this.#pool.find(containerId, ifName);
    if (!lease) throw new Error(`sandbox ${containerId} has no address`);
    const links = await this.#native.links();
    const bridge = links.find((link) => link.name === this.#config.bridge);
    const host = links.find((link) => link.name === lease.hostLink);
    if (!bridge?.up) throw new Error(`bridge ${this.#config.bridge} is missing or down`);
    if (!host?.up || host.master !== bridge.index) {
      throw new Error(`link ${lease.hostLink} is missing, down or not on bridge ${this.#config.bridge}`);
    }
    const inside = (await this.#native.links(netns)).find((link) => link.name === ifName);
    if (!inside?.up) throw new Error(`interface ${ifName} is missing or down in ${netns}`);
    if (!inside.addresses.includes(`${lease.address}/32`)) {
      throw new Error(`interface ${ifName} does not have the address ${lease.address}`);
    }
    const routes = await this.#native.routes(netns);
    if (!routes.some((route) => route.dst === "0.0.0.0/0" && route.gw === this.#gateway)) {
      throw new Error(`the default route through ${this.#gateway} is missing in ${netns}`);
    }
  }

  async gc(validContainerIds: readonly string[]): Promise<void> {
    const valid = new Set(validContainerIds);
    for (const { containerId, ifName } of this.#pool.list()) {
      if (!valid.has(containerId)) await this.#free(containerId, ifName);
    }
    // Links left by a crash in the middle of a DEL.
    const known = new Set(this.#pool.list().map((lease) => lease.hostLink));
    const links = await this.#native.links();
    const bridge = links.find((link) => link.name === this.#config.bridge);
    for (const link of links) {
      if (bridge && link.master === bridge.index && !known.has(link.name)) this.#doomed.add(link.name);
    }
    await this.#sweep();
  }

  /** Also restores what others removed (a flushed ruleset, a deleted bridge). */
  async status(): Promise<{ ready: boolean; reason: string; message: string }> {
    try {
      await this.setUp();
      const bridge = (await this.#native.links()).find((link) => link.name === this.#config.bridge);
      const table = await this.#native.listNft("table", "inet", this.#config.table);
      if (!bridge?.up || table === undefined) {
        this.#log.warn("pod network was damaged and is set up again", { bridge: this.#config.bridge });
        this.#ready = undefined;
        await this.setUp();
      }
      return { ready: true, reason: "", message: "" };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return { ready: false, reason: "NetworkPluginNotReady", message: `pod network: ${message}` };
    }
  }

  async tearDown(): Promise<void> {
    this.#ready = undefined;
    await this.#rules;
    this.#sweeper?.stop();
    for (const lease of this.#pool.list()) this.#pool.release(lease.containerId, lease.ifName);
    this.#applied = undefined;
    await removeBridgeNetwork(this.#config, this.#native);
  }

  async #setUp(): Promise<void> {
    const { bridge, nodeCidr, serviceCidr } = this.#config;
    this.#mtu = this.#config.mtu ?? (await outwardMtu(this.#native));
    await this.#native.ensureBridge({
      name: bridge,
      mtu: this.#mtu,
      mac: macOf(this.#gateway),
      addresses: [`${this.#gateway}/${parseCidr(nodeCidr).bits}`],
    });
    if (serviceCidr) await this.#native.addRoute({ dst: serviceCidr, link: bridge });
    await this.#native.setSysctl("net/ipv4/ip_forward", "1");
    await this.#native.setSysctl(`net/ipv4/conf/${bridge}/route_localnet`, "1");
    // Pods reach each other through the host on purpose; redirects would also use up the limit of "port unreachable" messages
    // (icmp_ratelimit counts both). The kernel checks both sysctls; other links keep their own.
    await this.#native.setSysctl("net/ipv4/conf/all/send_redirects", "0");
    await this.#native.setSysctl(`net/ipv4/conf/${bridge}/send_redirects`, "0");
    // On hosts with several links, replies may use another one (asymmetric routing).
    await this.#native.setSysctl(`net/ipv4/conf/${bridge}/rp_filter`, "2");
    this.#applied = undefined;
    await this.#syncRules();
  }

  async #free(containerId: string, ifName: string): Promise<void> {
    const lease = this.#pool.release(containerId, ifName);
    this.#doomed.add(linkName(containerId, ifName));
    this.#sweeper ??= this.#clock.timer(sweepAfterMs, () => {
      this.#sweep().catch((error: unknown) => this.#log.warn("old links were not deleted", { error }));
    });
    if (lease && lease.portMappings.length > 0) await this.#syncRules();
  }

  async #sweep(): Promise<void> {
    this.#sweeper?.stop();
    this.#sweeper = undefined;
    const there = new Set((await this.#native.links()).map((link) => link.name));
    for (const name of [...this.#doomed]) {
      // An ADD of the same sandbox may have reused the name in the meantime.
      if (this.#doomed.delete(name) && there.has(name)) await this.#native.deleteLink(name);
    }
  }

  #syncRules(): Promise<void> {
    const run = this.#rules.then(async () => {
      const plan = renderPodRules(this.#config, this.#pool.list());
      const script = this.#applied ? renderChange(this.#applied, plan) : renderTable(plan);
      if (script === "") return;
      this.#applied = undefined;
      await this.#native.applyNft(script);
      this.#applied = plan;
    });
    this.#rules = run.catch(() => undefined);
    return run;
  }
}

/** Removes what `tearDown` does not; also for a cluster without a state directory. Succeeds when there is nothing. */
async function removeBridgeNetwork(
  config: Pick<BridgeCniConfig, "bridge" | "table">,
  native: Native,
): Promise<void> {
  await native.applyNft(`add table inet ${config.table}\ndelete table inet ${config.table}\n`);
  const links = await native.links();
  const bridge = links.find((link) => link.name === config.bridge);
  for (const link of links) {
    if (bridge && link.master === bridge.index) await native.deleteLink(link.name);
  }
  // This removes its addresses and routes, too.
  await native.deleteLink(config.bridge);
}

/** Deterministic per sandbox, and at most 15 bytes. */
function linkName(containerId: string, ifName: string): string {
  return `wv${createHash("sha1").update(`${containerId} ${ifName}`).digest("hex").slice(0, 12)}`;
}

/** A locally administered MAC derived from the address: neighbor caches stay valid when an address is reused. */
function macOf(address: string): string {
  const bytes = [0x0a, 0x58, ...[24, 16, 8, 0].map((s) => Math.floor(addressNumber(address) / 2 ** s) % 256)];
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

async function outwardMtu(native: Native): Promise<number> {
  const way = (await native.routes()).find((route) => route.dst === "0.0.0.0/0");
  const link = (await native.links()).find((candidate) => candidate.name === way?.link);
  return link ? Math.min(link.mtu, 1500) : 1500;
}
