/** The process for Services and DNS; gets its configuration on standard input. */
import { enableCompileCache } from "node:module";
enableCompileCache();
const { httpsTransport } = await import("../../client/index.ts");
const { createLogger, systemClock } = await import("../../machinery/index.ts");
const { writeLogLine } = await import("../process/log-line.ts");
const { startNetwork } = await import("../../network/index.ts");

const log = createLogger(writeLogLine, Date.now).with({ part: "network" });
const chunks: Buffer[] = [];
for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
const input = JSON.parse(
  Buffer.concat(chunks).toString("utf8"),
) as import("../compose/network-process.ts").NetworkProcessInput;

const ending = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"] as const)
  process.on(signal, () => ending.abort(new Error(`received ${signal}`)));
process.title = `wherry-network ${process.argv[2] ?? ""}`;

const api = httpsTransport(input.connection);
try {
  await startNetwork({ api, clock: systemClock, log, signal: ending.signal }, input.network);
} catch (error) {
  if (!ending.signal.aborted) {
    log.error("network failed", { error });
    process.exitCode = 1;
  }
} finally {
  await api.close();
}
process.exit();
