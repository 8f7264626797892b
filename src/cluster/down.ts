import { existsSync, rmSync, rmdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { ClusterError } from "./cluster-error.ts";
import { networkFile } from "./compose/network-process.ts";
import { type ClusterConfig, readConfig } from "./config/cluster-config.ts";
import { bridgeName, cgroupRoot, contextName, podTable, rangesOf, serviceTable } from "./config/naming.ts";
import { type ClusterChoice, isRoot, type Places, placesOf } from "./config/places.ts";
import { shutdownMs } from "./config/shutdown-time.ts";
import { freeSlot } from "./config/slots.ts";
import { runningDaemon } from "./process/daemon.ts";
import { withFileLock } from "./process/file-lock.ts";
import { endProcess, readProcessFile } from "./process/process-id.ts";
import { removeCgroups } from "./teardown/cgroups.ts";
import { unmountBelow } from "./teardown/mounts.ts";
import { removeBridge, removeTables } from "./teardown/network.ts";
import { endClusterProcesses } from "./teardown/processes.ts";

export interface DownOptions extends ClusterChoice {
  /** Also removes data, kubeconfig entry and every other trace. */
  purge?: boolean;
  onProgress?(text: string): void;
}

export interface DownResult {
  name: string;
  /** There was something to stop or remove. */
  found: boolean;
}

const daemonGraceMs = 10_000;
/** Grace period of containers. */
const containerGraceMs = 10_000;

/**
 * Stops a cluster as if its machine was powered off: daemon, network process and containers end, kernel state is removed, data
 * stays. Works by what it finds, so also after a crash or a partial removal.
 */
export async function down(options: DownOptions = {}): Promise<DownResult> {
  const places = placesOf(options);
  const progress = options.onProgress ?? (() => {});
  if (!existsSync(places.dataDir) && !existsSync(places.runDir)) {
    if (options.purge) {
      // Only its name is known: removes everything that carries it.
      await endKernelState(nameOnlyConfig(places));
      await removeContext(contextName(places.name));
      freeSlot(places.slotsDir, places.dataDir);
    }
    return { name: places.name, found: false };
  }
  const busy = (holder: { pid: number }): Error =>
    new ClusterError(`process ${holder.pid} is starting or stopping this cluster`, {
      hint: "Wait for it to end and try again.",
    });
  await withFileLock(join(places.runDir, "up.lock"), 30_000, busy, async () => {
    const config = configFor(places, options.purge === true);
    const daemon = runningDaemon(config.runDir);
    if (daemon) {
      progress("stopping the daemon");
      await endProcess(daemon, daemonGraceMs + shutdownMs(config.apiServer));
    }
    const network = readProcessFile(networkFile(config));
    if (network) await endProcess(network, 2000);
    if (isRoot() && process.platform === "linux") {
      progress("stopping containers");
      await endKernelState(config);
    }
    if (options.purge) {
      progress("removing data");
      rmSync(config.dataDir, { recursive: true, force: true });
      freeSlot(config.slotsDir, config.dataDir);
      await removeContext(config.context);
    }
  });
  rmSync(places.runDir, { recursive: true, force: true });
  try {
    rmdirSync(dirname(places.runDir));
  } catch {
    // other clusters run
  }
  return { name: places.name, found: true };
}

async function endKernelState(config: ClusterConfig): Promise<void> {
  await endClusterProcesses(config.cgroupRoot, [config.dataDir, config.runDir], containerGraceMs);
  const mounts = unmountBelow([config.dataDir, config.runDir]);
  if (mounts.length > 0)
    throw new ClusterError(`${mounts[0]} cannot be unmounted`, {
      hint: "Find out what uses it with: fuser -vm PATH",
    });
  removeTables(config);
  removeBridge(config);
  const cgroups = await removeCgroups(config.cgroupRoot);
  if (cgroups.length > 0)
    throw new ClusterError(`the cgroup ${cgroups[0]} cannot be removed: processes are left in it`);
}

async function removeContext(context: string): Promise<void> {
  const { removeFromKubeconfig } = await import("./kubeconfig/merge.ts");
  removeFromKubeconfig(context);
}

/** The remembered configuration; for a purge one derived from the name if that is missing or damaged. */
function configFor(places: Places, purge: boolean): ClusterConfig {
  try {
    const config = readConfig(places);
    if (config) return config;
  } catch (error) {
    if (!purge) throw error;
  }
  return nameOnlyConfig(places);
}

function nameOnlyConfig(places: Places): ClusterConfig {
  const { name } = places;
  return {
    ...places,
    ...rangesOf(0),
    index: 0,
    context: contextName(name),
    nodeName: "",
    simulatedNodes: 0,
    domain: "cluster.local",
    cgroupRoot: cgroupRoot(name),
    bridge: bridgeName(name),
    serviceTable: serviceTable(name),
    podTable: podTable(name),
    apiServer: {},
  };
}
