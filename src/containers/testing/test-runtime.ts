import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CniNetwork, ContainerConfig, PodSandboxConfig } from "../../cri/index.ts";
import { silentLogger, systemClock } from "../../machinery/index.ts";
import { defaultMaskedPaths, defaultReadonlyPaths } from "../../runtime/index.ts";
import type { ContainerRuntime, ContainerRuntimeOptions } from "../runtime-service.ts";

/** WHERRY_NATIVE names another build, e.g. one with sanitizers. */
export const binary =
  process.env["WHERRY_NATIVE"] ?? new URL("../../../dist/wherry-native", import.meta.url).pathname;

/** Why the tests with real containers cannot run here; false when they can. */
export function skipReason(): string | false {
  if (process.getuid?.() !== 0) return "needs root";
  if (!existsSync(binary)) return "needs native/build.sh to have run";
  return existsSync("/bin/busybox") ? false : "needs the Debian package busybox-static";
}

/** A root file system with busybox, some users and a link that leads out. */
export function makeRootfs(directory: string): void {
  for (const name of ["bin", "etc", "tmp", "proc"]) mkdirSync(join(directory, name), { recursive: true });
  copyFileSync("/bin/busybox", join(directory, "bin/busybox"));
  execFileSync("chroot", [directory, "/bin/busybox", "--install", "-s", "/bin"]);
  writeFileSync(
    join(directory, "etc/passwd"),
    "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/home/app:/bin/sh\n",
  );
  writeFileSync(join(directory, "etc/group"), "root:x:0:\napp:x:1000:\nextra:x:1500:app\n");
  symlinkSync("../../../..", join(directory, "trap"));
}

const noNetwork: CniNetwork = {
  add: async () => ({ ips: [], routes: [], interfaces: [] }),
  del: async () => undefined,
  check: async () => undefined,
  gc: async () => undefined,
  status: async () => ({ ready: true, reason: "", message: "" }),
};

/** A runtime below `directory`, whose only image `box` is the root file system at `<directory>/layer`. */
export function runtimeOptions(directory: string): ContainerRuntimeOptions {
  const config = {
    architecture: "amd64",
    os: "linux",
    config: { Env: ["FROM_IMAGE=1"], Cmd: ["sh"] },
    rootfs: { type: "layers" as const, diff_ids: [] },
  };
  const box = { id: "sha256:box", config, layers: [join(directory, "layer")] };
  return {
    stateDir: join(directory, "state"),
    runDir: join(directory, "run"),
    cgroupRoot: "/wherry-critest",
    native: binary,
    images: { resolve: async (reference) => (["box", box.id].includes(reference) ? box : undefined) },
    cni: noNetwork,
    clock: systemClock,
    log: silentLogger,
  };
}

export function sandboxConfig(directory: string, name: string): PodSandboxConfig {
  return {
    metadata: { name, uid: `${name}-uid`, namespace: "default", attempt: 0 },
    hostname: "web-0",
    logDirectory: join(directory, "logs", name),
    dnsConfig: { servers: ["10.96.0.10"], searches: ["default.svc.cluster.local"], options: ["ndots:5"] },
    portMappings: [],
    labels: { pod: name },
    annotations: {},
    linux: {
      cgroupParent: `kubepods/pod${name}`,
      sysctls: { "net.ipv4.ip_unprivileged_port_start": "0" },
      securityContext: {
        namespaceOptions: { network: "POD", pid: "CONTAINER", ipc: "POD" },
        supplementalGroups: [],
        privileged: false,
        seccomp: { type: "RuntimeDefault" },
        readonlyRootfs: false,
      },
    },
  };
}

export function containerConfig(name: string, command: string[]): ContainerConfig {
  return {
    metadata: { name, attempt: 0 },
    image: { image: "box", userSpecifiedImage: "box" },
    command,
    args: [],
    workingDir: "",
    envs: [],
    mounts: [],
    devices: [],
    labels: { container: name },
    annotations: {},
    logPath: `${name}/0.log`,
    stdin: false,
    stdinOnce: false,
    tty: false,
    linux: {
      resources: { cpuShares: 100, oomScoreAdj: 900 },
      securityContext: {
        capabilities: { add: [], drop: [] },
        privileged: false,
        namespaceOptions: { network: "POD", pid: "CONTAINER", ipc: "POD" },
        readonlyRootfs: false,
        supplementalGroups: [],
        noNewPrivs: false,
        maskedPaths: [...defaultMaskedPaths],
        readonlyPaths: [...defaultReadonlyPaths],
        seccomp: { type: "RuntimeDefault" },
      },
    },
  };
}

let started = 0;

/** Starts a shell script in a new container of a sandbox; returns the container's id. */
export async function startShell(
  runtime: ContainerRuntime,
  { sandbox, pod }: { sandbox: string; pod: PodSandboxConfig },
  script: string,
  change: (config: ContainerConfig) => void = () => undefined,
): Promise<string> {
  const config = containerConfig(`c${started++}`, ["sh", "-c", script]);
  change(config);
  const id = await runtime.createContainer(sandbox, config, pod);
  await runtime.startContainer(id);
  return id;
}

/** The cgroups of pods below a runtime's root, a line each. */
export const podCgroups = (root: string): string =>
  execFileSync("find", ["/sys/fs/cgroup", "-path", `*/${root}/*`, "-name", "pod*"]).toString();

/** Removes the groups that a runtime with this root made; they must be empty. */
export function removeCgroups(root: string): void {
  const found = ["/sys/fs/cgroup", "-depth", "-type", "d", "-path", `*/${root}*`];
  execFileSync("find", [...found, "-exec", "rmdir", "{}", ";"]);
}
