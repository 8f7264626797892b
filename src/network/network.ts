import { type ComponentContext, createClient, createEventRecorder } from "../client/index.ts";
import { Forwarder } from "./dns/forwarder.ts";
import { parseName } from "./dns/message.ts";
import { HostResolvers } from "./dns/resolv-conf.ts";
import { Resolver } from "./dns/resolver.ts";
import { DnsServer, listenWhenThere } from "./dns/server.ts";
import { dnsSource } from "./dns/source.ts";
import { NodeBalancer } from "./loadbalancer/node-balancer.ts";
import { kernelNft } from "./nft/kernel.ts";
import { helperForgets } from "./proxy/conntrack.ts";
import { Proxy } from "./proxy/proxy.ts";
import { watchServices } from "./service-cache.ts";
import { outwardAddress } from "./outward-address.ts";

export interface NetworkConfig {
  /** nftables table of the proxy, e.g. `wherry-main`. */
  table: string;
  nodeName: string;
  /** Assigned to Services of type LoadBalancer. */
  nodeAddress: string;
  podCidrs: string[];
  serviceCidrs: string[];
  dns: {
    /** E.g. `cluster.local`. */
    domain: string;
    /** The cluster's DNS address in the Service range; pods query it on port 53. */
    clusterIp: string;
    /** Where the server listens: the bridge's address. It may be assigned later. */
    listenAddress: string;
    /** Configures the resolvers for other names; default /etc/resolv.conf. */
    resolvConf?: string;
  };
  /** The native helper; without it UDP flows to removed endpoints end by timeout. */
  nativePath?: string;
}

/**
 * Service traffic, cluster DNS and load balancer addresses of one node. Resolves when `signal` aborts; the rules stay in the
 * kernel, so that traffic continues.
 */
export async function startNetwork(context: ComponentContext, config: NetworkConfig): Promise<void> {
  const { clock, log, signal } = context;
  const client = createClient(context.api);
  const recorder = createEventRecorder(client, clock, log, {
    component: "wherry-network",
    host: config.nodeName,
  });
  const cache = watchServices(context, client);

  const { dns } = config;
  const own = new Set([dns.clusterIp, dns.listenAddress]);
  const resolvers = new HostResolvers(dns.resolvConf ?? "/etc/resolv.conf", own, clock);
  const forwarder = new Forwarder({ resolvers: () => resolvers.addresses(), clock });
  const resolver = new Resolver(
    {
      domain: parseName(dns.domain),
      address: dns.clusterIp,
      ttlSeconds: 5,
      cidrs: [...config.podCidrs, ...config.serviceCidrs],
      synced: cache.synced,
      clock,
    },
    dnsSource(cache),
    forwarder,
  );
  const server = new DnsServer(resolver, log);
  const dnsPort = await listenWhenThere(server, dns.listenAddress, clock, log, signal);

  // Services of type LoadBalancer also listen there, if the ports are free.
  const aliases = ["127.0.0.1", ...(await outwardAddress())].filter(
    (address) => address !== config.nodeAddress,
  );
  const balancer = new NodeBalancer(context, client, cache, recorder, config.nodeAddress, aliases);
  const proxy = new Proxy(context, cache, kernelNft, recorder, {
    rules: {
      table: config.table,
      nodeName: config.nodeName,
      podCidrs: config.podCidrs,
      serviceCidrs: config.serviceCidrs,
      dns: { clusterIp: dns.clusterIp, address: dns.listenAddress, port: dnsPort },
      balancer: { address: config.nodeAddress, aliases },
    },
    loadBalancerWishes: () => balancer.wishes(),
    onPorts: (taken) => balancer.apply(taken),
    forgetFlows: config.nativePath ? helperForgets(config.nativePath) : () => Promise.resolve(),
  });
  log.info("network started", { table: config.table, dns: `${dns.listenAddress}:${dnsPort}` });
  try {
    await proxy.run();
  } finally {
    await balancer.settled();
    await server.close();
  }
}
