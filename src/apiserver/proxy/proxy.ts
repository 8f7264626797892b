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
  /** Allowed addresses of pods and nodes; by default neither loopback nor link-local ones. */
  allows?: (address: string) => boolean;
  /** Registry of its metrics. */
  metrics?: MetricsRegistry;
  /** 0 <= x < 1; chooses among a Service's endpoints. */
  random: () => number;
}

/** Proxies to kubelets, pods and Services. */
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
 * A WebSocket handshake is a GET, for which the verb would be `get`. Running a command requires `create`, upgraded or not
 * (Kubernetes: AuthorizePodWebsocketUpgradeCreatePermission, on since 1.35).
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
