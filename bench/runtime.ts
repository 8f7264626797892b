/**
 * Containers compared with runc in the same run: running a program, starting sandbox and container, memory beside the
 * container. As root: `node bench/runtime.ts [rounds]`. Results are printed, never asserted.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  containerConfig,
  makeRootfs,
  runtimeOptions,
  sandboxConfig,
  skipReason,
} from "../src/containers/testing/test-runtime.ts";
import { createContainerRuntime } from "../src/containers/index.ts";
import { openNative } from "../src/linux/index.ts";
import { defaultSeccomp, runToCompletion } from "../src/runtime/index.ts";

const rounds = Number(process.argv[2] ?? 40);
const why = skipReason();
if (why) throw new Error(`the runtime's benchmark ${why}`);

const dir = mkdtempSync(join(tmpdir(), "wherry-bench-"));
const layer = join(dir, "layer");
const cgroupRoot = `/wherry-bench-${process.pid}`;
makeRootfs(layer);
for (const name of ["upper", "work"]) mkdirSync(join(dir, name));

interface Row {
  what: string;
  median: number;
  best: number;
  p95: number;
}
const rows: Row[] = [];

async function measure(what: string, once: () => Promise<void> | void): Promise<void> {
  const times: number[] = [];
  for (let i = 0; i < rounds + 3; i++) {
    const start = performance.now();
    await once();
    if (i >= 3) times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  const at = (part: number): number => times[Math.floor((times.length - 1) * part)] ?? Number.NaN;
  rows.push({ what, median: at(0.5), best: at(0), p95: at(0.95) });
}

function pss(pid: number): number {
  return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0);
}

/** The same container for runc: equal root, namespaces, cgroup and seccomp profile. */
function runcBundle(): string {
  const bundle = join(dir, "bundle");
  mkdirSync(bundle);
  execFileSync("runc", ["spec"], { cwd: bundle });
  const path = join(bundle, "config.json");
  const spec = JSON.parse(readFileSync(path, "utf8"));
  spec.process.args = ["/bin/true"];
  spec.process.terminal = false;
  spec.root = { path: layer, readonly: true };
  spec.linux.cgroupsPath = `${cgroupRoot}/runc`;
  const { syscalls } = defaultSeccomp(spec.process.capabilities.bounding);
  spec.linux.seccomp = { defaultAction: "SCMP_ACT_ERRNO", architectures: ["SCMP_ARCH_X86_64"], syscalls };
  writeFileSync(path, JSON.stringify(spec));
  return bundle;
}

try {
  const native = await openNative(join(import.meta.dirname, "../dist/wherry-native"), { runDir: dir });
  await measure("wherry: run /bin/true to its end", async () => {
    await runToCompletion({
      native,
      rootfs: { layers: [layer], upper: join(dir, "upper"), work: join(dir, "work") },
      args: ["/bin/true"],
      env: ["PATH=/bin"],
      cwd: "/",
      user: { uid: 0, gid: 0, groups: [] },
      network: "none",
      cgroupsPath: `${cgroupRoot}/run`,
      onOutput: () => undefined,
    });
  });
  await native.close();
  if (spawnSync("runc", ["--version"]).status === 0) {
    const bundle = runcBundle();
    await measure("runc: run /bin/true to its end", () => {
      execFileSync("runc", ["run", "wherry-bench"], { cwd: bundle, stdio: "ignore" });
    });
  }

  const runtime = await createContainerRuntime({ ...runtimeOptions(dir), cgroupRoot });
  const pod = sandboxConfig(dir, "bench");
  const made: string[] = [];
  await measure("wherry: pod sandbox (net, ipc, uts, cgroup)", async () => {
    made.push(await runtime.runPodSandbox(pod));
  });
  const [first = ""] = made;
  const containers: string[] = [];
  await measure("wherry: create and start a container in it", async () => {
    const id = await runtime.createContainer(first, containerConfig("sleeper", ["sleep", "1000"]), pod);
    await runtime.startContainer(id);
    containers.push(id);
  });
  const ready = containers[0] ?? "";
  await measure("wherry: execSync of true", async () => {
    await runtime.execSync(ready, ["true"], 10);
  });
  const monitors = execFileSync("pgrep", ["-f", `serve ${join(dir, "run")}/`])
    .toString()
    .trim()
    .split("\n")
    .map(Number);
  const total = monitors.reduce((sum, pid) => sum + pss(pid), 0);
  const perContainer = total / containers.length;
  await measure("wherry: stop and remove a container", async () => {
    await runtime.removeContainer(containers.pop() ?? "");
  });
  await measure("wherry: remove a pod sandbox", async () => {
    await runtime.removePodSandbox(made.pop() ?? "");
  });
  await Promise.all(made.map((id) => runtime.removePodSandbox(id)));
  await runtime.close();

  const width = Math.max(...rows.map((row) => row.what.length));
  const peer = rows.find((row) => row.what.startsWith("runc"));
  console.log(`${"".padEnd(width)}  median ms    best     p95   of runc run`);
  for (const row of rows) {
    const ratio = peer ? (row.median / peer.median).toFixed(2) : "";
    console.log(
      `${row.what.padEnd(width)}  ${row.median.toFixed(1).padStart(9)} ${row.best.toFixed(1).padStart(7)} ${row.p95.toFixed(1).padStart(7)} ${ratio.padStart(13)}`,
    );
  }
  console.log(
    `monitors and helper, PSS per container: ${perContainer.toFixed(0)} KiB (${monitors.length} processes, ${total} KiB)`,
  );
} finally {
  spawnSync("find", [
    "/sys/fs/cgroup",
    "-depth",
    "-type",
    "d",
    "-path",
    `*${cgroupRoot}*`,
    "-exec",
    "rmdir",
    "{}",
    ";",
  ]);
  rmSync(dir, { recursive: true, force: true });
}
