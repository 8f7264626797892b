import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import type { ContainerConfig, ContainerEvent, PodSandboxConfig } from "../cri/index.ts";
import { until } from "../testing/index.ts";
import { type ContainerRuntime, createContainerRuntime } from "./runtime-service.ts";
import {
  containerConfig,
  makeRootfs,
  removeCgroups,
  runtimeOptions,
  sandboxConfig,
  podCgroups,
  skipReason,
  startShell,
} from "./testing/test-runtime.ts";

describe("the container runtime", { skip: skipReason() }, () => {
  let dir: string;
  let runtime: ContainerRuntime;
  let sandbox: string;
  let pod: PodSandboxConfig;
  const ended = new AbortController();
  const events: ContainerEvent[] = [];
  const exits = new Map<string, () => void>();

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), "wherry-cri-"));
    makeRootfs(join(dir, "layer"));
    runtime = await createContainerRuntime(runtimeOptions(dir));
    follow(runtime);
    pod = sandboxConfig(dir, "pod");
    sandbox = await runtime.runPodSandbox(pod);
  });
  after(async () => {
    for (const { id } of await runtime.listPodSandbox()) await runtime.removePodSandbox(id);
    ended.abort();
    await runtime.close();
    const mounts = readFileSync("/proc/self/mountinfo", "utf8");
    rmSync(dir, { recursive: true, force: true });
    assert.ok(!mounts.includes(dir), `mounts are left:\n${mounts}`);
    assert.equal(podCgroups("wherry-critest"), "", "cgroups are left");
    removeCgroups("wherry-critest");
  });

  function follow(from: ContainerRuntime): void {
    void (async () => {
      for await (const event of from.events(ended.signal)) {
        events.push(event);
        if (event.type === "Stopped") exits.get(event.containerId)?.();
      }
    })();
  }

  const start = (script: string, change?: (config: ContainerConfig) => void): Promise<string> =>
    startShell(runtime, { sandbox, pod }, script, change);

  async function finished(id: string) {
    const exit = new Promise<void>((resolve) => exits.set(id, resolve));
    if ((await runtime.containerStatus(id)).state === "Running") await exit;
    return runtime.containerStatus(id);
  }

  async function output(script: string, change?: (config: ContainerConfig) => void): Promise<string> {
    const id = await start(script, change);
    const { logPath, exitCode, message } = await finished(id);
    const lines = readFileSync(logPath, "utf8");
    await runtime.removeContainer(id);
    assert.equal(exitCode, 0, `${message}\n${lines}`);
    return lines.replace(/^\S+ (stdout|stderr) (F|P) /gm, "");
  }

  it("runs a program in its own namespaces, shares the pod's, and says how it ended", async () => {
    const id = await start("echo out; echo err >&2; printf part; exit 3");
    const status = await finished(id);
    assert.equal(status.state, "Exited");
    assert.equal(status.exitCode, 3);
    assert.equal(status.reason, "Error");
    assert.ok(status.finishedAt >= status.startedAt && status.startedAt > 0n);
    const lines = readFileSync(status.logPath, "utf8")
      .trimEnd()
      .split("\n")
      .sort((a, b) => a.slice(36).localeCompare(b.slice(36)));
    assert.deepEqual(
      lines.map((line) => line.replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z /, "")).sort(),
      ["stderr F err", "stdout F out", "stdout P part"],
    );
    assert.deepEqual(
      events.filter((e) => e.containerId === id).map((e) => e.type),
      ["Created", "Started", "Stopped"],
    );
    await runtime.removeContainer(id);
    await assert.rejects(runtime.containerStatus(id), { code: "NotFound" });
    const links = (script: string): Promise<string> => output(script);
    const ns =
      "for n in net ipc uts pid mnt cgroup; do readlink /proc/self/ns/$n; done; hostname; cat /etc/hostname";
    const [one, two] = [(await links(ns)).split("\n"), (await links(ns)).split("\n")];
    assert.deepEqual(one.slice(0, 3), two.slice(0, 3), "net, ipc and uts are the pod's");
    const host = ["net", "ipc", "uts", "pid", "mnt", "cgroup"].map((name) =>
      readlinkSync(`/proc/self/ns/${name}`),
    );
    for (const [index, name] of host.entries()) assert.notEqual(one[index], name);
    assert.deepEqual(one.slice(6, 8), ["web-0", "web-0"]);
  });

  it("confines it as the defaults say", async () => {
    const status = await output(
      "grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status | tr -s '\\t' ' '",
    );
    assert.deepEqual(status.trim().split("\n"), [
      "CapEff: 00000000a80425fb",
      "CapBnd: 00000000a80425fb",
      "NoNewPrivs: 0",
      "Seccomp: 2",
    ]);
    // Masked files read as empty, masked directories are empty, read-only paths refuse.
    assert.equal(
      await output(
        "cat /proc/keys; ls /sys/firmware; echo 1 > /proc/irq/default_smp_affinity || true; echo 1 > /proc/sys/kernel/panic || true; mkdir /sys/fs/cgroup/x 2>&1 || true",
      ).then((t) => t.replace(/.*Read-only file system\n/g, "")),
      "",
    );
    assert.match(
      await output("unshare -U true 2>&1 || echo refused; mount -t tmpfs x /tmp 2>&1 || echo refused"),
      /refused\n(.*\n)?.*refused/,
    );
    assert.equal(
      await output("ls /proc/self/fd | wc -l"),
      "4\n",
      "0, 1, 2 and the directory itself: nothing of the host is open",
    );
    assert.match(
      await output(
        "head -c 4 /dev/zero | wc -c; echo x > /dev/null; ls -l /dev/fd /dev/ptmx; : > /dev/stdout",
      ),
      /^4\n/,
    );
    const own = "for i in 1 $$ self; do readlink /proc/$i/exe; done; (echo x >> /proc/self/exe) 2>&1 || true";
    assert.doesNotMatch(await output(own), /wherry/);
  });

  it("obeys the security context", async () => {
    const strict = await output(
      "id; grep -E '^(CapEff|CapBnd|NoNewPrivs):' /proc/self/status | tr -s '\\t' ' '; touch /x 2>&1 || true; echo ok > /dev/stdout",
      (config) => {
        Object.assign(config.linux.securityContext, {
          runAsUser: 1000,
          runAsGroup: 2000,
          supplementalGroups: [3000],
          readonlyRootfs: true,
          noNewPrivs: true,
          capabilities: { add: [], drop: ["ALL"] },
        });
      },
    );
    assert.match(strict, /uid=1000\(app\) gid=2000 groups=(1500\(extra\),)?2000,.*3000/);
    assert.match(strict, /CapEff: 0000000000000000\nCapBnd: 0000000000000000\nNoNewPrivs: 1/);
    assert.match(strict, /Read-only file system\nok/);
    const privileged = await output(
      "grep CapEff /proc/self/status; grep Seccomp: /proc/self/status; ls /dev | wc -l; mount -t tmpfs x /tmp && echo mounted",
      (config) => {
        config.linux.securityContext.privileged = true;
      },
    );
    assert.match(privileged, /Seccomp:\t0\n/);
    assert.match(privileged, /mounted/);
    assert.match(
      await output("grep CapEff /proc/self/status", (c) =>
        c.linux.securityContext.capabilities.add.push("NET_ADMIN"),
      ),
      /a80435fb/,
    );
    await assert.rejects(
      start("true", (c) => void (c.linux.securityContext.runAsUsername = "nobody-there")),
      { code: "InvalidArgument" },
    );
  });

  it("mounts volumes, and none through a link of the image", async () => {
    const volume = join(dir, "volume");
    mkdirSync(join(volume, "sub"), { recursive: true });
    writeFileSync(join(volume, "file"), "from the host\n");
    const mount = (containerPath: string, hostPath: string, readonly: boolean) =>
      ({ containerPath, hostPath, readonly, propagation: "PRIVATE" }) as const;
    const out = await output(
      "cat /data/file /etc/one; echo new > /data/sub/made; touch /ro/x 2>&1 || true; cat /trap/inside/file",
      (config) => {
        // /trap is a link to /tmp/../../.. in the image: it must end up inside.
        config.mounts.push(
          mount("/data", volume, false),
          mount("/ro", volume, true),
          mount("/etc/one", join(volume, "file"), false),
          mount("/trap/inside", volume, true),
        );
      },
    );
    assert.match(out, /^from the host\nfrom the host\n.*Read-only file system\nfrom the host\n$/);
    assert.equal(readFileSync(join(volume, "sub/made"), "utf8"), "new\n");
    assert.ok(!existsSync("/inside"), "nothing was made on the host");
    assert.equal(
      await output("df /dev/shm | tail -1 | awk '{print $2}'; echo shared > /dev/shm/x"),
      "65536\n",
    );
    assert.equal(
      await output("cat /dev/shm/x; cat /etc/resolv.conf"),
      "shared\nsearch default.svc.cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n",
    );
  });

  it("limits memory, processes and processor time, and sees a kill for memory", async () => {
    const limited = await start(
      "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null; dd if=/dev/zero of=/dev/null bs=200M count=1; exit $?",
      (config) => {
        Object.assign(config.linux.resources, {
          memoryLimitInBytes: 32 << 20,
          cpuShares: 512,
          cpuQuota: 20_000,
          cpuPeriod: 100_000,
          pidsLimit: 50,
        });
      },
    );
    const status = await finished(limited);
    assert.equal(status.reason, "OOMKilled");
    assert.equal(status.exitCode, 137);
    assert.match(readFileSync(status.logPath, "utf8"), /33554432/);
    await runtime.removeContainer(limited);
    const id = await start(
      "sleep 1000",
      (config) => void (config.linux.resources.memoryLimitInBytes = 64 << 20),
    );
    await runtime.updateContainerResources(id, {
      memoryLimitInBytes: 48 << 20,
      cpuQuota: 50_000,
      cpuPeriod: 100_000,
    });
    const read = await runtime.execSync(
      id,
      ["sh", "-c", "cat /sys/fs/cgroup/memory/memory.limit_in_bytes || cat /sys/fs/cgroup/memory.max"],
      60,
    );
    assert.equal(String(read.stdout).trim(), String(48 << 20));
    const stats = await runtime.containerStats(id);
    assert.ok(stats.memory.usageBytes > 0 && stats.cpu.usageCoreNanoSeconds > 0);
    assert.equal((await runtime.listContainerStats({ sandboxId: sandbox })).length, 1);
    await runtime.removeContainer(id);
  });

  it("executes further programs: output, exit codes, stdin, terminal, time limit, own confinement", async () => {
    const id = await start(
      "trap 'exit 5' TERM; while :; do sleep 0.05; done",
      (c) => void (c.linux.securityContext.noNewPrivs = true),
    );
    const sync = await runtime.execSync(id, ["sh", "-c", "echo o; echo e >&2; exit 9"], 60);
    assert.deepEqual([String(sync.stdout), String(sync.stderr), sync.exitCode], ["o\n", "e\n", 9]);
    await assert.rejects(runtime.execSync(id, ["sleep", "100"], 0.2), { code: "DeadlineExceeded" });
    await assert.rejects(
      runtime.execSync(id, ["no-such-program"], 60),
      /executable file not found in \$PATH/,
    );
    const confined = await runtime.execSync(
      id,
      [
        "sh",
        "-c",
        "grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status; ls /proc/self/fd; cat /proc/self/cgroup; pwd",
      ],
      5,
    );
    assert.match(
      String(confined.stdout),
      /CapEff:\t00000000a80425fb\nNoNewPrivs:\t1\nSeccomp:\t2\n0\n1\n2\n3\n(\d+:.*:\/\n)*\/\n$/,
    );
    const session = await runtime.exec(id, {
      command: ["sh", "-c", "cat; echo done"],
      tty: false,
      stdin: true,
    });
    session.stdin?.end("through\n");
    assert.equal(await text(session.stdout), "through\ndone\n");
    assert.equal(await session.exited, 0);
    const terminal = await runtime.exec(id, {
      command: ["sh", "-c", "tty; stty size; read line; stty size; echo got $line"],
      tty: true,
      stdin: true,
    });
    terminal.resize(100, 40);
    terminal.stdin?.write("hello\n");
    const screen = await text(terminal.stdout);
    assert.match(screen, /\/dev\/pts\/0/);
    assert.match(screen, /40 100/);
    assert.match(screen, /got hello/);
    const big = await runtime.exec(id, {
      command: ["sh", "-c", "head -c 20000000 /dev/zero"],
      tty: false,
      stdin: false,
    });
    let bytes = 0;
    for await (const chunk of big.stdout) bytes += (chunk as Buffer).length;
    assert.equal(bytes, 20_000_000);
    const left = await runtime.execSync(id, ["sh", "-c", "ps | grep -c 'sleep 10[0]' || true"], 60);
    assert.equal(String(left.stdout).trim(), "0", "what ran too long was killed");
    await runtime.stopContainer(id, 10);
    assert.equal((await runtime.containerStatus(id)).exitCode, 5, "the stop signal was handled");
    await assert.rejects(runtime.execSync(id, ["true"], 1), { code: "FailedPrecondition" });
    await runtime.removeContainer(id);
  });

  it("attaches to the first process, with and without a terminal", async () => {
    const id = await start(
      "read a; echo first $a; read b; echo second $b; exit 4",
      (c) => void Object.assign(c, { stdin: true, stdinOnce: true }),
    );
    const session = await runtime.attach(id, { tty: false, stdin: true });
    session.stdin?.write("x\ny\n");
    assert.equal(await text(session.stdout), "first x\nsecond y\n");
    assert.equal(await session.exited, 4);
    await runtime.removeContainer(id);
    const tty = await start(
      "tty; read line; echo bye",
      (c) => void Object.assign(c, { stdin: true, tty: true }),
    );
    const screen = await runtime.attach(tty, { tty: true, stdin: true });
    assert.equal(screen.stderr, undefined);
    screen.stdin?.write("\n");
    assert.match(await text(screen.stdout), /bye/);
    await finished(tty);
    assert.match(
      readFileSync((await runtime.containerStatus(tty)).logPath, "utf8"),
      /stdout F \/dev\/pts\/0\r/,
    );
    await runtime.removeContainer(tty);
  });

  it("refuses what cannot run, with a sentence and a status", async () => {
    const config = containerConfig("bad", ["/no/such/program"]);
    const id = await runtime.createContainer(sandbox, config, pod);
    await assert.rejects(
      runtime.startContainer(id),
      /exec: "\/no\/such\/program": no such file or directory/,
    );
    const status = await runtime.containerStatus(id);
    assert.deepEqual([status.state, status.exitCode, status.reason], ["Exited", 128, "StartError"]);
    await runtime.removeContainer(id);
    await assert.rejects(
      runtime.createContainer(
        sandbox,
        { ...config, image: { image: "other", userSpecifiedImage: "other" } },
        pod,
      ),
      { code: "NotFound" },
    );
    await runtime.stopContainer("unknown", 1);
    await runtime.removeContainer("unknown");
    await runtime.stopPodSandbox("unknown");
    await runtime.removePodSandbox("unknown");
  });

  it("reopens a rotated log and cuts long lines", async () => {
    const id = await start(
      "read x; echo after; head -c 40000 /dev/zero | tr '\\0' a; echo",
      (c) => void Object.assign(c, { stdin: true, stdinOnce: true }),
    );
    const { logPath } = await runtime.containerStatus(id);
    execFileSync("mv", [logPath, `${logPath}.1`]);
    await runtime.reopenContainerLog(id);
    const session = await runtime.attach(id, { tty: false, stdin: true });
    session.stdin?.end("go\n");
    session.stdout.resume();
    await finished(id);
    const lines = readFileSync(logPath, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => line.slice(31));
    assert.equal(lines[0], "stdout F after");
    assert.deepEqual(
      lines.slice(1).map((line) => [line.slice(7, 8), line.length - 9]),
      [
        ["P", 16384],
        ["P", 16384],
        ["F", 7232],
      ],
    );
    await runtime.removeContainer(id);
  });

  it("shares processes when the pod says so, and forwards ports", async () => {
    const config = sandboxConfig(dir, "shared");
    config.linux.securityContext.namespaceOptions.pid = "POD";
    const shared = await runtime.runPodSandbox(config);
    const make = async (name: string, script: string): Promise<string> => {
      const container = containerConfig(name, ["sh", "-c", script]);
      container.linux.securityContext.namespaceOptions.pid = "POD";
      const id = await runtime.createContainer(shared, container, config);
      await runtime.startContainer(id);
      return id;
    };
    const server = await make(
      "server",
      "mkdir /www; echo served > /www/index.html; httpd -f -p 127.0.0.1:8080 -h /www",
    );
    const other = await make("other", "exec sleep 1000");
    const processes = String((await runtime.execSync(other, ["ps"], 60)).stdout);
    assert.match(processes, /httpd/);
    assert.match(processes, / 1 65535 .*/);
    assert.equal(
      (await runtime.execSync(other, ["ls", "/proc/1/root/"], 60)).exitCode,
      1,
      "the first process's root is closed",
    );
    const stream = await until("its server", () => runtime.portForward(shared, 8080).catch(() => undefined));
    stream.end("GET / HTTP/1.0\r\n\r\n");
    assert.match(await text(stream), /served/);
    await assert.rejects(runtime.portForward(shared, 8081), /connection refused/);
    await runtime.stopPodSandbox(shared);
    assert.equal((await runtime.podSandboxStatus(shared)).state, "NotReady");
    assert.deepEqual(
      [(await runtime.containerStatus(server)).state, (await runtime.containerStatus(other)).exitCode],
      ["Exited", 137],
    );
    await runtime.removePodSandbox(shared);
    assert.equal((await runtime.listContainers({ sandboxId: shared })).length, 0);
  });

  it("gives a pod a user namespace of its own when asked", async () => {
    const config = sandboxConfig(dir, "users");
    const range = [{ hostId: 300_000, containerId: 0, length: 65_536 }];
    config.linux.securityContext.namespaceOptions.usernsOptions = { mode: "POD", uids: range, gids: range };
    const own = await runtime.runPodSandbox(config);
    const volume = join(dir, "mapped");
    mkdirSync(volume);
    const container = containerConfig("users", [
      "sh",
      "-c",
      "cat /proc/self/uid_map; id -u; stat -L -c '%u %n' /bin/busybox /etc/hosts /dev/null /v /dev/stdout; echo x > /v/made; echo y > /own; chown 5 /own; stat -c %u /own; mount -t tmpfs x /tmp 2>/dev/null || echo refused; : > /done; exec sleep 1000",
    ]);
    container.mounts.push({ containerPath: "/v", hostPath: volume, readonly: false, propagation: "PRIVATE" });
    const id = await runtime.createContainer(own, container, config);
    await runtime.startContainer(id);
    const inside = await runtime.execSync(
      id,
      ["sh", "-c", "id -u; readlink /proc/self/ns/user; while ! [ -e /done ]; do :; done"],
      10,
    );
    const [uid, namespace] = String(inside.stdout).split("\n");
    assert.equal(uid, "0");
    assert.notEqual(namespace, readlinkSync("/proc/self/ns/user"));
    const { pid } = await runtime.containerStatus(id);
    assert.match(readFileSync(`/proc/${pid}/status`, "utf8"), /^Uid:\t300000\t/m);
    await runtime.stopContainer(id, 0);
    const log = readFileSync((await runtime.containerStatus(id)).logPath, "utf8").replace(
      /^\S+ \S+ . /gm,
      "",
    );
    assert.match(log, /^ +0 +300000 +65536\n0\n0 \/bin\/busybox\n0 \/etc\/hosts\n0 \/dev\/null\n0 \/v\n/);
    assert.match(log, /\n0 \/dev\/stdout\n5\nrefused\n$/);
    assert.equal(statSync(join(volume, "made")).uid, 0, "a mapped volume knows no foreign numbers");
    await runtime.removePodSandbox(own);
  });
});
