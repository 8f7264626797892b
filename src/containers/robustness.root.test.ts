import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { ContainerConfig, PodSandboxConfig } from "../cri/index.ts";
import { until } from "../testing/index.ts";
import { type ContainerRuntime, createContainerRuntime } from "./runtime-service.ts";
import {
  binary,
  containerConfig,
  makeRootfs,
  removeCgroups,
  runtimeOptions,
  sandboxConfig,
  podCgroups,
  skipReason,
  startShell,
} from "./testing/test-runtime.ts";

describe("what goes wrong around containers", { skip: skipReason() }, () => {
  let dir: string;
  let runtime: ContainerRuntime;
  let sandbox: string;
  let pod: PodSandboxConfig;
  const networkFailure = { message: "" };

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), "wherry-rob-"));
    makeRootfs(join(dir, "layer"));
    const options = runtimeOptions(dir);
    const add = options.cni.add;
    options.cni.add = (attachment) =>
      networkFailure.message ? Promise.reject(new Error(networkFailure.message)) : add(attachment);
    runtime = await createContainerRuntime({ ...options, cgroupRoot: "/wherry-robtest" });
    pod = sandboxConfig(dir, "pod");
    sandbox = await runtime.runPodSandbox(pod);
  });
  after(async () => {
    for (const { id } of await runtime.listPodSandbox()) await runtime.removePodSandbox(id);
    await runtime.close();
    assert.equal(podCgroups("wherry-robtest"), "", "cgroups are left");
    assert.deepEqual(readdirSync(join(dir, "run/m")), [], "sockets are left");
    rmSync(dir, { recursive: true, force: true });
    removeCgroups("wherry-robtest");
  });

  const start = (script: string, change?: (config: ContainerConfig) => void): Promise<string> =>
    startShell(runtime, { sandbox, pod }, script, change);

  async function ended(id: string) {
    const signal = AbortSignal.timeout(100_000);
    const events = runtime.events(signal);
    if ((await runtime.containerStatus(id)).state === "Running") {
      for await (const event of events) if (event.containerId === id && event.type === "Stopped") break;
    }
    return runtime.containerStatus(id);
  }

  it("forty containers at once start, are told apart and leave nothing", async () => {
    const ids = await Promise.all(Array.from({ length: 40 }, (_, index) => start(`exit ${index}`)));
    const codes = await Promise.all(ids.map(async (id) => (await ended(id)).exitCode));
    assert.deepEqual(
      codes,
      ids.map((_, index) => index),
    );
    await Promise.all(ids.map((id) => runtime.removeContainer(id)));
    assert.equal((await runtime.listContainers()).length, 0);
  });

  it("a container whose monitor is killed ends too, and is said to have", async () => {
    const id = await start("exec sleep 1000");
    const { pid = 0 } = await runtime.containerStatus(id);
    const parent = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
    process.kill(parent, "SIGKILL");
    const status = await ended(id);
    assert.deepEqual([status.state, status.exitCode, status.reason], ["Exited", 255, "Unknown"]);
    await runtime.removeContainer(id);
  });

  it("a killed helper is replaced, and running containers do not notice", async () => {
    const id = await start("exec sleep 1000");
    const [pid] = execFileSync("pgrep", ["-f", "-o", `${binary} serve ${dir}`])
      .toString()
      .trim()
      .split("\n");
    process.kill(Number(pid), "SIGKILL");
    const other = await until("a container that starts", () => start("exit 3").catch(() => undefined));
    assert.equal((await ended(other)).exitCode, 3);
    assert.equal((await runtime.containerStatus(id)).state, "Running");
    for (const { id: each } of await runtime.listContainers()) await runtime.removeContainer(each);
  });

  it("a pod whose network cannot be made leaves nothing", async () => {
    networkFailure.message = "no address left";
    try {
      await assert.rejects(runtime.runPodSandbox(sandboxConfig(dir, "unlucky")), /no address left/);
    } finally {
      networkFailure.message = "";
    }
    assert.equal((await runtime.listPodSandbox()).length, 1);
    assert.equal(readdirSync(join(dir, "run/s")).length, 1);
    assert.equal(readdirSync(join(dir, "state/sandboxes")).length, 1);
  });

  it("an image with links in place of /proc and /dev cannot lead mounts astray", async () => {
    const evil = join(dir, "evil");
    execFileSync("cp", ["-a", join(dir, "layer"), evil]);
    rmSync(join(evil, "proc"), { recursive: true });
    symlinkSync("/tmp", join(evil, "proc"));
    const other = await createContainerRuntime({
      ...runtimeOptions(join(dir, "evil-runtime")),
      cgroupRoot: "/wherry-robtest",
      images: {
        resolve: async () => ({
          id: "evil",
          config: { architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [] } },
          layers: [evil],
        }),
      },
    });
    const config = sandboxConfig(dir, "evil");
    const id = await other.runPodSandbox(config);
    const container = await other.createContainer(id, containerConfig("x", ["sh"]), config);
    await assert.rejects(other.startContainer(container), /resolve \/proc: ELOOP/);
    const late = containerConfig("y", ["/bin/sh", "-c", "true"]);
    late.workingDir = "/proc/self/fd/7";
    const second = await other.createContainer(id, late, config);
    await assert.rejects(other.startContainer(second));
    await other.removePodSandbox(id);
    await other.close();
  });

  it("a working directory cannot be a leaked descriptor of the host", async () => {
    for (const fd of [3, 4, 5, 6, 7, 8, 9, 10, 11, 12]) {
      await assert.rejects(
        start("cat ../../../../etc/shadow", (c) => void (c.workingDir = `/proc/self/fd/${fd}`)),
      );
    }
    for (const { id } of await runtime.listContainers()) await runtime.removeContainer(id);
  });

  it("mounts made in a container reach the host only when that is asked for", async () => {
    const shared = join(dir, "shared");
    mkdirSync(shared);
    execFileSync("mount", ["--bind", shared, shared]);
    execFileSync("mount", ["--make-shared", shared]);
    try {
      const mount = (propagation: "PRIVATE" | "BIDIRECTIONAL") => (config: ContainerConfig) => {
        config.mounts.push({ containerPath: "/m", hostPath: shared, readonly: false, propagation });
        config.linux.securityContext.privileged = true;
      };
      const script = "mkdir -p /m/a && mount -t tmpfs made /m/a && exec sleep 1000";
      const seen = (): boolean => readFileSync("/proc/self/mountinfo", "utf8").includes(`${shared}/a`);
      const one = await start(script, mount("PRIVATE"));
      while ((await runtime.execSync(one, ["grep", "-q", "made", "/proc/mounts"], 60)).exitCode !== 0) {}
      assert.equal(seen(), false);
      await runtime.removeContainer(one);
      const two = await start(script, mount("BIDIRECTIONAL"));
      while ((await runtime.execSync(two, ["grep", "-q", "made", "/proc/mounts"], 60)).exitCode !== 0) {}
      assert.equal(seen(), true);
      await runtime.removeContainer(two);
    } finally {
      execFileSync("umount", ["-R", shared]);
    }
  });

  it("a profile of the node's own is loaded, and one that is missing refused", async () => {
    const profile = join(dir, "profile.json");
    const rule = { names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 13 };
    writeFileSync(profile, JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls: [rule] }));
    const use = (localhostRef: string) => (config: ContainerConfig) => {
      config.linux.securityContext.seccomp = { type: "Localhost", localhostRef };
    };
    const id = await start("mkdir /x && exit 1; exit 7", use(profile));
    assert.equal((await ended(id)).exitCode, 7);
    await runtime.removeContainer(id);
    await assert.rejects(start("true", use("/no/such.json")), { code: "InvalidArgument" });
  });

  it("a client that stops reading holds nothing but itself", async () => {
    const id = await start(
      "read go; head -c 3000000 /dev/zero; echo; exit 0",
      (c) => void Object.assign(c, { stdin: true, stdinOnce: false }),
    );
    const lazy = await runtime.attach(id, { tty: false, stdin: true });
    lazy.stdin?.write("go\n");
    // Nobody reads `lazy`; when it goes the program can finish.
    while ((await runtime.containerStats(id)).cpu.usageCoreNanoSeconds === 0) {}
    lazy.close();
    const status = await ended(id);
    assert.equal(status.exitCode, 0);
    await runtime.removeContainer(id);
  });

  it("has a helper that a container cannot write to", () => {
    const [pid] = execFileSync("pgrep", ["-f", `${binary} serve ${dir}`])
      .toString()
      .trim()
      .split("\n");
    assert.throws(() => writeFileSync(`/proc/${pid}/exe`, "x"), { code: /EPERM|ETXTBSY/ });
    assert.throws(() => copyFileSync("/bin/true", `/proc/${pid}/exe`));
  });
});
