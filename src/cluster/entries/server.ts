/**
 * The daemon: a whole cluster in one process. Arguments: its configuration as JSON, and its build. File descriptor 3, if open,
 * receives one JSON object per line: `{"event":"api"}`, `{"event":"ready"}`, `{"event":"failed","message":...}`.
 */
import { fstatSync, writeSync } from "node:fs";
import { enableCompileCache } from "node:module";
import type { ClusterConfig } from "../config/cluster-config.ts";
import { writeLogLine } from "../process/log-line.ts";

enableCompileCache();
const started = performance.now();

function tell(event: string, more: object = {}): void {
  const line = `${JSON.stringify({ event, ms: Math.round(performance.now() - started), ...more })}\n`;
  try {
    const pipe = fstatSync(3);
    if (pipe.isFIFO() || pipe.isSocket()) writeSync(3, line);
  } catch {
    // nobody listens, or not any more
  }
}

const config = JSON.parse(process.argv[2] ?? "{}") as ClusterConfig;
process.title = `wherry ${config.name}`;
try {
  const { serve } = await import("../serve.ts");
  await serve(config, {
    build: process.argv[3] ?? "",
    tell,
    write: writeLogLine,
  });
  process.exit(0);
} catch (error) {
  writeLogLine(`${error instanceof Error ? error.stack : error}\n`);
  tell("failed", { message: error instanceof Error ? error.message : String(error) });
  process.exit(1);
}
