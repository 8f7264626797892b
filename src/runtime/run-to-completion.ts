import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Native } from "../linux/index.ts";
import {
  capabilitySets,
  defaultDevices,
  defaultMaskedPaths,
  defaultMounts,
  defaultReadonlyPaths,
  deviceRules,
  planContext,
} from "./defaults.ts";
import { makeBaseLayer } from "./base-layer.ts";
import { removeCgroup } from "./cgroup-files.ts";
import { MonitorConnection } from "./monitor-connection.ts";
import { planContainer } from "./plan.ts";
import { RuntimeError } from "./runtime-error.ts";
import { defaultSeccomp } from "./seccomp/default-profile.ts";
import type { Spec, SpecRoot } from "./spec.ts";

export interface CompletionOptions {
  native: Native;
  /** Layers (lowest first) below a writable directory, or a single directory. */
  rootfs: { layers: readonly string[]; upper: string; work: string } | { directory: string };
  args: readonly string[];
  env: readonly string[];
  cwd: string;
  user: { uid: number; gid: number; groups: readonly number[] };
  /** `host`: the machine's network, with its resolv.conf and hosts. */
  network: "host" | "none";
  hostname?: string;
  /** A cgroup for the run, below each controller's root; removed afterwards. */
  cgroupsPath?: string;
  onOutput: (stream: "stdout" | "stderr", chunk: Uint8Array) => void;
  /** Aborting kills the container; the promise then rejects with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * Runs a program in a container that ends with this call (or with wherry): for build steps. Resolves with its exit code when
 * everything is cleaned up; `upper` then holds its changes. RuntimeError when it could not be started.
 */
export async function runToCompletion(options: CompletionOptions): Promise<number> {
  options.signal?.throwIfAborted();
  const context = planContext();
  const scratch = await mkdtemp(join(tmpdir(), "wherry-run-"));
  const base = join(scratch, "base");
  await mkdir(join(scratch, "root"));
  const overlay = "layers" in options.rootfs ? options.rootfs : undefined;
  const root: SpecRoot = overlay
    ? {
        path: join(scratch, "root"),
        readonly: false,
        overlay: {
          lower: [makeBaseLayer(base), ...overlay.layers],
          upper: overlay.upper,
          work: overlay.work,
        },
      }
    : { path: "directory" in options.rootfs ? options.rootfs.directory : scratch, readonly: false };
  const spec = completionSpec(options, root);
  const connection = await MonitorConnection.open(options.native.launchSocket);
  const abort = (): void => connection.close(); // the monitor kills its container when the connection is lost
  try {
    connection.onOutput = (stream, data) => {
      options.onOutput(stream, data);
      return true;
    };
    options.signal?.addEventListener("abort", abort, { once: true });
    await connection.launch([["@attach"], ["@bound"], ...planContainer(spec, context)]);
    const exit = await connection.exited;
    options.signal?.throwIfAborted();
    if (!exit) throw new RuntimeError("gone", "the monitor of the build step ended before the step did");
    return exit.exitCode;
  } catch (error) {
    options.signal?.throwIfAborted();
    throw error;
  } finally {
    options.signal?.removeEventListener("abort", abort);
    connection.close();
    if (options.cgroupsPath) await removeCgroup(options.native, context.layout, options.cgroupsPath);
    await rm(scratch, { recursive: true, force: true });
  }
}

function completionSpec(options: CompletionOptions, root: SpecRoot): Spec {
  const { uid, gid, groups } = options.user;
  // Device nodes are only safe where a cgroup restricts them.
  const capabilities = capabilitySets(uid, options.cgroupsPath ? {} : { drop: ["CAP_MKNOD"] });
  const host = options.network === "host";
  const files = host ? ["/etc/resolv.conf", "/etc/hosts"] : [];
  return {
    root,
    ...(options.hostname && { hostname: options.hostname }),
    process: {
      terminal: false,
      user: { uid, gid, additionalGids: [...groups] },
      args: [...options.args],
      env: [...options.env],
      cwd: options.cwd,
      capabilities,
      noNewPrivileges: false,
    },
    mounts: [
      ...defaultMounts().filter((mount) => options.cgroupsPath || mount.type !== "cgroup"),
      {
        destination: "/dev/shm",
        type: "tmpfs",
        options: ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
      },
      ...files.map((path) => ({ destination: path, type: "bind", source: path, options: ["bind", "ro"] })),
    ],
    linux: {
      namespaces: [
        { type: "mount" },
        { type: "pid" },
        { type: "ipc" },
        { type: "uts" },
        { type: "cgroup" },
        ...(host ? [] : [{ type: "network" as const }]),
      ],
      devices: [...defaultDevices],
      cgroupsPath: options.cgroupsPath ?? "",
      resources: { devices: deviceRules() },
      seccomp: defaultSeccomp(capabilities.bounding),
      maskedPaths: [...defaultMaskedPaths],
      readonlyPaths: [...defaultReadonlyPaths],
    },
  };
}
