/** Upgraded connections to pods, nodes and backends. */
import { StatusError } from "../../machinery/index.ts";
import type { ObjectReader, UserInfo } from "../auth-contract.ts";
import type { RequestInfo, UpgradeHandler } from "../contract.ts";
import { refuseUpgrade } from "../http/refuse-upgrade.ts";
import { backendPath } from "./backend-path.ts";
import { nodeTarget } from "./http-proxy.ts";
import { type KubeletClient, unreachable } from "./kubelet-client.ts";
import { logToWebSocket } from "./pod-log.ts";
import { isStreamKind, streamToKubelet } from "./pod-streams.ts";
import { proxyTarget } from "./proxy-target.ts";
import { tunnel, type UpgradingClient } from "./tunnel.ts";

export interface UpgradeParts {
  kubelet: KubeletClient;
  logs: Parameters<typeof logToWebSocket>[0];
  /** Rejects unless the user has the verb `create`. */
  allowed(user: UserInfo, info: RequestInfo): Promise<void>;
  /** Whether pods and nodes may have the address. */
  allows(address: string): boolean;
  random: () => number;
}

export function proxyUpgrades(parts: UpgradeParts): UpgradeHandler {
  return {
    takes: ({ apiGroup, resource, subresource }, protocol) => {
      if (apiGroup !== "") return false;
      if (resource === "pods" && subresource === "log") return protocol === "websocket";
      if (resource === "pods" && isStreamKind(subresource))
        return protocol === "websocket" || protocol === "spdy/3.1";
      return subresource === "proxy" && ["pods", "services", "nodes"].includes(resource);
    },
    handleUpgrade(request, socket, head, info, user, objects) {
      connect(parts, { request, socket, head }, info, user, objects).catch((error: unknown) =>
        refuseUpgrade(socket, error),
      );
    },
  };
}

async function connect(
  parts: UpgradeParts,
  client: UpgradingClient,
  info: RequestInfo,
  user: UserInfo,
  objects: ObjectReader,
): Promise<void> {
  const { resource, subresource } = info;
  if (resource === "pods" && subresource === "log") return logToWebSocket(parts.logs, client, info, objects);
  if (resource === "pods" && isStreamKind(subresource)) {
    await parts.allowed(user, info);
    return streamToKubelet(parts.kubelet, client, subresource, info, objects);
  }
  if (subresource !== "proxy")
    throw new StatusError("BadRequest", `${resource}/${subresource} cannot be upgraded`);
  return resource === "nodes"
    ? connectToNode(parts, client, info, objects)
    : connectToBackend(parts, client, info, objects);
}

async function connectToNode(
  { kubelet, allows }: UpgradeParts,
  client: UpgradingClient,
  info: RequestInfo,
  objects: ObjectReader,
): Promise<void> {
  const path = backendPath(info.rest, client.request.url ?? "");
  const { location, ...target } = await nodeTarget(kubelet, objects, info, allows, true);
  tunnel(client, { ...target, path }, explain, (cause) => unreachable(location, path, cause));
}

/** To a pod or a Service. */
function connectToBackend(
  { allows, random }: UpgradeParts,
  client: UpgradingClient,
  info: RequestInfo,
  objects: ObjectReader,
): void {
  const path = backendPath(info.rest, client.request.url ?? "");
  const { secure, host, port } = proxyTarget(objects, info, allows, random);
  const options = { host, port, rejectUnauthorized: false, agent: false } as const;
  tunnel(
    client,
    { secure, options, path },
    explain,
    (cause) => new StatusError("ServiceUnavailable", `error trying to reach service: ${cause.message}`),
  );
}

/** The error when a backend refuses the upgrade. */
const explain = async (answer: { statusCode?: number | undefined }): Promise<StatusError> =>
  new StatusError("InternalError", `the backend answered ${answer.statusCode} to the upgrade`);
