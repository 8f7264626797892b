import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { createLogger, logFormat } from "../machinery/index.ts";
import { startCluster } from "./compose/start-cluster.ts";
import type { ClusterConfig } from "./config/cluster-config.ts";
import { shutdownMs } from "./config/shutdown-time.ts";
import { type DaemonEvent, serverFile } from "./process/daemon.ts";
import { processId, writeProcessFile } from "./process/process-id.ts";

const stopMs = 8000;

/**
 * Runs a cluster in this process until SIGTERM or SIGINT. Resolves when everything is released; rejects when it cannot start.
 * Containers and the network process continue.
 */
export async function serve(
  config: ClusterConfig,
  options: { build: string; tell(event: DaemonEvent["event"]): void; write(line: string): void },
): Promise<void> {
  const level = process.env["WHERRY_DEBUG"] ? "debug" : "info";
  const { loggingFormat } = config.apiServer;
  const format = loggingFormat && logFormat(loggingFormat, process.pid);
  const log = createLogger(options.write, Date.now, level, format);
  process.on("uncaughtException", (error) => log.error("uncaught exception", { error }));
  process.on("unhandledRejection", (error) => log.error("unhandled rejection", { error }));
  const stopped = new Promise<string>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => resolve(signal));
  });
  const file = serverFile(config.runDir);
  // Contains pods' secrets: other users of this machine may not traverse it.
  for (const dir of [config.runDir, config.dataDir]) {
    mkdirSync(dir, { recursive: true });
    chmodSync(dir, 0o700);
  }
  // Written first, so that a second start finds this one.
  writeProcessFile(file, {
    ...(processId(process.pid) ?? { pid: process.pid, startTime: "" }),
    apiPort: config.apiPort,
    simulatedNodes: config.simulatedNodes,
    build: options.build,
  });
  let cluster: Awaited<ReturnType<typeof startCluster>>;
  try {
    cluster = await startCluster(config, log, () => options.tell("api"));
  } catch (error) {
    rmSync(file, { force: true });
    throw error;
  }
  cluster.nodesReady.then(
    () => options.tell("ready"),
    () => {},
  );
  log.info("stopping", { why: await stopped });
  // Nothing that hangs may keep the process: acknowledged writes are on disk.
  setTimeout(() => process.exit(1), stopMs + shutdownMs(config.apiServer)).unref();
  await cluster.stop();
  rmSync(file, { force: true });
}
