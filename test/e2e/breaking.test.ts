/** What a hostile or careless user does: kills at the wrong moment, power cuts, bad input. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Pod } from "../../src/api/index.ts";
import { eventually } from "../support/command.ts";
import { leftoversOf, networkLeftOf, networkOf } from "../support/leftovers.ts";
import { isRoot, repository, TestCluster } from "../support/wherry.ts";

const skip = isRoot ? false : "needs root on Linux: real containers";

const deployment = (replicas: number): string =>
  JSON.stringify({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "many" },
    spec: {
      replicas,
      selector: { matchLabels: { app: "many" } },
      template: {
        metadata: { labels: { app: "many" } },
        spec: {
          terminationGracePeriodSeconds: 1,
          containers: [{ name: "web", image: "canary-web:v1", imagePullPolicy: "IfNotPresent" }],
        },
      },
    },
  });

describe("a cluster that is killed again and again", { skip }, () => {
  const cluster = new TestCluster("e2e-killed");
  const runDir = join("/run/wherry", cluster.name);

  const kill = (file: "server.json" | "network.json"): void => {
    const { pid } = JSON.parse(readFileSync(join(runDir, file), "utf8")) as { pid: number };
    process.kill(pid, "SIGKILL");
  };
  const killAndUp = async (): Promise<void> => {
    kill("server.json");
    await cluster.up();
  };
  const rolledOut = (): Promise<string> =>
    cluster.kubectl("rollout", "status", "deployment/many", "--timeout=300s");
  const pods = async (): Promise<Pod[]> => (await cluster.json<{ items: Pod[] }>("pods")).items;
  const facts = async (): Promise<string[]> =>
    (await pods())
      .map((pod) => `${pod.metadata?.uid} ${pod.status?.containerStatuses?.[0]?.restartCount}`)
      .sort();

  before(async () => {
    await cluster.up("-f", `${repository}/examples/canary`);
    await cluster.kubectl("delete", "deployment", "--all", "--cascade=foreground");
  });
  after(() => cluster.purge());

  it("finishes what it was doing: starting pods, deleting them, rolling out", async () => {
    const manifest = join(cluster.folder, "many.json");
    writeFileSync(manifest, deployment(10));
    await cluster.kubectl("apply", "-f", manifest);
    await killAndUp();
    await rolledOut();
    await cluster.kubectl("delete", "pods", "-l", "app=many", "--wait=false");
    await killAndUp();
    await rolledOut();
    await cluster.kubectl("set", "image", "deployment/many", "web=canary-web:v2");
    await killAndUp();
    await rolledOut();
  });

  it("leaves running containers alone, however often", async () => {
    await eventually("old pods are gone", async () => ((await pods()).length === 10 ? true : undefined));
    const was = await facts();
    for (let round = 0; round < 5; round++) await killAndUp();
    assert.deepEqual(await facts(), was);
  });

  it("comes back after a power cut: every process dead, the run directory gone", async () => {
    const was = (await pods()).map((pod) => pod.metadata?.uid).sort();
    kill("server.json");
    kill("network.json");
    const listed = globSync(`/sys/fs/cgroup/**/wherry-${cluster.name}/**/cgroup.procs`);
    const inCgroups = listed.flatMap((path) => readFileSync(path, "utf8").split("\n").filter(Boolean));
    const monitors = globSync("/proc/[0-9]*/cmdline")
      .filter((path) => isOf(path, `${runDir}/`))
      .map((path) => path.split("/")[2] as string);
    for (const pid of new Set([...inCgroups, ...monitors])) killIfThere(Number(pid));
    for (const mount of readFileSync("/proc/self/mountinfo", "utf8").split("\n").reverse()) {
      const target = mount.split(" ")[4] ?? "";
      if (target.startsWith(`${runDir}/`)) execFileSync("umount", ["-l", target]);
    }
    rmSync(runDir, { recursive: true, force: true });
    await cluster.up();
    await eventually("the same pods run again", async () => {
      const now = await pods();
      assert.deepEqual(now.map((pod) => pod.metadata?.uid).sort(), was);
      return now.every((pod) => {
        const [status] = pod.status?.containerStatuses ?? [];
        return status?.ready && status.restartCount > 0;
      })
        ? true
        : undefined;
    });
  });

  it("is started once when two start it, and purged without a trace after a kill", async () => {
    assert.equal((await cluster.wherry(["down", "--name", cluster.name])).code, 0);
    await Promise.all([cluster.up(), cluster.up()]);
    await rolledOut();
    const network = networkOf(cluster.name);
    kill("server.json");
    await cluster.purge();
    const again = await cluster.wherry(["down", "--name", cluster.name, "--purge"]);
    assert.equal(again.code, 0, again.stderr);
    for (const [kind, lines] of Object.entries(await leftoversOf(cluster.name)))
      assert.deepEqual(lines, [], `${kind} left behind`);
    assert.deepEqual(networkLeftOf(network), []);
  });
});

describe("bad input", { skip }, () => {
  const cluster = new TestCluster("e2e-bad");
  after(() => cluster.purge());

  const manifests = (text: string | undefined, dockerfile?: string): string => {
    const folder = join(cluster.folder, "manifests");
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(join(folder, "bad-image"), { recursive: true });
    if (text !== undefined) writeFileSync(join(folder, "one.yaml"), text);
    if (dockerfile !== undefined) writeFileSync(join(folder, "bad-image/Dockerfile"), dockerfile);
    return folder;
  };
  const refused = async (args: readonly string[], pattern: RegExp): Promise<void> => {
    const result = await cluster.wherry(["up", "--name", cluster.name, ...args]);
    assert.equal(result.code, 1, `${args.join(" ")}\n${result.stdout}${result.stderr}`);
    assert.match(result.stderr, pattern);
    assert.doesNotMatch(result.stderr, /\n\s+at /, "no stack trace");
  };
  const pod =
    "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: bad-image}]}\n";

  it("in manifests is refused with the place of the mistake", async () => {
    await refused(["-f", manifests(undefined)], /no manifests/);
    await refused(["-f", manifests("a: b\n c: [d\n")], /one\.yaml:\d+:\d+/);
    await refused(["-f", manifests("apiVersion: v1\nkind: Boat\nmetadata: {name: x}\n")], /Boat/);
    await refused(
      ["-f", manifests("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndatum: {}\n")],
      /unknown field "datum"/,
    );
  });

  it("in a Dockerfile is refused with file and line", async () => {
    await refused(["-f", manifests(pod, "FROM scratch\nCOPPY a b\n")], /Dockerfile:2.*COPPY/);
    await refused(["-f", manifests(pod, "FROM scratch\nCOPY nothere /x\n")], /Dockerfile:2.*nothere/);
  });

  it("a full disk is said in a sentence, does not stop the API and heals when there is space", async () => {
    await cluster.wherry(["down", "--name", cluster.name, "--purge"]);
    const disk = join(cluster.folder, "disk");
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "none", disk]);
    const env = { ...cluster.env, WHERRY_DATA_DIR: join(disk, "data") };
    const wherry = (...args: string[]) => cluster.wherry(args, { env, timeoutMs: 300_000 });
    try {
      assert.equal((await wherry("up", "--name", cluster.name, "--simulate")).code, 0);
      writeFileSync(join(cluster.folder, "big"), "x".repeat(900_000));
      let full = "";
      for (let at = 0; at < 8 && full === ""; at++) {
        const made = await wherry("kubectl", "create", "cm", `big${at}`, `--from-file=${cluster.folder}/big`);
        if (made.code !== 0) full = made.stderr;
      }
      assert.match(full, /no space left/);
      assert.equal((await wherry("kubectl", "get", "configmap", "big0", "-o", "name")).code, 0);
      execFileSync("mount", ["-o", "remount,size=64m", disk]);
      const healed = await wherry("kubectl", "create", "configmap", "later", "--from-literal=a=b");
      assert.equal(healed.code, 0, healed.stderr);
    } finally {
      await wherry("down", "--name", cluster.name, "--purge");
      execFileSync("umount", [disk]);
    }
  });
});

function isOf(cmdline: string, mark: string): boolean {
  try {
    return readFileSync(cmdline, "utf8").includes(mark);
  } catch {
    return false;
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // gone already
  }
}
