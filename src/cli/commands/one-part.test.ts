/** The API server, the scheduler and the controllers as processes of their own, told apart only by their arguments. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import type { Pod } from "../../api/index.ts";
import { createClient, kubeconfigTransport } from "../../client/index.ts";
import { freePort } from "../../testing/index.ts";

/** Bundled: four programs that read all their source would take half a minute of a busy machine. */
const wherry = join(import.meta.dirname, "../../../wherry");
const folder = mkdtempSync(join(tmpdir(), "wherry-parts-"));
const running: ChildProcess[] = [];

function start(...args: string[]): ChildProcess {
  const child = spawn(wherry, args, {
    env: { ...process.env, WHERRY_DATA_DIR: join(folder, "data"), KUBECONFIG: "/dev/null" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.push(child);
  child.stderr?.resume();
  return child;
}

const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => {
    if (child.exitCode !== null) resolve(child.exitCode);
    else child.once("exit", resolve);
  });

/** What it prints until `mark` is in it. */
function printed(child: ChildProcess, mark: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      if (text.includes(mark)) resolve(text);
    });
    child.once("exit", (code) => reject(new Error(`ended with ${code} before it said "${mark}"`)));
  });
}

after(async () => {
  for (const child of running) child.kill("SIGTERM");
  await Promise.all(running.map(ended));
  rmSync(folder, { recursive: true, force: true });
});

it("parts that run alone find each other over HTTPS", async () => {
  const port = await freePort();
  const server = start("apiserver", "--name", `parts-${process.pid}`, "--api-port", String(port));
  const file = join(folder, "kubeconfig");
  writeFileSync(file, await printed(server, "client-key-data"), { mode: 0o600 });
  const controllers = start("controller-manager", "--kubeconfig", file);
  const scheduler = start("scheduler", "--kubeconfig", file);
  const { transport } = await kubeconfigTransport({ kubeconfig: file }, {});
  try {
    const client = createClient(transport);
    await client.nodes.create(undefined, { apiVersion: "v1", kind: "Node", metadata: { name: "n1" } });
    await client.nodes.updateStatus(undefined, {
      ...(await client.nodes.get(undefined, "n1")),
      status: {
        allocatable: { cpu: "2", memory: "1Gi", pods: "10" },
        capacity: { cpu: "2", memory: "1Gi", pods: "10" },
        conditions: [{ type: "Ready", status: "True" }],
      },
    });
    await client.deployments.create("default", {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "web" },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: "web" } },
        template: {
          metadata: { labels: { app: "web" } },
          spec: { containers: [{ name: "web", image: "web" }] },
        },
      },
    });
    const placed = new Set<string>();
    const aborting = new AbortController();
    for await (const event of client.pods.watch("default", { signal: aborting.signal })) {
      const pod = event.object as Pod;
      if (pod.spec?.nodeName === "n1") placed.add(pod.metadata?.name ?? "");
      if (placed.size === 2) break;
    }
    aborting.abort();
  } finally {
    await transport.close();
  }
  for (const child of [scheduler, controllers, server]) {
    child.kill("SIGTERM");
    assert.equal(await ended(child), 0);
  }
});

it("a part that does not run alone yet says so", async () => {
  const child = start("cri");
  assert.equal(await ended(child), 1);
});
