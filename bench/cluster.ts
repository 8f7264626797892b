/** A whole cluster from a user's view, timed from the start of the command. */
import { execFileSync, spawn } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const repository = resolve(import.meta.dirname, "..");
const wherry = join(repository, "wherry");
const folder = mkdtempSync(join(tmpdir(), "wherry-bench-"));
const name = "bench";
const env = { ...process.env, KUBECONFIG: join(folder, "kubeconfig"), WHERRY_DATA_DIR: join(folder, "data") };
const rows: [string, string, string][] = [];
const row = (what: string, figure: string, goal: string): void => {
  rows.push([what, figure, goal]);
  console.error(`${what}: ${figure}`);
};
const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;

const run = (...args: string[]): string =>
  execFileSync(wherry, args, { env, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });

/** Polls with the kubeconfig's certificates instead of kubectl, so that the probe is cheap. */
async function apiProbe(): Promise<{ get(path: string): Promise<{ status: number; body: string }> }> {
  const { Agent, request } = await import("node:https");
  const { parse } = await import("yaml");
  const agent = new Agent({ keepAlive: true });
  return {
    get(path) {
      const config = parse(readFileSync(env.KUBECONFIG, "utf8")) as {
        clusters: { cluster: { server: string; "certificate-authority-data": string } }[];
        users: { user: { "client-certificate-data": string; "client-key-data": string } }[];
      };
      const [cluster] = config.clusters;
      const [user] = config.users;
      const from64 = (text = ""): Buffer => Buffer.from(text, "base64");
      return new Promise((done, fail) => {
        const call = request(
          new URL(path, cluster?.cluster.server),
          {
            agent,
            ca: from64(cluster?.cluster["certificate-authority-data"]),
            cert: from64(user?.user["client-certificate-data"]),
            key: from64(user?.user["client-key-data"]),
          },
          (answer) => {
            let body = "";
            answer.on("data", (chunk: Buffer) => (body += chunk.toString()));
            answer.on("end", () => done({ status: answer.statusCode ?? 0, body }));
          },
        );
        call.on("error", fail);
        call.end();
      });
    },
  };
}

async function until(test: () => Promise<boolean>): Promise<number> {
  const started = performance.now();
  while (performance.now() - started < 120_000) {
    if (await test().catch(() => false)) return performance.now();
    await delay(4);
  }
  throw new Error("not within the limit");
}

interface Tree {
  pss: number;
  ticks: number;
  pids: number[];
}

/** Memory (PSS, bytes) and processor time (clock ticks) of the processes whose command line contains the mark. */
function measure(test: (command: string) => boolean): Tree {
  const tree: Tree = { pss: 0, ticks: 0, pids: [] };
  for (const path of globSync("/proc/[0-9]*")) {
    try {
      const command = readFileSync(`${path}/cmdline`, "utf8").replaceAll("\0", " ");
      if (!test(command)) continue;
      const pss = /^Pss:\s+(\d+)/m.exec(readFileSync(`${path}/smaps_rollup`, "utf8"));
      const stat = readFileSync(`${path}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
      tree.pss += Number(pss?.[1] ?? 0) * 1024;
      tree.ticks += Number(stat[11]) + Number(stat[12]);
      tree.pids.push(Number(path.slice(6)));
    } catch {
      // Ended in the meantime.
    }
  }
  return tree;
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
// The processes have the cluster's name in their title.
const isServer = (command: string): boolean =>
  /^wherry(-\w+)? /.test(command) && command.includes(` ${name}`);
const isMonitor = (command: string): boolean => command.includes("wherry-native");

try {
  const guestbook = `${repository}/examples/guestbook`;
  // Once, so that setup and image builds are not measured; only the images are kept.
  run("up", "--name", name, "-f", guestbook);
  run("kubectl", "delete", "-f", guestbook);
  run("down", "--name", name);

  const probe = await apiProbe();
  const typed = performance.now();
  const up = spawn(wherry, ["up", "--name", name, "-f", guestbook], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let url = "";
  up.stdout.on("data", (chunk: Buffer) => (url += chunk.toString()));
  const api = await until(async () => (await probe.get("/readyz")).status === 200);
  row("API answers after `wherry up` was typed", seconds(api - typed), "0.5 s");
  const node = await until(async () =>
    /"type":\s*"Ready"[^}]*"status":\s*"True"|"status":\s*"True"[^}]*"type":\s*"Ready"/.test(
      (await probe.get("/api/v1/nodes")).body,
    ),
  );
  row("node Ready", seconds(node - typed), "1 s");
  await new Promise((done) => up.on("exit", done));
  const address = url.trim().split("\n").at(-1) ?? "";
  await until(async () => (await fetch(new URL("/entries", address))).ok);
  row("guestbook answers through its Service and DNS name", seconds(performance.now() - typed), "3 s");

  const pod = JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "one" },
    spec: {
      containers: [{ name: "c", image: "wherry.local/busybox", command: ["sleep", "1000000"] }],
      terminationGracePeriodSeconds: 0,
    },
  });
  run("image", "base", "--name", name, "--packages", "busybox-static", "-t", "wherry.local/busybox");
  const file = join(folder, "pod.json");
  const { podLatency } = await import("./cluster/pod-latency.ts");
  row(
    "pod Ready after its creation (median of 10)",
    `${(await podLatency(env.KUBECONFIG, 10)).toFixed(0)} ms`,
    "100 ms",
  );

  const deployment = JSON.stringify({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "many" },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: "many" } },
      template: { metadata: { labels: { app: "many" } }, spec: (JSON.parse(pod) as { spec: object }).spec },
    },
  });
  writeFileSync(file, deployment);
  run("kubectl", "apply", "-f", file);
  run("kubectl", "rollout", "status", "deployment/many");
  const scaled = performance.now();
  run("kubectl", "scale", "deployment/many", "--replicas=31");
  const all = await until(async () => {
    const object = JSON.parse(
      (await probe.get("/apis/apps/v1/namespaces/default/deployments/many")).body,
    ) as { status?: { readyReplicas?: number } };
    return object.status?.readyReplicas === 31;
  });
  row("30 more replicas Ready", seconds(all - scaled), "1 s");

  const listed: number[] = [];
  for (let round = 0; round < 10; round++) {
    const before = performance.now();
    run("kubectl", "get", "pods");
    listed.push(performance.now() - before);
  }
  row(
    "`wherry kubectl get pods`, whole (median)",
    `${listed.sort((a, b) => a - b)[5]?.toFixed(0)} ms`,
    "100 ms",
  );

  await delay(5000);
  const before = measure((command) => isServer(command) || isMonitor(command));
  const window = 20_000;
  await delay(window);
  const server = measure(isServer);
  const monitors = measure(isMonitor);
  row("idle memory of wherry (PSS)", megabytes(server.pss), "200 MB");
  row(
    "per running container (PSS)",
    `${(monitors.pss / 1e6 / Math.max(1, monitors.pids.length)).toFixed(2)} MB per monitor, ${monitors.pids.length} monitors`,
    "2 MB",
  );
  const busy = ((server.ticks + monitors.ticks - before.ticks) * 10) / window;
  row(
    `idle processor time with ${monitors.pids.length} containers`,
    `${(busy * 100).toFixed(1)} % of one core`,
    "1 %",
  );
} finally {
  try {
    run("down", "--name", name, "--purge");
  } catch (error) {
    console.error(String(error));
  }
  rmSync(folder, { recursive: true, force: true });
}

const width = Math.max(...rows.map(([what]) => what.length));
for (const [what, figure, goal] of rows) console.log(`| ${what.padEnd(width)} | ${figure} | ${goal} |`);
