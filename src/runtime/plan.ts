import { basename } from "node:path";
import type { CgroupLayout, Field } from "../linux/index.ts";
import { capabilityMask } from "./capabilities.ts";
import { cgroupDirectories, planCgroup } from "./cgroups.ts";
import { deviceFilter } from "./device-filter.ts";
import { mountOptions } from "./mounts.ts";
import { type Architecture, compileSeccomp } from "./seccomp/compile.ts";
import type { Spec, SpecLinux, SpecMount, SpecNamespaceType, SpecProcess, SpecSeccomp } from "./spec.ts";

/** Steps of the native helper, in order: a name and its arguments. Those with @ are for the monitor. */
export type Plan = (readonly Field[])[];

export interface PlanContext {
  layout: CgroupLayout;
  architecture: Architecture;
}

/** Clone flags, clone(2). */
const namespaceFlags: Record<SpecNamespaceType, number> = {
  mount: 0x00020000,
  cgroup: 0x02000000,
  uts: 0x04000000,
  ipc: 0x08000000,
  user: 0x10000000,
  pid: 0x20000000,
  network: 0x40000000,
};
const nativeNames: Record<SpecNamespaceType, string> = {
  mount: "mnt",
  cgroup: "cgroup",
  uts: "uts",
  ipc: "ipc",
  user: "user",
  pid: "pid",
  network: "net",
};
const msRecursive = 0x4000;
const propagation = { private: 1 << 18, slave: 1 << 19, shared: 1 << 20 };

/** All steps from cgroup to program for a container's first process. Pure. */
export function planContainer(spec: Spec, context: PlanContext): Plan {
  const { linux, process } = spec;
  const cgroup = linux.cgroupsPath
    ? planCgroup(context.layout, linux.cgroupsPath, linux.resources)
    : undefined;
  const plan: Plan = [];
  for (const step of cgroup?.steps ?? []) {
    plan.push(
      "mkdir" in step ? ["@mkdir", step.mkdir] : ["@write", step.path, step.value, step.tolerate ?? false],
    );
  }
  if (context.layout.mode === "v2" && linux.cgroupsPath) {
    const filter = deviceFilter(linux.resources.devices ?? []);
    const directory = cgroupDirectories(context.layout, linux.cgroupsPath)["unified"];
    if (filter && linux.resources.devices && directory) plan.push(["@device-filter", directory, filter]);
  }
  for (const procs of cgroup?.procs ?? []) plan.push(["@cgroup", procs]);
  if (cgroup?.oomFile) plan.push(["@oom", cgroup.oomFile]);
  if (cgroup?.procs[0]) plan.push(["@procs", cgroup.procs[0]]);
  if (process.oomScoreAdj !== undefined) plan.push(["@oom-score", process.oomScoreAdj]);
  plan.push(
    ...stdio(process),
    ...namespaces(spec),
    ...rootfs(spec, context),
    ...processSteps(process, linux, context, true),
  );
  return plan;
}

function stdio(process: SpecProcess): Plan {
  return [["@stdio", process.terminal ? "terminal" : "pipe", process.stdin ?? false]];
}

function namespaces(spec: Spec): Plan {
  const steps: Plan = [];
  let flags = namespaceFlags.mount;
  let ownUts = false;
  for (const { type, path } of spec.linux.namespaces) {
    // The user namespace is entered last, by userNamespace: until then the host's privileges are needed.
    if (type === "mount" || type === "user") continue;
    if (type === "pid" && path) steps.push(["@pid-namespace", path]);
    else if (type === "cgroup" && !path)
      continue; // see processSteps
    else if (path) steps.push(["join", nativeNames[type], path]);
    else {
      flags |= namespaceFlags[type];
      ownUts ||= type === "uts";
    }
  }
  if (ownUts && spec.hostname) steps.push(["hostname", spec.hostname]);
  return [["@clone", flags], ...userMap(spec.linux), ...steps];
}

/** Only an existing one; it owns the namespaces that the container joins. */
function userMap(linux: Pick<SpecLinux, "namespaces">): Plan {
  const user = linux.namespaces.find(({ type }) => type === "user");
  if (!user) return [];
  if (!user.path) throw new RangeError("a user namespace has to exist before what it owns: it needs a path");
  return [["user-map", user.path]];
}

/** The host ids of its root. */
function userNamespace(linux: SpecLinux): Plan {
  if (!linux.namespaces.some(({ type }) => type === "user")) return [];
  const root = linux.uidMappings?.find((range) => range.containerID === 0);
  if (!root) throw new RangeError("the user namespace maps no root");
  return [["user-namespace", root.hostID]];
}

