/**
 * The daemon: a whole cluster in one process. Argument: its configuration as JSON. File descriptor 3, when there, is
 * told one JSON object per line: `{"event":"api"}`, `{"event":"ready"}`, `{"event":"failed","message":...}`.
 */
import { fstatSync, rmSync, writeSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { join } from "node:path";

enableCompileCache();
const started = performance.now();

function tell(event: string, more: object = {}): void {
  const line = `${JSON.stringify({ event, ms: Math.round(performance.now() - started), ...more })}\n`;
  try {
    if (fstatSync(3).isFIFO() || fstatSync(3).isSocket()) writeSync(3, line);
  } catch {
    // nobody listens, or not any more
  }
}

const config = JSON.parse(process.argv[2] ?? "{}") as import("../config/cluster-config.ts").ClusterConfig;
process.title = `wherry ${config.name}`;
const [{ createLogger }, { startCluster }, { processId, writeProcessFile }] = await Promise.all([
  import("../../machinery/index.ts"),
  import("../compose/start-cluster.ts"),
  import("../process/process-id.ts"),
]);
const level = process.env["WHERRY_DEBUG"] ? "debug" : "info";
const log = createLogger((line) => process.stderr.write(line), Date.now, level);
const file = join(config.runDir, "server.json");

process.on("uncaughtException", (error) => {
  log.error("uncaught exception", { error });
});
process.on("unhandledRejection", (error) => {
  log.error("unhandled rejection", { error });
});

try {
  const cluster = await startCluster(config, log, () => {
    const id = processId(process.pid) ?? { pid: process.pid, startTime: "" };
    writeProcessFile(file, { ...id, apiPort: config.apiPort, simulatedNodes: config.simulatedNodes });
    tell("api");
  });
  cluster.nodesReady.then(
    () => tell("ready"),
    () => {},
  );
  let stopping = false;
  const stop = (why: string): void => {
    if (stopping) return;
    stopping = true;
    log.info("stopping", { why });
    setTimeout(() => process.exit(1), 8000).unref();
    cluster.stop().then(
      () => {
        rmSync(file, { force: true });
        process.exit(0);
      },
      (error: unknown) => {
        log.error("stopping failed", { error });
        process.exit(1);
      },
    );
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stop(signal));
} catch (error) {
  log.error("start failed", { error });
  tell("failed", { message: error instanceof Error ? error.message : String(error) });
  process.exit(1);
}
