import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { adjustCapabilities, capabilityMask } from "./capabilities.ts";
import { capabilitySets, defaultDevices, defaultMaskedPaths, defaultMounts } from "./defaults.ts";
import { mountOptions } from "./mounts.ts";
import { planContainer, planExec } from "./plan.ts";
import type { Spec } from "./spec.ts";

const context = {
  layout: { mode: "v2" as const, v1: {}, unified: "/sys/fs/cgroup" },
  architecture: "x64" as const,
};

function spec(): Spec {
  return {
    root: {
      path: "/r",
      readonly: true,
      overlay: { lower: ["/l1", "/l2"], upper: "/u", work: "/w", volatile: true },
    },
    process: {
      terminal: false,
      user: { uid: 1, gid: 2, additionalGids: [3] },
      args: ["sh"],
      env: ["A=b"],
      cwd: "/srv",
      capabilities: capabilitySets(1),
      noNewPrivileges: true,
      rlimits: [{ type: "RLIMIT_NOFILE", soft: 10, hard: 20 }],
    },
    mounts: [
      ...defaultMounts(),
      { destination: "/data", type: "bind", source: "/host", options: ["rbind", "rro", "rprivate"] },
      { destination: "/two-way", type: "bind", source: "/host2", options: ["rbind", "rshared"] },
    ],
    linux: {
      namespaces: [
        { type: "mount" },
        { type: "pid" },
        { type: "cgroup" },
        { type: "network", path: "/n/net" },
      ],
      devices: [...defaultDevices],
      cgroupsPath: "/p/c",
      resources: {},
      seccomp: { defaultAction: "SCMP_ACT_ALLOW", syscalls: [] },
      maskedPaths: [...defaultMaskedPaths],
      readonlyPaths: ["/proc/sys"],
    },
  };
}

describe("the plan of a container", () => {
  const names = (plan: ReturnType<typeof planContainer>): string[] => plan.map((step) => String(step[0]));

  it("takes steps in the one order that is safe", () => {
    const order = names(planContainer(spec(), context)).filter(
      (name, index, all) => all.indexOf(name) === index,
    );
    const before = (a: string, b: string): void =>
      assert.ok(
        order.indexOf(a) >= 0 && order.indexOf(a) < order.indexOf(b),
        `${a} before ${b} in ${order.join()}`,
      );
    before("join", "fs"); // file systems show the namespaces of who mounts them
    before("placed", "unshare"); // a cgroup namespace begins where the process is
    before("pivot", "placed"); // by then the slow move is mostly done
    before("tree", "propagation"); // or the tree would be cut off from the host
    before("propagation", "root-overlay"); // or the mount would reach the host
    before("readonly", "pivot");
    before("mask", "pivot");
    before("directory", "root-attributes"); // the working directory is made while that is possible
    before("pivot", "cwd");
    before("bounding", "user");
    before("user", "capabilities");
    before("capabilities", "no-new-privileges");
    before("no-new-privileges", "seccomp");
    before("seccomp", "exec");
  });

  it("loads the filter while it may, when no_new_privs is not wanted", () => {
    const wanted = spec();
    wanted.process.noNewPrivileges = false;
    const order = names(planContainer(wanted, context));
    assert.ok(order.indexOf("seccomp") < order.indexOf("user"));
    assert.ok(!order.includes("no-new-privileges"));
  });

  it("says everything that the helper has to know", () => {
    const plan = planContainer(spec(), context);
    const find = (name: string, second?: unknown) =>
      plan.find((step) => step[0] === name && (second === undefined || step[1] === second));
    assert.deepEqual(find("@clone"), ["@clone", 0x20000 | 0x20000000]);
    assert.deepEqual(find("join"), ["join", "net", "/n/net"]);
    assert.deepEqual(find("root-overlay"), ["root-overlay", "/r", "/u", "/w", true, "/l1", "/l2"]);
    assert.deepEqual(
      find("fs", "proc"),
      ["fs", "proc", "/proc", 0xen, false],
      "/proc itself must be no link",
    );
    assert.deepEqual(find("bind", "/host"), ["bind", "/host", "/data", true, 1n, true, 1 << 18, "", false]);
    assert.deepEqual(find("bind", "#0")?.[6], 0, "stays a peer of the host's");
    assert.deepEqual(find("rlimit"), ["rlimit", 7, 10, 20]);
    assert.deepEqual(find("user"), ["user", 1, 2, 3]);
    assert.deepEqual(
      find("capabilities"),
      ["capabilities", 0n, 0n, 0n, 0n],
      "only root has them without asking",
    );
    assert.deepEqual(find("argv"), ["argv", "sh"]);
  });

  it("of an exec enters everything and confines the same way", () => {
    const { process, linux } = spec();
    const order = names(planExec(process, linux, context));
    assert.deepEqual(order, [
      "@stdio",
      "@cgroup",
      "enter",
      "placed",
      "session",
      "rlimit",
      "cwd",
      "umask",
      "bounding",
      "user",
      "capabilities",
      "no-new-privileges",
      "seccomp",
      "argv",
      "env",
      "exec",
    ]);
  });

  it("refuses names that do not exist", () => {
    const wanted = spec();
    wanted.process.rlimits = [{ type: "RLIMIT_MOOD", soft: 1, hard: 1 }];
    assert.throws(() => planContainer(wanted, context), RangeError);
    assert.throws(() => capabilityMask(["CAP_FLY"]), RangeError);
  });
});

describe("capabilities", () => {
  it("are added to and dropped from the defaults", () => {
    assert.equal(capabilityMask(capabilitySets(0).effective), 0xa80425fbn);
    assert.deepEqual(adjustCapabilities(["CAP_CHOWN", "CAP_KILL"], ["net_admin"], ["CHOWN"]), [
      "CAP_KILL",
      "CAP_NET_ADMIN",
    ]);
    assert.deepEqual(adjustCapabilities(["CAP_CHOWN"], ["NET_BIND_SERVICE"], ["ALL"]), [
      "CAP_NET_BIND_SERVICE",
    ]);
    const all = adjustCapabilities([], ["ALL"], ["SYS_ADMIN"]);
    assert.ok(all.length === 40 && !all.includes("CAP_SYS_ADMIN"));
  });
});

describe("mount options", () => {
  it("are told apart: flags, propagation, what is for the file system", () => {
    const options = mountOptions({
      destination: "/x",
      type: "tmpfs",
      options: ["nosuid", "noexec", "rslave", "size=64k", "noswap", "rw"],
    });
    assert.deepEqual(options, {
      bind: false,
      recursive: false,
      attributes: 0xan,
      all: false,
      mapped: false,
      propagation: 1 << 19,
      data: [
        ["size", "64k"],
        ["noswap", ""],
      ],
    });
    assert.equal(mountOptions({ destination: "/x", type: "bind", options: ["rbind", "rro"] }).all, true);
  });
});
