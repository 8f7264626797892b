import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { cgroupLayout, openNative } from "../linux/index.ts";
import { cgroupStats, removeCgroup } from "./cgroup-files.ts";
import { deviceRules } from "./defaults.ts";
import { deviceFilter } from "./device-filter.ts";
import { MonitorConnection } from "./monitor-connection.ts";
import { planContainer } from "./plan.ts";
import type { Spec } from "./spec.ts";

const layout = process.platform === "linux" ? cgroupLayout() : undefined;
const skip = process.getuid?.() !== 0 ? "needs root" : layout?.unified ? false : "needs a cgroup2 mount";

/** The unified tree alone, as if no v1 controller were there: what a machine with cgroup v2 does. */
const unified = { mode: "v2" as const, v1: {}, unified: layout?.unified ?? "" };

describe("containers on cgroup v2", { skip }, () => {
  it("may make any device node and open none but their own, and see their own cgroup", async () => {
    const dir = mkdtempSync(join(tmpdir(), "wherry-devices-"));
    const native = await openNative(new URL("../../dist/wherry-native", import.meta.url).pathname, {
      runDir: dir,
    });
    const path = "/wherry-devicetest/c";
    const script =
      "cd $0; mknod zero c 1 5 && head -c 1 zero | wc -c; mknod mem c 1 1 && (head -c 1 mem || echo refused); mknod disk b 254 0 && (head -c 1 disk || echo refused); grep ^0 /proc/self/cgroup; [ $(grep -c . /sys/fs/cgroup/cgroup.procs) -lt 10 ] && echo own; [ ! -e /sys/fs/cgroup/wherry-devicetest ]";
    const spec: Spec = {
      root: { path: "/", readonly: false },
      process: {
        terminal: false,
        user: { uid: 0, gid: 0, additionalGids: [] },
        args: ["/bin/sh", "-c", script, dir],
        env: ["PATH=/usr/bin:/bin"],
        cwd: "/",
        noNewPrivileges: false,
      },
      mounts: [{ destination: "/sys/fs/cgroup", type: "cgroup", options: ["ro"] }],
      linux: {
        namespaces: [{ type: "mount" }, { type: "cgroup" }],
        devices: [],
        cgroupsPath: path,
        resources: { devices: deviceRules() },
        maskedPaths: [],
        readonlyPaths: [],
      },
    };
    const connection = await MonitorConnection.open(native.launchSocket);
    let output = "";
    connection.onOutput = (stream, data) => {
      if (stream === "stdout") output += data;
      return true;
    };
    try {
      await connection.launch([
        ["@attach"],
        ["@bound"],
        ...planContainer(spec, { layout: unified, architecture: "x64" }),
      ]);
      const exit = await connection.exited;
      assert.equal(output, "1\nrefused\nrefused\n0::/\nown\n");
      assert.equal(exit?.exitCode, 0);
      assert.ok((await cgroupStats(unified, path)) !== undefined);
    } finally {
      connection.close();
      await removeCgroup(native, unified, "/wherry-devicetest");
      await native.close();
      rmSync(dir, { recursive: true, force: true });
    }
  });

  it("need no device program when everything is allowed", () => {
    assert.equal(deviceFilter([{ allow: false }, { allow: true, type: "a" }]), undefined);
    assert.ok(deviceFilter([{ allow: true }, { allow: false, type: "b", access: "w" }]));
  });
});
