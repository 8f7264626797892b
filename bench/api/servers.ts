/** Starts what is measured: wherry's API server by itself, and what it is held against. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Client } from "./client.ts";

const repository = resolve(import.meta.dirname, "../..");

export interface Server {
  name: string;
  kubeconfig: string;
  pids: number[];
  client: Client;
  stop(): Promise<void>;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  await new Promise<void>((done) => child.once("exit", () => done()));
}

/** What a child prints up to the text, which it must print within half a minute. */
function printed(child: ChildProcess, text: string): Promise<string> {
  return new Promise((done, fail) => {
    let out = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      out += chunk.toString();
      if (out.includes(text)) done(out);
    });
    child.once("exit", (code) => fail(new Error(`the server ended with ${code} before it answered`)));
    void delay(30_000, undefined, { ref: false }).then(() => fail(new Error("the server does not start")));
  });
}

/** A port that nobody listens on, from `WHERRY_BENCH_PORT` on where that is set. */
async function freePort(): Promise<number> {
  const given = Number(process.env.WHERRY_BENCH_PORT ?? 0);
  for (let port = given; ; port++) {
    const found = await new Promise<number | undefined>((done) => {
      const probe = createServer();
      probe.once("error", () => done(undefined));
      probe.listen(port, "127.0.0.1", () => {
        const address = probe.address();
        probe.close(() => done(typeof address === "object" ? address?.port : undefined));
      });
    });
    if (found !== undefined) return found;
  }
}

/** A new API server with an empty store, and the default namespace ready for pods. `connections`: the client's. */
export async function startWherry(connections = 8): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), "wherry-bench-"));
  const child = spawn(
    join(repository, process.env.WX ?? "wherry"),
    [
      "apiserver",
      "--data-dir",
      join(folder, "data"),
      "--name",
      "bench",
      "--api-port",
      String(await freePort()),
    ],
    { stdio: ["ignore", "pipe", process.env.WHERRY_BENCH_VERBOSE ? "inherit" : "ignore"] },
  );
  const kubeconfig = join(folder, "kubeconfig");
  writeFileSync(kubeconfig, await printed(child, "preferences"), { mode: 0o600 });
  const client = await Client.open(kubeconfig, connections);
  await client.ok(
    "POST",
    "/api/v1/namespaces/default/serviceaccounts",
    JSON.stringify({ metadata: { name: "default" } }),
  );
  return {
    name: "wherry",
    kubeconfig,
    pids: [child.pid as number],
    client,
    async stop() {
      client.close();
      await ended(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** An HTTP/2 server over TLS that reads what it is sent and answers with a pod's bytes: what Node itself costs. */
export async function startBare(like: Server): Promise<Server> {
  const data = join(like.kubeconfig, "../data");
  const child = spawn(
    process.execPath,
    [...process.execArgv, join(import.meta.dirname, "bare-server.ts"), data],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const port = (await printed(child, "\n")).trim();
  const client = await Client.open(like.kubeconfig, 8, `https://127.0.0.1:${port}`);
  return {
    name: "bare Node",
    kubeconfig: like.kubeconfig,
    pids: [child.pid as number],
    client,
    async stop() {
      client.close();
      await ended(child);
    },
  };
}

/**
 * A running kube-apiserver, when `WHERRY_BENCH_PEER` names its administrator's kubeconfig and `WHERRY_BENCH_PEER_PIDS` the
 * process ids of its parts (API server and etcd).
 */
export async function peerServer(connections = 8): Promise<Server | undefined> {
  const kubeconfig = process.env.WHERRY_BENCH_PEER;
  if (!kubeconfig) return undefined;
  const client = await Client.open(kubeconfig, connections);
  return {
    name: "kube-apiserver",
    kubeconfig,
    pids: (process.env.WHERRY_BENCH_PEER_PIDS ?? "")
      .split(/[\s,]+/)
      .filter(Boolean)
      .map(Number),
    client,
    async stop() {
      client.close();
    },
  };
}
