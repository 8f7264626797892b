import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseCgroupLayout } from "./cgroup-layout.ts";

const tmpfs = "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755";
const cpu = "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct";
const memory = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory";
const systemd = "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd";
const v2 = "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw";

describe("the layout of the cgroup file systems", () => {
  it("is v2 when no controller is on v1, even with a named hierarchy beside", () => {
    const only = "29 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate";
    assert.deepEqual(parseCgroupLayout(only), { mode: "v2", v1: {}, unified: "/sys/fs/cgroup" });
    assert.equal(parseCgroupLayout([tmpfs, systemd, v2].join("\n")).mode, "v2");
  });

  it("is v1 or hybrid when controllers are there, several of them perhaps in one place", () => {
    const v1 = parseCgroupLayout([tmpfs, cpu, memory, systemd].join("\n"));
    assert.equal(v1.mode, "v1");
    assert.deepEqual(v1.v1, {
      cpu: "/sys/fs/cgroup/cpu,cpuacct",
      cpuacct: "/sys/fs/cgroup/cpu,cpuacct",
      memory: "/sys/fs/cgroup/memory",
      "name=systemd": "/sys/fs/cgroup/systemd",
    });
    const hybrid = parseCgroupLayout([tmpfs, cpu, memory, v2].join("\n"));
    assert.deepEqual([hybrid.mode, hybrid.unified], ["hybrid", "/sys/fs/cgroup/unified"]);
  });

  it("leaves out parts of a tree that are bound elsewhere", () => {
    const bound = "99 31 0:32 /docker/abc /var/lib/x/memory rw - cgroup cgroup rw,memory";
    assert.equal(parseCgroupLayout([bound, memory].join("\n")).v1["memory"], "/sys/fs/cgroup/memory");
  });
});
