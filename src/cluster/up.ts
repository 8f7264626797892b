import { join } from "node:path";
import { ClusterError } from "./cluster-error.ts";
import { type ClusterConfig, type ConfigWishes, ensureConfig } from "./config/cluster-config.ts";
import { type ClusterChoice, placesOf } from "./config/places.ts";
import { adminEntry, adminTransport } from "./connection.ts";
import { checkMachine, whySimulated } from "./kernel.ts";
import { runningDaemon, startDaemon } from "./process/daemon.ts";
import { withFileLock } from "./process/file-lock.ts";
import { isAlive, type ProcessId } from "./process/process-id.ts";

export interface UpOptions extends ClusterChoice, Omit<ConfigWishes, "simulatedNodes"> {
  /** Simulated nodes instead of this machine. */
  simulate?: boolean;
  /** How many simulated nodes; default 1. */
  nodes?: number;
  /** Return when the API answers; default: when the node is Ready. */
  until?: "api" | "ready";
  onProgress?(text: string): void;
  signal?: AbortSignal;
}

export interface UpResult {
  config: ClusterConfig;
  /** It ran already. */
  found: boolean;
  /** Why the nodes are simulated; undefined when this machine is the node. */
  simulated: string | undefined;
  kubeconfig: string;
}

const readyMs = 60_000;

function wishes(options: UpOptions): ConfigWishes & { why: string | undefined } {
  const asked = options.simulate ? "as asked, the nodes are simulated and run no containers" : undefined;
  const why = asked ?? whySimulated();
  return {
    why,
    ...(options.apiPort === undefined ? {} : { apiPort: options.apiPort }),
    ...(options.kubeletPort === undefined ? {} : { kubeletPort: options.kubeletPort }),
    ...(why === undefined && options.nodes !== undefined ? {} : {}),
    simulatedNodes: why === undefined ? 0 : (options.nodes ?? 1),
  };
}

/**
 * Starts the cluster in the background, or finds it running, and adds it to the kubeconfig. Idempotent; calls at the
 * same time wait for each other.
 */
export async function up(options: UpOptions = {}): Promise<UpResult> {
  const places = placesOf(options);
  const progress = options.onProgress ?? (() => {});
  const { why, ...wished } = wishes(options);
  if (why === undefined) checkMachine();
  return withFileLock(join(places.runDir, "up.lock"), readyMs, busy, async () => {
    const config = ensureConfig(places, wished);
    const until = options.until ?? "ready";
    const daemon = runningDaemon(config.runDir);
    if (daemon) {
      if (daemon.apiPort !== config.apiPort)
        throw new ClusterError(`the cluster runs already, with its API server on port ${daemon.apiPort}`, {
          hint: `Stop it first: wherry down --name ${config.name}`,
        });
      progress("found it running");
      await untilReady(config, daemon, until, options.signal);
    } else {
      await startDaemon(
        config,
        until,
        ({ event }) => {
          if (event === "api") progress(`API server answers on https://127.0.0.1:${config.apiPort}`);
          if (event === "ready")
            progress(config.simulatedNodes > 0 ? "simulated nodes are Ready" : "node is Ready");
        },
        withTimeout(options.signal, readyMs),
      );
    }
    const { mergeKubeconfig } = await import("./kubeconfig/merge.ts");
    const kubeconfig = mergeKubeconfig(adminEntry(config));
    return { config, found: daemon !== undefined, simulated: why, kubeconfig };
  });
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

/** Waits for a daemon that somebody else started. */
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
        const { items } = await client.nodes.list(undefined, {});
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