function rootfs(spec: Spec, context: PlanContext): Plan {
  const { root, linux, process } = spec;
  const shared = spec.mounts.filter((mount) => mountOptions(mount).propagation === propagation.shared);
  // Trees with shared propagation are cloned before the others are made private.
  const steps: Plan = shared.map((mount) => ["tree", mount.source ?? "", mountOptions(mount).recursive]);
  steps.push(["propagation", msRecursive | propagation.slave]);
  const overlay = root.overlay;
  if (overlay) {
    steps.push([
      "root-overlay",
      root.path,
      overlay.upper,
      overlay.work,
      overlay.volatile ?? false,
      ...overlay.lower,
    ]);
  } else {
    steps.push(["root-bind", root.path, root.path]);
  }
  for (const mount of spec.mounts)
    steps.push(...mountSteps(mount, shared.indexOf(mount), linux.cgroupsPath, context));
  for (const d of linux.devices)
    steps.push(["node", d.path, d.type, d.fileMode, d.major, d.minor, d.uid, d.gid]);
  if (spec.mounts.some((mount) => mount.destination === "/dev" && mount.type === "tmpfs")) {
    steps.push(
      ["link", "/dev/fd", "/proc/self/fd"],
      ["link", "/dev/stdin", "/proc/self/fd/0"],
      ["link", "/dev/stdout", "/proc/self/fd/1"],
      ["link", "/dev/stderr", "/proc/self/fd/2"],
      ["link", "/dev/core", "/proc/kcore"],
      ["link", "/dev/ptmx", "pts/ptmx"],
    );
  }
  if (process.terminal) steps.push(console(process, true));
  if (linux.readonlyPaths.length > 0) steps.push(["readonly", ...linux.readonlyPaths]);
  if (linux.maskedPaths.length > 0) steps.push(["mask", ...linux.maskedPaths]);
  steps.push(["directory", process.cwd, 0]);
  if (root.readonly) steps.push(["root-attributes", 1]);
  steps.push(["pivot"]);
  return steps;
}

function console(process: SpecProcess, bind: boolean): readonly Field[] {
  return ["console", bind, process.consoleSize?.height ?? 0, process.consoleSize?.width ?? 0];
}

function mountSteps(mount: SpecMount, tree: number, cgroupsPath: string, context: PlanContext): Plan {
  const options = mountOptions(mount);
  if (mount.type === "cgroup") return cgroupMount(mount, cgroupsPath, context);
  if (!options.bind) {
    // Symbolic links of an image at these paths would redirect the runtime's own mounts.
    const follow = !["/proc", "/sys", "/dev"].includes(mount.destination);
    return [["fs", mount.type, mount.destination, options.attributes, follow, ...options.data.flat()]];
  }
  const source = tree >= 0 ? `#${tree}` : (mount.source ?? "");
  return [
    [
      "bind",
      source,
      mount.destination,
      options.recursive,
      options.attributes,
      options.all,
      tree >= 0 ? 0 : options.propagation || propagation.private,
      mount.subPath ?? "",
      options.mapped,
    ],
  ];
}

/** The container's own part of each hierarchy, read-only by default. */
function cgroupMount(mount: SpecMount, cgroupsPath: string, context: PlanContext): Plan {
  const { layout } = context;
  const { attributes } = mountOptions(mount);
  // Bound, not mounted again: a new mount would show the root of the current cgroup namespace, which is the host's.
  if (layout.mode === "v2") {
    const directory = cgroupDirectories(layout, cgroupsPath)["unified"] ?? "";
    return [["bind", directory, mount.destination, false, attributes, false, propagation.private, ""]];
  }
  const steps: Plan = [
    ["fs", "tmpfs", mount.destination, attributes & ~1n, true, "mode", "755", "size", "64k"],
  ];
  const done = new Set<string>();
  for (const [controller, directory] of Object.entries(cgroupDirectories(layout, cgroupsPath))) {
    const mounted = basename(layout.v1[controller] ?? controller);
    if (!done.has(mounted)) {
      steps.push([
        "bind",
        directory,
        `${mount.destination}/${mounted}`,
        false,
        attributes,
        false,
        propagation.private,
        "",
      ]);
    }
    done.add(mounted);
    if (mounted !== controller) steps.push(["link", `${mount.destination}/${controller}`, mounted]);
  }
  return steps;
}

