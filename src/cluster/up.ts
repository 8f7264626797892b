import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ClusterError } from "./cluster-error.ts";
import { type ClusterConfig, type ConfigWishes, ensureConfig, readConfig } from "./config/cluster-config.ts";
import { type ClusterChoice, type Places, placesOf } from "./config/places.ts";
import { shutdownMs } from "./config/shutdown-time.ts";
import { freeSlot } from "./config/slots.ts";
import { adminEntry, adminTransport } from "./connection.ts";
import { checkSpace, explainDiskError } from "./disk-error.ts";
import { deepEqual } from "../machinery/index.ts";
import { checkMachine, whySimulated } from "./kernel.ts";
import { daemonBuild, type DaemonFacts, runningDaemon, startDaemon } from "./process/daemon.ts";
import { withFileLock } from "./process/file-lock.ts";
import { endProcess, isAlive, type ProcessId } from "./process/process-id.ts";

export interface UpOptions extends ClusterChoice, Omit<ConfigWishes, "simulatedNodes"> {
  /** Simulated nodes instead of this machine. */
  simulate?: boolean;
  /** Number of simulated nodes; default 1. */
  nodes?: number;
  /** Returns when the API answers; default: when the node is Ready. */
  until?: "api" | "ready";
  onProgress?(text: string): void;
  signal?: AbortSignal;
}

export interface UpResult {
  config: ClusterConfig;
  /** It was running already. */
  found: boolean;
  /** Why the nodes are simulated; undefined when this machine is the node. */
  simulated: string | undefined;
  kubeconfig: string;
}

const readyMs = 60_000;

/** The caller's settings; others stay as remembered. */
function wishes(options: UpOptions): ConfigWishes {
  const simulated = options.simulate || whySimulated() !== undefined;
  return {
    ...(options.apiPort === undefined ? {} : { apiPort: options.apiPort }),
    ...(options.kubeletPort === undefined ? {} : { kubeletPort: options.kubeletPort }),
    ...(options.apiServer === undefined ? {} : { apiServer: options.apiServer }),
    ...(simulated && (options.simulate || options.nodes !== undefined)
      ? { simulatedNodes: options.nodes ?? 1 }
      : {}),
  };
}

/** Throws when the running cluster has other settings. */
function checkWishes(config: ClusterConfig, daemon: DaemonFacts, wished: ConfigWishes): void {
  const differ = (what: string, is: number, asked: number | undefined): void => {
    if (asked === undefined || asked === is) return;
    throw new ClusterError(`the cluster runs already with ${what} ${is}, not ${asked}`, {
      hint: `Stop it first: wherry down --name ${config.name}`,
    });
  };
  differ("API port", daemon.apiPort, wished.apiPort);
  if (wished.apiServer && !deepEqual(wished.apiServer, config.apiServer))
    throw new ClusterError("the cluster runs already with other settings of its API server", {
      hint: `Stop it first: wherry down --name ${config.name}`,
    });
  differ("a number of simulated nodes of", daemon.simulatedNodes, wished.simulatedNodes);
}

const whyOf = (config: ClusterConfig): string | undefined =>
  config.simulatedNodes === 0
    ? undefined
    : (whySimulated() ?? "as asked, the nodes are simulated and run no containers");

/**
 * Starts the cluster in the background, or finds it running, and adds it to the kubeconfig. Idempotent; calls at the
 * same time wait for each other.
 */
export async function up(options: UpOptions = {}): Promise<UpResult> {
  const places = placesOf(options);
  try {
    return await upThere(options, places);
  } catch (error) {
    throw explainDiskError(error, places.dataDir);
  }
}

async function upThere(options: UpOptions, places: Places): Promise<UpResult> {
  const progress = options.onProgress ?? (() => {});
  const wished = wishes(options);
  const until = options.until ?? "ready";
  return withFileLock(join(places.runDir, "up.lock"), readyMs, busy, async () => {
    let daemon = runningDaemon(places.runDir);
    const known = daemon && readConfig(places);
    if (daemon && known) checkWishes(known, daemon, wished);
    if (!daemon) checkSpace(places.dataDir);
    const before = new Set(existsSync(places.dataDir) ? readdirSync(places.dataDir) : []);
    const config = known ?? ensureConfig(places, wished);
    if (config.simulatedNodes === 0 && !daemon) checkMachine();
    if (daemon && daemon.build !== daemonBuild()) {
      progress("restarting it with this version; containers go on");
      await endProcess(daemon, 10_000 + shutdownMs(config.apiServer));
      daemon = undefined;
    }
    if (daemon) {
      progress("found it running");
      await untilReady(config, daemon, until, options.signal);
    } else {
      let answered = false;
      try {
        await startDaemon(
          config,
          until,
          ({ event }) => {
            if (event === "api") answered = true;
            if (event === "api") progress(`API server answers on https://127.0.0.1:${config.apiPort}`);
            if (event === "ready")
              progress(config.simulatedNodes > 0 ? "simulated nodes are Ready" : "node is Ready");
          },
          withTimeout(options.signal, readyMs),
        );
      } catch (error) {
        // A failed first start leaves nothing behind.
        if (!answered && !before.has("cluster.json")) forget(config, before);
        throw error;
      }
    }
    const { mergeKubeconfig } = await import("./kubeconfig/merge.ts");
    const kubeconfig = mergeKubeconfig(adminEntry(config));
    return { config, found: daemon !== undefined, simulated: whyOf(config), kubeconfig };
  });
}

/** Removes what a failed first start wrote to the data directory; images may have existed before. */
function forget(config: ClusterConfig, before: ReadonlySet<string>): void {
  for (const name of readdirSync(config.dataDir))
    if (!before.has(name)) rmSync(join(config.dataDir, name), { recursive: true, force: true });
  if (before.size === 0) rmSync(config.dataDir, { recursive: true, force: true });
  freeSlot(config.slotsDir, config.dataDir);
}

function busy(holder: ProcessId): Error {
  return new ClusterError(`process ${holder.pid} is starting or stopping this cluster`, {
    hint: "Wait for it to end, or end it, and try again.",
  });
}

function withTimeout(signal: AbortSignal | undefined, ms: number): AbortSignal {
  const timeout = new AbortController();
  setTimeout(
    () =>
      timeout.abort(
        new ClusterError(`the cluster was not ready after ${ms / 1000} s`, { hint: "See: wherry status" }),
      ),
    ms,
  ).unref();
  return signal ? AbortSignal.any([signal, timeout.signal]) : timeout.signal;
}

/** Waits for a daemon started by another process. */
async function untilReady(
  config: ClusterConfig,
  daemon: ProcessId,
  until: "api" | "ready",
  signal: AbortSignal | undefined,
): Promise<void> {
  const { createClient } = await import("../client/index.ts");
  const deadline = withTimeout(signal, readyMs);
  const transport = adminTransport(config);
  const client = createClient(transport);
  try {
    for (let problem = "the API server does not answer"; ; ) {
      try {
        // A stopped process accepts connections and never answers.
        const signal = AbortSignal.any([deadline, AbortSignal.timeout(2000)]);
        const { items } = await client.nodes.list(undefined, { signal });
        const ready = items.filter((n) =>
          n.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True"),
        );
        if (until === "api" || ready.length >= Math.max(1, config.simulatedNodes)) return;
        problem = "its node is not Ready";
      } catch (error) {
        problem = error instanceof Error ? error.message : String(error);
      }
      if (!isAlive(daemon)) throw new ClusterError(`the cluster's process ended meanwhile (${problem})`);
      if (deadline.aborted) throw deadline.reason;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } finally {
    await transport.close();
  }
}
