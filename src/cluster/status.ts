import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Node, Pod } from "../api/index.ts";
import { type ApiTransport, createClient, readJson } from "../client/index.ts";
import { balancedUrls } from "./apply/reach.ts";
import type { PartState } from "./compose/supervisor.ts";
import { networkFile } from "./compose/network-process.ts";
import { type ClusterConfig, readConfig } from "./config/cluster-config.ts";
import { type ClusterChoice, placesOf } from "./config/places.ts";
import { adminTransport } from "./connection.ts";
import { whySimulated } from "./kernel.ts";
import { runningDaemon, serverLog } from "./process/daemon.ts";
import { readProcessFile } from "./process/process-id.ts";

export interface ClusterStatus {
  name: string;
  /** absent: does not exist; stopped; starting: the API does not answer yet; degraded: a component fails. */
  state: "absent" | "stopped" | "starting" | "running" | "degraded";
  dataDir: string;
  context?: string;
  server?: string;
  pid?: number;
  log?: string;
  /** Kubernetes version, e.g. v1.36.0. */
  version?: string;
  parts: PartState[];
  nodes: {
    name: string;
    ready: boolean;
    kind: "this machine" | "simulated";
    version: string;
    address: string;
  }[];
  pods: { total: number; ready: number };
  /** Services that answer outside the cluster. */
  urls: { service: string; url: string }[];
  /** Why nodes are simulated, when they are. */
  simulated?: string;
}

const answerMs = 3000;

/** The state of a cluster, without changing anything. */
export async function status(choice: ClusterChoice = {}): Promise<ClusterStatus> {
  const places = placesOf(choice);
  const config = readConfig(places);
  const base = {
    name: places.name,
    dataDir: places.dataDir,
    parts: [],
    nodes: [],
    pods: { total: 0, ready: 0 },
    urls: [],
  };
  if (!config) return { ...base, state: "absent" };
  const known = {
    ...base,
    context: config.context,
    server: `https://127.0.0.1:${config.apiPort}`,
    log: serverLog(config.dataDir),
    ...(config.simulatedNodes > 0 ? { simulated: whySimulated() ?? "as asked at its start" } : {}),
  };
  const daemon = runningDaemon(config.runDir);
  if (!daemon) return { ...known, state: "stopped" };
  if (!existsSync(join(config.dataDir, "pki", "admin-client.crt")))
    return { ...known, state: "starting", pid: daemon.pid };
  const transport = adminTransport(config);
  try {
    return { ...known, pid: daemon.pid, ...(await ask(config, transport)) };
  } catch {
    return { ...known, state: "starting", pid: daemon.pid };
  } finally {
    await transport.close();
  }
}

async function ask(
  config: ClusterConfig,
  transport: ApiTransport,
): Promise<Pick<ClusterStatus, "state" | "version" | "parts" | "nodes" | "pods" | "urls">> {
  const signal = AbortSignal.timeout(answerMs);
  const client = createClient(transport);
  const document = async <T>(path: string): Promise<T> =>
    readJson<T>(await transport.request({ method: "GET", path, signal }));
  const [own, version, nodes, pods, services] = await Promise.all([
    document<{ parts: PartState[] }>("/wherry/status"),
    document<{ gitVersion: string }>("/version"),
    client.nodes.list(undefined, { signal }),
    client.pods.list(undefined, { signal }),
    client.services.list(undefined, { signal }),
  ]);
  const parts = [...own.parts];
  if (config.simulatedNodes === 0) {
    const alive = readProcessFile(networkFile(config)) !== undefined;
    parts.push({
      name: "network",
      healthy: alive,
      message: alive ? "" : "its process does not run",
      restarts: 0,
    });
  }
  const nodeStates = nodes.items.map((node) => nodeState(config, node));
  const well =
    parts.every((part) => part.healthy) && nodeStates.every((node) => node.ready) && nodeStates.length > 0;
  return {
    state: well ? "running" : "degraded",
    version: version.gitVersion,
    parts,
    nodes: nodeStates,
    pods: { total: pods.items.length, ready: pods.items.filter((pod) => hasCondition(pod, "Ready")).length },
    urls: services.items.flatMap((service) =>
      balancedUrls(service).map((url) => ({
        service: `${service.metadata?.namespace}/${service.metadata?.name}`,
        url,
      })),
    ),
  };
}

const hasCondition = (object: Node | Pod, type: string): boolean =>
  (object.status?.conditions ?? []).some((c) => c.type === type && c.status === "True");

function nodeState(config: ClusterConfig, node: Node): ClusterStatus["nodes"][number] {
  return {
    name: node.metadata?.name ?? "",
    ready: hasCondition(node, "Ready"),
    kind: config.simulatedNodes > 0 ? "simulated" : "this machine",
    version: node.status?.nodeInfo?.kubeletVersion ?? "",
    address: node.status?.addresses?.find((a) => a.type === "InternalIP")?.address ?? "",
  };
}
