import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ensureConfig } from "../config/cluster-config.ts";
import { placesOf } from "../config/places.ts";
import { down } from "../down.ts";
import { processId } from "../process/process-id.ts";
import { cgroupDirs, cgroupProcesses } from "./cgroups.ts";
import { mountsBelow } from "./mounts.ts";

const skip = process.getuid?.() === 0 ? false : "needs root";
const run = (command: string, ...args: string[]): string => {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  assert.equal(status, 0, `${command} ${args.join(" ")}: ${stderr}`);
  return stdout;
};

/** Every writable hierarchy of this machine. */
function hierarchies(): string[] {
  const base = "/sys/fs/cgroup";
  if (existsSync(join(base, "cgroup.procs"))) return [base];
  return readdirSync(base)
    .map((name) => join(base, name))
    .filter((dir) => existsSync(join(dir, "cgroup.procs")));
}

test("purge removes every trace of a cluster that nobody manages any more", { skip }, async () => {
  const dir = mkdtempSync(join(tmpdir(), "teardown-"));
  const before = process.env["KUBECONFIG"];
  process.env["KUBECONFIG"] = join(dir, "kubeconfig");
  const choice = { name: "teardown-test", dataDir: join(dir, "data") };
  try {
    const config = ensureConfig(placesOf(choice));
    mkdirSync(config.runDir, { recursive: true });
    const child = spawn("sh", ["-c", "trap '' TERM; while :; do sleep 0.1; done"], { stdio: "ignore" });
    for (const hierarchy of hierarchies()) {
      const group = join(hierarchy, config.cgroupRoot, "kubepods", "pod1");
      try {
        mkdirSync(group, { recursive: true });
        writeFileSync(join(group, "cgroup.procs"), String(child.pid));
      } catch {
        // a hierarchy that takes no processes (cpuset without cpus)
      }
    }
    assert.deepEqual(cgroupProcesses(config.cgroupRoot).includes(child.pid ?? 0), true);
    mkdirSync(join(config.dataDir, "pods", "a b"), { recursive: true });
    run("mount", "-t", "tmpfs", "tmpfs", join(config.dataDir, "pods", "a b"));
    mkdirSync(join(config.runDir, "netns"));
    writeFileSync(join(config.runDir, "netns", "net"), "");
    run("unshare", "--net=" + join(config.runDir, "netns", "net"), "true");
    run("ip", "link", "add", config.bridge, "type", "bridge");
    run("ip", "link", "add", "wv-teardown", "type", "veth", "peer", "name", "wv-teardown-p");
    run("ip", "link", "set", "wv-teardown", "master", config.bridge);
    run("nft", "add", "table", "inet", config.serviceTable);
    run("nft", "add", "table", "inet", "wherry-teardown-other");

    await down({ ...choice, purge: true });

    assert.deepEqual(cgroupDirs(config.cgroupRoot), []);
    assert.equal(processId(child.pid ?? 0), undefined);
    assert.deepEqual(mountsBelow([config.dataDir, config.runDir]), []);
    assert.ok(!existsSync(config.dataDir) && !existsSync(config.runDir));
    assert.ok(!existsSync(`/sys/class/net/${config.bridge}`) && !existsSync("/sys/class/net/wv-teardown"));
    const tables = run("nft", "list", "tables");
    assert.ok(!tables.includes(`inet ${config.serviceTable}\n`));
    assert.ok(tables.includes("wherry-teardown-other"));
    assert.equal((await down({ ...choice, purge: true })).found, false);
  } finally {
    spawnSync("nft", ["delete", "table", "inet", "wherry-teardown-other"]);
    if (before === undefined) delete process.env["KUBECONFIG"];
    else process.env["KUBECONFIG"] = before;
    rmSync(dir, { recursive: true, force: true });
  }
});
