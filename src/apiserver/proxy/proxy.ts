import { StatusError } from "../../machinery/index.ts";
import type { Authorizer, UserInfo } from "../auth-contract.ts";
import type { RequestInfo, SpecialHandler, UpgradeHandler } from "../contract.ts";
import { denied } from "../errors.ts";
import { PodLogMetrics } from "../metrics/pod-logs.ts";
import { MetricsRegistry } from "../metrics/registry.ts";
import { isGlobalUnicast } from "../network/global-unicast.ts";
import { backendPath } from "./backend-path.ts";
import { backendProxyHandler, nodeProxyHandler, nodeTarget } from "./http-proxy.ts";
import { KubeletClient, type KubeletCredentials, unreachable } from "./kubelet-client.ts";
import { logToWebSocket, podLogHandler } from "./pod-log.ts";
import { isStreamKind, streamHandler, streamToKubelet } from "./pod-streams.ts";
import { proxyTarget } from "./proxy-target.ts";
import { refuseUpgrade } from "../http/refuse-upgrade.ts";
import { tunnel } from "./tunnel.ts";

export interface ProxyOptions {
  authorizer: Authorizer;
  kubelet: KubeletCredentials;
  /** Addresses that pods and nodes may have: default those that lead neither to this machine nor to its link. */
  allows?: (address: string) => boolean;
  /** Where it counts. */
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
    upgrades: {
      takes: ({ apiGroup, resource, subresource }, protocol) => {
        if (apiGroup !== "") return false;
        if (resource === "pods" && subresource === "log") return protocol === "websocket";
        if (resource === "pods" && isStreamKind(subresource))
          return protocol === "websocket" || protocol === "spdy/3.1";
        return subresource === "proxy" && ["pods", "services", "nodes"].includes(resource);
      },
      handleUpgrade(request, socket, head, info, user, objects) {
        const client = { request, socket, head };
        try {
          if (info.resource === "pods" && info.subresource === "log") {
            logToWebSocket(logs, client, info, objects).catch((error: unknown) =>
              refuseUpgrade(socket, error),
            );
            return;
          }
          if (info.resource === "pods" && isStreamKind(info.subresource)) {
            const kind = info.subresource;
            allowed(user, info)
              .then(() => streamToKubelet(kubelet, client, kind, info, objects))
              .catch((error: unknown) => refuseUpgrade(socket, error));
            return;
          }
          if (info.subresource !== "proxy")
            throw new StatusError("BadRequest", `${info.resource}/${info.subresource} cannot be upgraded`);
          const path = backendPath(info.rest, request.url ?? "");
          const explain = async (answer: { statusCode?: number | undefined }): Promise<StatusError> =>
            new StatusError("InternalError", `the backend answered ${answer.statusCode} to the upgrade`);
          if (info.resource === "nodes") {
            nodeTarget(kubelet, objects, info, allows, true)
              .then(({ location, ...target }) =>
                tunnel(client, { ...target, path }, explain, (cause) => unreachable(location, path, cause)),
              )
              .catch((error: unknown) => refuseUpgrade(socket, error));
            return;
          }
          const { secure, host, port } = proxyTarget(objects, info, allows, random);
          tunnel(
            client,
            { secure, options: { host, port, rejectUnauthorized: false, agent: false }, path },
            explain,
            (cause) =>
              new StatusError("ServiceUnavailable", `error trying to reach service: ${cause.message}`),
          );
        } catch (error) {
          refuseUpgrade(socket, error);
        }
      },
    },
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
