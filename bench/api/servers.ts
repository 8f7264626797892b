/** Starts wherry's API server in a separate process, and finds the peer to compare with. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { serverEnvironment, serverNodeFlags } from "../../src/cluster/process/node-flags.ts";
import { Client } from "./client.ts";

const repository = resolve(import.meta.dirname, "../..");

export interface Server {
  kubeconfig: string;
  /** Its processes, for processor time and memory. */
  pids: number[];
  client: Client;
  stop(): Promise<void>;
}

export interface StartOptions {
  /** Directory of the data; default a temporary one. */
  folder?: string;
  /** Of the client; default 16: a kube-apiserver allows 100 streams on each. */
  connections?: number;
  /** Of the server. */
  flags?: readonly string[];
  /** Run the sources with a debugger port instead of the bundle: profiles then name files. */
  onDebugger?: (url: string) => void;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  await new Promise<void>((done) => child.once("exit", () => done()));
}

/** A child's output up to the text, which must be printed within two minutes. */
function printed(child: ChildProcess, text: string): Promise<string> {
  return new Promise((done, fail) => {
    let out = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      out += chunk.toString();
      if (out.includes(text)) done(out);
    });
    child.once("exit", (code) => fail(new Error(`the server ended with ${code} before it answered`)));
    void delay(120_000, undefined, { ref: false }).then(() => fail(new Error("the server does not start")));
  });
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const probe = createServer();
    probe.once("error", fail);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => done(typeof address === "object" && address ? address.port : 0));
    });
  });
}

export const newFolder = (): string => mkdtempSync(join(tmpdir(), "wherry-bench-"));

/** An API server with an empty store, or with the data of the directory. */
export async function startWherry(options: StartOptions = {}): Promise<Server> {
  const folder = options.folder ?? newFolder();
  const { onDebugger } = options;
  const flags = [
    "--name",
    "bench",
    "--data-dir",
    join(folder, "data"),
    "--api-port",
    String(await freePort()),
  ];
  const [command, ...given] = onDebugger
    ? [process.execPath, ...serverNodeFlags, "--inspect=127.0.0.1:0", join(repository, "src/cli/main.ts")]
    : [join(repository, "wherry")];
  const child = spawn(command as string, [...given, "apiserver", ...flags, ...(options.flags ?? [])], {
    env: serverEnvironment(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2000);
    const url = /ws:\/\/\S+/.exec(said)?.[0];
    if (url) onDebugger?.(url);
  });
  let stopping = false;
  child.once("exit", (code, signal) => {
    if (!stopping) process.stderr.write(`the server ended with ${signal ?? code}: ${said}\n`);
  });
  const kubeconfig = join(folder, "kubeconfig");
  writeFileSync(kubeconfig, await printed(child, "preferences"), { mode: 0o600 });
  const client = await Client.open(kubeconfig, options.connections);
  return {
    kubeconfig,
    pids: [child.pid as number],
    client,
    async stop() {
      stopping = true;
      client.close();
      await ended(child);
      if (!options.folder) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * A running kube-apiserver, if `WHERRY_BENCH_PEER` names its administrator's kubeconfig and `WHERRY_BENCH_PEER_PIDS` the ids of
 * its processes (API server and etcd).
 */
export async function peerServer(): Promise<Server | undefined> {
  const kubeconfig = process.env.WHERRY_BENCH_PEER;
  if (!kubeconfig) return undefined;
  const client = await Client.open(kubeconfig);
  return {
    kubeconfig,
    pids: (process.env.WHERRY_BENCH_PEER_PIDS ?? "")
      .split(/[\s,]+/)
      .filter(Boolean)
      .map(Number),
    client,
    stop: async () => client.close(),
  };
}

/** A namespace that is ready for pods. */
export async function makeNamespace({ client }: Server, name: string): Promise<void> {
  await client.request("POST", "/api/v1/namespaces", JSON.stringify({ metadata: { name } }));
  const accounts = `/api/v1/namespaces/${name}/serviceaccounts`;
  await client.request("POST", accounts, JSON.stringify({ metadata: { name: "default" } }));
}

/** Deletes a benchmark's objects from a server that keeps running. */
export async function removeNamespace({ client }: Server, name: string): Promise<void> {
  await client.request("DELETE", `/api/v1/namespaces/${name}`);
}
