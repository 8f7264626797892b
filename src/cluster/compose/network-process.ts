import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, openSync, statSync } from "node:fs";
import { join } from "node:path";
import type { ServerConnection } from "../../client/index.ts";
import type { Clock, Logger } from "../../machinery/index.ts";
import type { NetworkConfig } from "../../network/index.ts";
import type { ClusterConfig } from "../config/cluster-config.ts";
import type { ClusterCertificates } from "../pki/cluster-certificates.ts";
import {
  endProcess,
  isAlive,
  type ProcessId,
  processId,
  readProcessFile,
  writeProcessFile,
} from "../process/process-id.ts";
import { entryPath } from "../process/entry-path.ts";
import { serverNameOf } from "../connection.ts";
import { nativeProgram } from "../images.ts";

/** Standard input of the process that runs proxy and DNS. */
export interface NetworkProcessInput {
  connection: ServerConnection;
  network: NetworkConfig;
}

const checkMs = 2000;
const restartMs = 100;

export const networkFile = (config: ClusterConfig): string => join(config.runDir, "network.json");

function inputFor(config: ClusterConfig, certificates: ClusterCertificates): NetworkProcessInput {
  return {
    connection: {
      server: `https://127.0.0.1:${config.apiPort}`,
      ca: certificates.ca,
      tlsServerName: serverNameOf(config),
      ...certificates.clients.proxy,
    },
    network: {
      table: config.serviceTable,
      nodeName: config.nodeName,
      nodeAddress: config.gateway,
      podCidrs: [config.podCidr],
      serviceCidrs: [config.serviceCidr],
      dns: { domain: config.domain, clusterIp: config.dnsIp, listenAddress: config.gateway },
      nativePath: nativeProgram("wherry-native"),
    },
  };
}

/**
 * Keeps the process for Services and DNS running. It is separate so that both work while this process restarts; a running one is
 * adopted, unless its input differs.
 */
export async function keepNetworkProcess(
  config: ClusterConfig,
  certificates: ClusterCertificates,
  context: { clock: Clock; log: Logger; signal: AbortSignal },
): Promise<void> {
  const { clock, log, signal } = context;
  const input = JSON.stringify(inputFor(config, certificates));
  const entry = entryPath("network", import.meta.url);
  const digest = createHash("sha256")
    .update(`${input}${entry}${statSync(entry).mtimeMs}`)
    .digest("hex");
  const file = networkFile(config);
  const running = readProcessFile<{ digest: string }>(file);
  let current: ProcessId | undefined = running;
  if (running && running.digest !== digest) {
    await endProcess(running, 2000);
    current = undefined;
  }
  let wake: () => void = () => {};
  while (!signal.aborted) {
    // An adopted process is not a child: its end is found by polling.
    const look = new AbortController();
    wake = () => look.abort();
    const wait = AbortSignal.any([signal, look.signal]);
    if (!current || !isAlive(current)) {
      if (current) log.warn("network process is gone; starting it again");
      if (current) await clock.sleep(restartMs, signal).catch(() => {});
      if (signal.aborted) return;
      current = start(config, entry, input, () => wake());
      if (current) writeProcessFile(file, { ...current, digest });
    }
    await clock.sleep(current === undefined ? restartMs : checkMs, wait).catch(() => {});
  }
}

function start(
  config: ClusterConfig,
  entry: string,
  input: string,
  onExit: () => void,
): ProcessId | undefined {
  const log = openSync(join(config.dataDir, "log", "network.log"), "a", 0o600);
  const child = spawn(
    process.execPath,
    [
      "--disable-warning=ExperimentalWarning",
      // It lives long and does little: memory matters more than speed.
      "--max-semi-space-size=1",
      "--optimize-for-size",
      "--v8-pool-size=1",
      entry,
      config.name,
    ],
    {
      detached: true,
      stdio: ["pipe", log, log],
      env: { ...process.env, MALLOC_ARENA_MAX: "1", UV_THREADPOOL_SIZE: "1" },
    },
  );
  closeSync(log);
  child.on("error", onExit);
  child.once("exit", onExit);
  child.stdin?.on("error", () => {});
  child.stdin?.end(input);
  child.unref();
  return child.pid === undefined ? undefined : processId(child.pid);
}