/** RLIMIT_*, equal on all supported architectures. */
const rlimits = [
  "CPU",
  "FSIZE",
  "DATA",
  "STACK",
  "CORE",
  "RSS",
  "NPROC",
  "NOFILE",
  "MEMLOCK",
  "AS",
  "LOCKS",
  "SIGPENDING",
  "MSGQUEUE",
  "NICE",
  "RTPRIO",
  "RTTIME",
]; // prettier-ignore

function processSteps(process: SpecProcess, linux: SpecLinux, context: PlanContext, isNew: boolean): Plan {
  const { seccomp } = linux;
  const steps: Plan = [];
  if (linux.cgroupsPath) steps.push(["placed"]);
  // A new one is rooted at the process' cgroup, so it must have joined it by then.
  if (isNew && linux.namespaces.some(({ type, path }) => type === "cgroup" && !path)) {
    steps.push(["unshare", namespaceFlags.cgroup]);
  }
  steps.push(["session"]);
  for (const limit of process.rlimits ?? []) {
    const number = rlimits.indexOf(limit.type.replace(/^RLIMIT_/, ""));
    if (number < 0) throw new RangeError(`there is no limit ${limit.type}`);
    steps.push(["rlimit", number, limit.soft, limit.hard]);
  }
  steps.push(["cwd", process.cwd, false], ["umask", process.user.umask ?? 0o022], ...userNamespace(linux));
  const filter: Plan = seccomp ? [["seccomp", compiled(seccomp, context.architecture), 0]] : [];
  const caps = process.capabilities;
  if (caps) steps.push(["bounding", capabilityMask(caps.bounding)]);
  // Without no_new_privs only a privileged process may load a filter.
  if (!process.noNewPrivileges) steps.push(...filter);
  const { uid, gid, additionalGids } = process.user;
  steps.push(["user", uid, gid, ...additionalGids]);
  if (caps) {
    const { effective, permitted, inheritable, ambient } = caps;
    steps.push(["capabilities", ...[effective, permitted, inheritable, ambient].map(capabilityMask)]);
  }
  if (process.noNewPrivileges) steps.push(["no-new-privileges"], ...filter);
  steps.push(["argv", ...process.args], ["env", ...process.env], ["exec"]);
  return steps;
}

const compiledProfiles = new WeakMap<SpecSeccomp, Buffer>();

function compiled(profile: SpecSeccomp, architecture: Architecture): Buffer {
  let program = compiledProfiles.get(profile);
  if (!program) {
    program = compileSeccomp(profile, architecture);
    compiledProfiles.set(profile, program);
  }
  return program;
}

/** A further process in a running container: in its namespaces and cgroup. Pure. */
export function planExec(process: SpecProcess, linux: SpecLinux, context: PlanContext): Plan {
  const { cgroupsPath } = linux;
  const { mount, network, ipc, uts, cgroup } = namespaceFlags;
  const plan: Plan = [...stdio(process)];
  if (cgroupsPath)
    for (const procs of planCgroup(context.layout, cgroupsPath, {}).procs) plan.push(["@cgroup", procs]);
  if (process.oomScoreAdj !== undefined) plan.push(["@oom-score", process.oomScoreAdj]);
  plan.push(...userMap(linux), ["enter", mount | network | ipc | uts | cgroup]);
  if (process.terminal) plan.push(console(process, false));
  plan.push(...processSteps(process, linux, context, false));
  return plan;
}

/** First process of a shared process namespace: with an empty read-only root, without capabilities and streams. */
export function planPause(
  where: string,
  cgroupsPath: string,
  context: PlanContext,
  join: readonly [string, string][],
): Plan {
  const cgroup = cgroupsPath ? planCgroup(context.layout, cgroupsPath, {}) : undefined;
  const plan: Plan = [];
  for (const step of cgroup?.steps ?? []) {
    plan.push(
      "mkdir" in step ? ["@mkdir", step.mkdir] : ["@write", step.path, step.value, step.tolerate ?? false],
    );
  }
  for (const procs of cgroup?.procs ?? []) plan.push(["@cgroup", procs]);
  plan.push(
    ["@oom-score", -998],
    ["@stdio", "null", false],
    ["@clone", namespaceFlags.mount | namespaceFlags.pid],
  );
  for (const [type, path] of join) plan.push(["join", type, path]);
  plan.push(
    ["propagation", msRecursive | propagation.slave],
    ["root-tmpfs", where, "size", "4k", "mode", "755"],
    ["root-attributes", 1],
    ["pivot"],
    ...(cgroup ? [["placed"]] : []),
    ["session"],
    ["bounding", 0],
    ["user", 65535, 65535],
    ["capabilities", 0, 0, 0, 0],
    ["no-new-privileges"],
    ["pause"],
  );
  return plan;
}
