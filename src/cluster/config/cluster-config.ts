import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { ClusterError } from "../cluster-error.ts";
import type { ApiServerSettings } from "./api-server-settings.ts";
import { bridgeName, cgroupRoot, contextName, podTable, rangesOf, serviceTable } from "./naming.ts";
import { type Places, isRoot } from "./places.ts";
import { settleSlot, takeSlot } from "./slots.ts";

/** Everything derived from a cluster's name and index. Plain data: it is passed to child processes as JSON. */
export interface ClusterConfig {
  name: string;
  context: string;
  index: number;
  dataDir: string;
  runDir: string;
  slotsDir: string;
  nodeName: string;
  /** Nodes that run no containers, instead of this machine. */
  simulatedNodes: number;
  apiPort: number;
  kubeletPort: number;
  podCidr: string;
  nodeCidr: string;
  /** The node's address: first of the node's pods range, on the bridge. */
  gateway: string;
  serviceCidr: string;
  kubernetesIp: string;
  dnsIp: string;
  domain: string;
  cgroupRoot: string;
  bridge: string;
  serviceTable: string;
  podTable: string;
  apiServer: ApiServerSettings;
}

/** Version of the data directory's layout. Raised when an older wherry could not read a newer one's data. */
const layout = 1;

interface Remembered {
  layout: number;
  name: string;
  index: number;
  nodeName: string;
  simulatedNodes: number;
  apiPort: number;
  kubeletPort: number;
  apiServer?: ApiServerSettings;
}

export interface ConfigWishes {
  apiPort?: number;
  kubeletPort?: number;
  /** Number of simulated nodes; 0 or absent: this machine is the node. */
  simulatedNodes?: number;
  /** Replaces all former settings. */
  apiServer?: ApiServerSettings;
}

const fileOf = (dataDir: string): string => join(dataDir, "cluster.json");

/** The configuration in the data directory; undefined when it holds no cluster. Throws when it is damaged or too new. */
function readRemembered(dataDir: string): Remembered | undefined {
  const path = fileOf(dataDir);
  if (!existsSync(path)) return undefined;
  let found: Partial<Remembered>;
  try {
    found = JSON.parse(readFileSync(path, "utf8")) as Partial<Remembered>;
  } catch (cause) {
    throw new ClusterError(`${path} is damaged: ${(cause as Error).message}`, {
      hint: "Restore it from a backup, or remove the cluster with: wherry down --purge",
      cause,
    });
  }
  if (typeof found.layout === "number" && found.layout > layout)
    throw new ClusterError(
      `${dataDir} was written by a newer wherry (its layout is ${found.layout}, this one knows ${layout})`,
      { hint: "Use that version, or another directory with --data-dir." },
    );
  if (found.layout !== layout || typeof found.index !== "number" || typeof found.name !== "string")
    throw new ClusterError(`${path} is damaged: it lacks its layout, name or index`, {
      hint: "Restore it from a backup, or remove the cluster with: wherry down --purge",
    });
  return found as Remembered;
}

/** The host name as a DNS label, as the kubelet makes it. */
function nodeNameOfHost(): string {
  const name = hostname()
    .toLowerCase()
    .replace(/[^a-z0-9.-]/g, "-")
    .replace(/^[-.]+|[-.]+$/g, "");
  return name === "" ? "node" : name;
}

function build(places: Places, remembered: Remembered): ClusterConfig {
  const { name } = remembered;
  const { apiPort: _api, kubeletPort: _kubelet, ...ranges } = rangesOf(remembered.index);
  return {
    ...places,
    ...ranges,
    name,
    context: contextName(name),
    index: remembered.index,
    nodeName: remembered.nodeName,
    simulatedNodes: remembered.simulatedNodes,
    apiPort: remembered.apiPort,
    kubeletPort: remembered.kubeletPort,
    domain: "cluster.local",
    cgroupRoot: cgroupRoot(name),
    bridge: bridgeName(name),
    serviceTable: serviceTable(name),
    podTable: podTable(name),
    apiServer: remembered.apiServer ?? {},
  };
}

/** The configuration of an existing cluster; undefined when there is none. */
export function readConfig(places: Places): ClusterConfig | undefined {
  const remembered = readRemembered(places.dataDir);
  return remembered && build(places, remembered);
}

/** The configuration of a cluster, created on the first call. Differing wishes replace what was remembered. */
export function ensureConfig(places: Places, wishes: ConfigWishes = {}): ClusterConfig {
  for (const port of [wishes.apiPort, wishes.kubeletPort])
    if (port !== undefined && !(Number.isInteger(port) && port >= 1 && port <= 65535))
      throw new ClusterError(`${port} is not a port number`, { hint: "Ports are 1 to 65535." });
  const before = readRemembered(places.dataDir);
  if (before && before.name !== places.name)
    throw new ClusterError(`${places.dataDir} belongs to the cluster "${before.name}"`, {
      hint: `Use --name ${before.name}, or another directory with --data-dir.`,
    });
  const index = takeSlot(places.slotsDir, { dataDir: places.dataDir, name: places.name }, before?.index);
  const ranges = rangesOf(index);
  const apiServer = wishes.apiServer ?? before?.apiServer;
  const canRun = isRoot() && process.platform === "linux";
  const remembered: Remembered = {
    layout,
    name: places.name,
    index,
    nodeName: before?.nodeName ?? nodeNameOfHost(),
    simulatedNodes: wishes.simulatedNodes ?? before?.simulatedNodes ?? (canRun ? 0 : 1),
    apiPort: wishes.apiPort ?? before?.apiPort ?? ranges.apiPort,
    kubeletPort: wishes.kubeletPort ?? before?.kubeletPort ?? ranges.kubeletPort,
    ...(apiServer ? { apiServer } : {}),
  };
  if (JSON.stringify(before) !== JSON.stringify(remembered)) {
    mkdirSync(places.dataDir, { recursive: true, mode: 0o700 });
    const path = fileOf(places.dataDir);
    writeFileSync(`${path}.new`, `${JSON.stringify(remembered, undefined, 2)}\n`, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }
  settleSlot(places.slotsDir, index);
  return build(places, remembered);
}

/** Node names of this machine: its own, or those of the simulated nodes. */
export function nodeNames(config: ClusterConfig): string[] {
  if (config.simulatedNodes <= 1) return [config.nodeName];
  return Array.from({ length: config.simulatedNodes }, (_, at) => `${config.nodeName}-${at + 1}`);
}
