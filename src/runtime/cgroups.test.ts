import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type CgroupLayout, parseCgroupLayout, recordingNative } from "../linux/index.ts";
import { cgroupStats, removeCgroup } from "./cgroup-files.ts";
import { planCgroup, planResources, sharesToWeight } from "./cgroups.ts";

const hybrid: CgroupLayout = {
  mode: "hybrid",
  v1: {
    cpu: "/c/cpu,cpuacct",
    cpuacct: "/c/cpu,cpuacct",
    cpuset: "/c/cpuset",
    memory: "/c/memory",
    "name=systemd": "/c/systemd",
  },
  unified: "/c/unified",
  cpus: "0-1",
  mems: "0",
};
const unified: CgroupLayout = { mode: "v2", v1: {}, unified: "/c" };
const limits = {
  cpu: { shares: 1024, quota: 50_000, period: 100_000, cpus: "1" },
  memory: { limit: 64 << 20, swap: 64 << 20 },
  pids: { limit: 100 },
  devices: [{ allow: false }, { allow: true, type: "c" as const, major: 1, minor: 3, access: "rw" }],
};

describe("cgroup plans", () => {
  it("for v1 make the path in every hierarchy once, seed cpuset at the top, and leave systemd alone", () => {
    const plan = planCgroup(hybrid, "/wherry/pods/p1", limits);
    const made = plan.steps.flatMap((step) => ("mkdir" in step ? [step.mkdir] : []));
    assert.deepEqual(made, [
      "/c/cpu,cpuacct/wherry",
      "/c/cpu,cpuacct/wherry/pods",
      "/c/cpu,cpuacct/wherry/pods/p1",
      "/c/cpuset/wherry",
      "/c/cpuset/wherry/pods",
      "/c/cpuset/wherry/pods/p1",
      "/c/memory/wherry",
      "/c/memory/wherry/pods",
      "/c/memory/wherry/pods/p1",
    ]);
    const writes = plan.steps.flatMap((step) =>
      "mkdir" in step ? [] : [`${step.path.slice(3)}=${step.value}`],
    );
    assert.deepEqual(writes, [
      "cpuset/wherry/cpuset.cpus=0-1",
      "cpuset/wherry/cpuset.mems=0",
      "cpuset/wherry/cgroup.clone_children=1",
      "cpu,cpuacct/wherry/pods/p1/cpu.shares=1024",
      "cpu,cpuacct/wherry/pods/p1/cpu.cfs_period_us=100000",
      "cpu,cpuacct/wherry/pods/p1/cpu.cfs_quota_us=50000",
      "cpuset/wherry/pods/p1/cpuset.cpus=1",
      "memory/wherry/pods/p1/memory.limit_in_bytes=67108864",
      "memory/wherry/pods/p1/memory.memsw.limit_in_bytes=67108864",
    ]);
    assert.equal(plan.oomFile, "/c/memory/wherry/pods/p1/memory.oom_control");
    assert.equal(plan.procs.length, 3);
  });

  it("for v1 with a devices controller write its rules in order", () => {
    const layout = { ...hybrid, v1: { devices: "/c/devices" } };
    assert.deepEqual(
      planResources(layout, "/x", limits).map((w) => `${w.path.split("/").at(-1)} ${w.value}`),
      ["devices.deny a", "devices.allow c 1:3 rw"],
    );
  });

  it("for v2 hand controllers down from the root and translate the values", () => {
    const plan = planCgroup(unified, "/wherry/p1", limits);
    const steps = plan.steps.map((step) =>
      "mkdir" in step ? `mkdir ${step.mkdir}` : `${step.path} ${step.value}`,
    );
    assert.deepEqual(
      steps.filter((step) => !step.includes("subtree_control")),
      [
        "mkdir /c/wherry",
        "mkdir /c/wherry/p1",
        "/c/wherry/p1/cpu.weight 100",
        "/c/wherry/p1/cpu.max 50000 100000",
        "/c/wherry/p1/cpuset.cpus 1",
        "/c/wherry/p1/memory.oom.group 1",
        "/c/wherry/p1/memory.max 67108864",
        "/c/wherry/p1/memory.swap.max 0",
        "/c/wherry/p1/pids.max 100",
      ],
    );
    assert.ok(steps.indexOf("/c/wherry/cgroup.subtree_control +memory") > steps.indexOf("mkdir /c/wherry"));
    assert.ok(steps.includes("/c/cgroup.subtree_control +pids"));
    assert.ok(
      !steps.some((step) => step.startsWith("/c/wherry/p1/cgroup.subtree_control")),
      "a leaf has processes",
    );
    assert.deepEqual(
      [plan.procs, plan.oomFile],
      [["/c/wherry/p1/cgroup.procs"], "/c/wherry/p1/memory.events"],
    );
    assert.throws(() => planResources(unified, "/x", { unified: { "../memory.max": "1" } }), RangeError);
  });

  it("translate shares to weights as other runtimes do", () => {
    assert.deepEqual([2, 1024, 262_144].map(sharesToWeight), [1, 100, 10_000]);
  });
});

describe("cgroup files", () => {
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), "wherry-cg-"));
  });
  after(() => rmSync(dir, { recursive: true }));

  it("are read as the kubelet counts: what can be dropped at once is not working set", async () => {
    const v2: CgroupLayout = { mode: "v2", v1: {}, unified: dir };
    mkdirSync(join(dir, "p"));
    const files = {
      "cpu.stat": "usage_usec 1500\nuser_usec 1000\n",
      "memory.current": "5000\n",
      "memory.stat": "anon 3000\nfile 2000\ninactive_file 1200\n",
      "memory.max": "max\n",
      "pids.current": "3\n",
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, "p", name), text);
    assert.deepEqual(await cgroupStats(v2, "/p"), {
      cpuNanoseconds: 1_500_000,
      memory: { usage: 5000, workingSet: 3800, rss: 3000 },
      pids: 3,
    });
    assert.equal(await cgroupStats(v2, "/gone"), undefined);
    await removeCgroup(recordingNative(), v2, "/gone");
  });

  it("of this machine are understood", { skip: process.platform !== "linux" && "needs Linux" }, () => {
    const layout = parseCgroupLayout(readFileSync("/proc/self/mountinfo", "utf8"));
    assert.ok(layout.unified || Object.keys(layout.v1).length > 0);
  });
});
