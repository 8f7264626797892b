import type { Authorizer, UserInfo } from "../auth-contract.ts";
import type { RequestInfo, SpecialHandler, UpgradeHandler } from "../contract.ts";
import { denied } from "../errors.ts";
import { PodLogMetrics } from "../metrics/pod-logs.ts";
import { MetricsRegistry } from "../metrics/registry.ts";
import { isGlobalUnicast } from "../network/global-unicast.ts";
import { backendProxyHandler, nodeProxyHandler } from "./http-proxy.ts";
import { KubeletClient, type KubeletCredentials } from "./kubelet-client.ts";
import { podLogHandler } from "./pod-log.ts";
import { streamHandler } from "./pod-streams.ts";
import { proxyUpgrades } from "./upgrades.ts";

export interface ProxyOptions {
  authorizer: Authorizer;
  kubelet: KubeletCredentials;
  /** Addresses that pods and nodes may have: default those that lead neither to this machine nor to its link. */
  allows?: (address: string) => boolean;
  /** What is counted goes here. */
  metrics?: MetricsRegistry;
  /** 0 <= x < 1; chooses among a Service's endpoints. */
  random: () => number;
}

/** What leads through the API server to kubelets, pods and Services. */
export interface Proxy {
  special: ReadonlyMap<string, SpecialHandler>;
  upgrades: UpgradeHandler;
  close(): void;
}

export function createProxy(options: ProxyOptions): Proxy {
  const kubelet = new KubeletClient(options.kubelet);
  const { allows = isGlobalUnicast, random, metrics = new MetricsRegistry() } = options;
  const allowed = (user: UserInfo, info: RequestInfo): Promise<void> =>
    mayCreate(options.authorizer, user, info);
  const logs = { kubelet, meters: new PodLogMetrics(metrics) };
  return {
    special: new Map([
      ["pods/log", podLogHandler(logs)],
      ["pods/exec", streamHandler("exec", allowed)],
      ["pods/attach", streamHandler("attach", allowed)],
      ["pods/portforward", streamHandler("portforward", allowed)],
      ["pods/proxy", backendProxyHandler("Pod", allows, random)],
      ["services/proxy", backendProxyHandler("Service", allows, random)],
      ["nodes/proxy", nodeProxyHandler(kubelet, allows)],
    ]),
    upgrades: proxyUpgrades({ kubelet, logs, allowed, allows, random }),
    close: () => kubelet.close(),
  };
}

/**
 * A WebSocket begins with GET, which asks for the verb `get` alone. Running a command is more than looking: it takes
 * `create`, upgraded or not (Kubernetes: AuthorizePodWebsocketUpgradeCreatePermission, on since 1.35).
 */
async function mayCreate(authorizer: Authorizer, user: UserInfo, info: RequestInfo): Promise<void> {
  if (info.verb === "create") return;
  const { apiGroup, apiVersion, resource, subresource, namespace, name, path } = info;
  const attributes = {
    user,
    verb: "create",
    apiGroup,
    apiVersion,
    resource,
    subresource,
    namespace,
    name,
    path,
    isResource: true,
  };
  const { allowed, reason } = await authorizer.authorize(attributes);
  if (!allowed) throw denied(attributes, reason);
}
