import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { ContainerConfig, IdMapping, LinuxContainerResources, Mount } from "../cri/index.ts";
import { CriError } from "../cri/index.ts";
import {
  capabilitySets,
  defaultDevices,
  defaultMounts,
  defaultPath,
  defaultSeccomp,
  deviceRules,
  type Spec,
  type SpecDevice,
  type SpecLinux,
  type SpecMount,
  type SpecProcess,
  type SpecResources,
  type SpecSeccomp,
} from "../runtime/index.ts";
import type { ResolvedImage } from "./images/index.ts";
import type { ImageUser } from "./image-user.ts";
import {
  baseLayer,
  containerDirectory,
  namespacePin,
  type Places,
  type SandboxRecord,
  rootDirectory,
  sandboxDirectory,
  sandboxRunDirectory,
} from "./record.ts";

export interface SpecInputs {
  id: string;
  config: ContainerConfig;
  sandbox: SandboxRecord;
  image: Pick<ResolvedImage, "config" | "layers">;
  user: ImageUser;
  places: Places;
  cgroupsPath: string;
  resources: LinuxContainerResources;
  /** The target container, whose processes this one joins (namespace mode TARGET). */
  targetPid?: number;
  imageLayers?: ReadonlyMap<string, readonly string[]>;
}

/** Converts the CRI's configuration to an OCI runtime specification. */
export function containerSpec(inputs: SpecInputs): Spec {
  const { id, config, image, places } = inputs;
  const security = config.linux.securityContext;
  const directory = containerDirectory(places, id);
  const extra = devices(config);
  const process = containerProcess(inputs);
  const users = userNamespace(inputs);
  return {
    process,
    root: {
      path: rootDirectory(places),
      readonly: security.readonlyRootfs,
      overlay: {
        lower: [baseLayer(places), ...image.layers],
        upper: join(directory, "upper"),
        work: join(directory, "work"),
        volatile: true,
      },
    },
    mounts: mounts(inputs),
    linux: {
      namespaces: namespaces(inputs),
      ...users.mappings,
      devices: [...defaultDevices, ...extra].map((d) => ({
        ...d,
        uid: users.uid(d.uid),
        gid: users.gid(d.gid),
      })),
      cgroupsPath: inputs.cgroupsPath,
      resources: {
        ...specResources(inputs.resources),
        devices: security.privileged ? [{ allow: true, type: "a" }] : deviceRules(extra),
      },
      ...containerSeccomp(config, process.capabilities?.bounding ?? []),
      maskedPaths: security.privileged ? [] : security.maskedPaths,
      readonlyPaths: security.privileged ? [] : security.readonlyPaths,
    },
  };
}

function containerProcess({ config, image, user, sandbox, resources }: SpecInputs): SpecProcess {
  const defaults = image.config.config ?? {};
  const security = config.linux.securityContext;
  const command = config.command.length > 0 ? config.command : (defaults.Entrypoint ?? []);
  const args = config.args.length > 0 ? config.args : config.command.length > 0 ? [] : (defaults.Cmd ?? []);
  if (command.length + args.length === 0) throw new CriError("InvalidArgument", "no command specified");
  return {
    terminal: config.tty,
    stdin: config.stdin,
    user: { uid: user.uid, gid: user.gid, additionalGids: user.groups },
    args: [...command, ...args],
    env: environment(config, defaults.Env ?? [], user, sandbox),
    cwd: config.workingDir || defaults.WorkingDir || "/",
    capabilities: capabilitySets(user.uid, {
      all: security.privileged,
      add: security.capabilities.add,
      drop: security.capabilities.drop,
      ambient: security.capabilities.addAmbient ?? [],
    }),
    noNewPrivileges: security.noNewPrivs && !security.privileged,
    ...(resources.oomScoreAdj !== undefined && { oomScoreAdj: resources.oomScoreAdj }),
  };
}

/** Later ones have priority: defaults, the image's, the container's. */
function environment(
  config: ContainerConfig,
  image: readonly string[],
  user: ImageUser,
  sandbox: SandboxRecord,
): string[] {
  const env = new Map<string, string>([["PATH", defaultPath]]);
  if (sandbox.config.hostname) env.set("HOSTNAME", sandbox.config.hostname);
  if (config.tty) env.set("TERM", "xterm");
  for (const variable of image) {
    const at = variable.indexOf("=");
    env.set(at < 0 ? variable : variable.slice(0, at), at < 0 ? "" : variable.slice(at + 1));
  }
  for (const { key, value } of config.envs) env.set(key, value);
  if (!env.has("HOME")) env.set("HOME", user.home);
  return [...env].map(([key, value]) => `${key}=${value}`);
}

function namespaces({ config, sandbox, places, targetPid }: SpecInputs): SpecLinux["namespaces"] {
  const modes = config.linux.securityContext.namespaceOptions;
  const out: SpecLinux["namespaces"] = [{ type: "mount" }, { type: "cgroup" }];
  const join = (type: "user" | "network" | "ipc" | "uts", pin: "user" | "net" | "ipc" | "uts"): void => {
    if (sandbox.pinned.includes(pin)) out.push({ type, path: namespacePin(places, sandbox.id, pin) });
  };
  join("user", "user");
  join("network", "net");
  join("ipc", "ipc");
  join("uts", "uts");
  if (modes.pid === "POD" && sandbox.pinned.includes("pid")) {
    out.push({ type: "pid", path: namespacePin(places, sandbox.id, "pid") });
  } else if (modes.pid === "TARGET") {
    if (!targetPid)
      throw new CriError(
        "FailedPrecondition",
        `container ${modes.targetId ?? ""}, whose processes are to be joined, is not running`,
      );
    out.push({ type: "pid", path: `/proc/${targetPid}/ns/pid` });
  } else if (modes.pid !== "NODE") {
    out.push({ type: "pid" });
  }
  return out;
}

interface UserNamespace {
  mappings: Pick<SpecLinux, "uidMappings" | "gidMappings">;
  /** The host id of a container's user. */
  uid(id: number): number;
  gid(id: number): number;
  /** Options that map a mount's file owners into the user namespace. */
  mapped: string[];
}

/** The pod's user namespace, or the host's, without mapping. */
export function userNamespace({ sandbox }: Pick<SpecInputs, "sandbox">): UserNamespace {
  const users = sandbox.config.linux.securityContext.namespaceOptions.usernsOptions;
  if (!sandbox.pinned.includes("user") || !users)
    return { mappings: {}, uid: (id) => id, gid: (id) => id, mapped: [] };
  const oci = (ranges: readonly IdMapping[]) =>
    ranges.map((range) => ({ containerID: range.containerId, hostID: range.hostId, size: range.length }));
  const outside = (ranges: readonly IdMapping[]) => (id: number) => {
    const range = ranges.find((one) => id >= one.containerId && id < one.containerId + one.length);
    return range ? range.hostId + id - range.containerId : 65534;
  };
  return {
    mappings: { uidMappings: oci(users.uids), gidMappings: oci(users.gids) },
    uid: outside(users.uids),
    gid: outside(users.gids),
    mapped: ["ridmap"],
  };
}

/** The container's own file systems belong to its mapped root. */
function ownedByRoot(mount: SpecMount, users: UserNamespace): SpecMount {
  if (users.mapped.length === 0) return mount;
  if (mount.type === "tmpfs")
    return { ...mount, options: [...mount.options, `uid=${users.uid(0)}`, `gid=${users.gid(0)}`] };
  if (mount.type !== "devpts") return mount;
  return {
    ...mount,
    options: mount.options.map((option) =>
      option.replace(/^gid=(\d+)$/, (_, id) => `gid=${users.gid(Number(id))}`),
    ),
  };
}

function mounts(inputs: SpecInputs): SpecMount[] {
  const { config, sandbox, places } = inputs;
  const users = userNamespace(inputs);
  const own = new Set(config.mounts.map((mount) => clean(mount.containerPath)));
  const given = [...config.mounts].sort((a, b) => depth(a.containerPath) - depth(b.containerPath));
  const base = defaultMounts({ privileged: config.linux.securityContext.privileged }).filter(
    (mount) => !own.has(mount.destination),
  );
  const readonly = config.linux.securityContext.readonlyRootfs ? ["ro"] : [];
  const files = ["hostname", "hosts", "resolv.conf"]
    .filter((name) => !own.has(`/etc/${name}`))
    .map((name) =>
      bind(join(sandboxDirectory(places, sandbox.id), name), `/etc/${name}`, [...readonly, ...users.mapped]),
    );
  const shm = own.has("/dev/shm")
    ? []
    : sandbox.pinned.includes("ipc")
      ? [bind(join(sandboxRunDirectory(places, sandbox.id), "shm"), "/dev/shm", [])]
      : [bind("/dev/shm", "/dev/shm", [])];
  const fileSystems = base.map((mount) => ownedByRoot(mount, users));
  return [...fileSystems, ...shm, ...files, ...given.map((mount) => volume(mount, inputs, users.mapped))];
}

const clean = (path: string): string => path.replace(/\/+$/, "") || "/";
const depth = (path: string): number => clean(path).split("/").length;

function bind(source: string, destination: string, options: string[]): SpecMount {
  return { type: "bind", source, destination, options: ["rbind", ...options] };
}

const propagations = { PRIVATE: "rprivate", HOST_TO_CONTAINER: "rslave", BIDIRECTIONAL: "rshared" } as const;

function volume(mount: Mount, inputs: SpecInputs, mapped: readonly string[]): SpecMount {
  const access = [...(mount.readonly ? [mount.recursiveReadOnly ? "rro" : "ro"] : []), ...mapped];
  if (mount.image?.image) {
    const layers = inputs.imageLayers?.get(mount.image.image) ?? [];
    const [only] = layers;
    if (layers.length === 1 && only) {
      const below = mount.imageSubPath;
      return {
        type: "bind",
        source: only,
        destination: mount.containerPath,
        options: ["rbind", "rro", "rprivate", ...mapped],
        ...(below && { subPath: below }),
      };
    }
    if (mount.imageSubPath)
      throw new CriError(
        "Unimplemented",
        "subPath in a volume of an image with several layers is not supported",
      );
    const lower = layers.toReversed().map((layer) => `lowerdir+=${layer}`);
    return { type: "overlay", destination: mount.containerPath, options: ["ro", ...lower] };
  }
  return bind(mount.hostPath, mount.containerPath, [...access, propagations[mount.propagation]]);
}

/** The requested devices of the host; for a privileged container all of them. */
function devices(config: ContainerConfig): (SpecDevice & { access: string })[] {
  const out: (SpecDevice & { access: string })[] = [];
  const add = (hostPath: string, path: string, access: string): void => {
    const st = statSync(hostPath, { throwIfNoEntry: false });
    if (!st?.isCharacterDevice() && !st?.isBlockDevice()) {
      if (st?.isDirectory()) {
        for (const name of readdirSync(hostPath)) add(join(hostPath, name), join(path, name), access);
      } else {
        throw new CriError("InvalidArgument", `${hostPath} is not a device`);
      }
      return;
    }
    // Encoded as by makedev(3).
    const major = ((st.rdev >>> 8) & 0xfff) | (Math.floor(st.rdev / 2 ** 32) & ~0xfff);
    const minor = (st.rdev & 0xff) | ((st.rdev >>> 12) & 0xfff00);
    const type = st.isBlockDevice() ? "b" : "c";
    out.push({ path, type, major, minor, fileMode: st.mode & 0o777, uid: st.uid, gid: st.gid, access });
  };
  if (config.linux.securityContext.privileged) hostDevices("/dev", (path) => add(path, path, "rwm"));
  const present = new Set([...defaultDevices.map((d) => d.path), ...out.map((d) => d.path)]);
  for (const device of config.devices) {
    if (!present.has(device.containerPath))
      add(device.hostPath, device.containerPath, device.permissions || "rwm");
  }
  return out;
}

/** Devices created in the container. */
const ownDevices = new Set([
  "pts",
  "shm",
  "mqueue",
  "console",
  "ptmx",
  "fd",
  ...defaultDevices.map((d) => d.path.slice(5)),
]);

function hostDevices(directory: string, take: (path: string) => void): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (directory === "/dev" && ownDevices.has(entry.name)) continue;
    const path = join(directory, entry.name);
    if (entry.isDirectory()) hostDevices(path, take);
    else if (entry.isCharacterDevice() || entry.isBlockDevice()) take(path);
  }
}

export function specResources(r: LinuxContainerResources): SpecResources {
  return {
    cpu: {
      ...(r.cpuShares && { shares: r.cpuShares }),
      ...(r.cpuQuota && { quota: r.cpuQuota }),
      ...(r.cpuPeriod && { period: r.cpuPeriod }),
      ...(r.cpusetCpus && { cpus: r.cpusetCpus }),
      ...(r.cpusetMems && { mems: r.cpusetMems }),
    },
    memory: {
      ...(r.memoryLimitInBytes && { limit: r.memoryLimitInBytes }),
      ...(r.memorySwapLimitInBytes && { swap: r.memorySwapLimitInBytes }),
    },
    ...(r.pidsLimit && { pids: { limit: r.pidsLimit } }),
    ...(r.hugepageLimits?.length && { hugepageLimits: r.hugepageLimits }),
    ...(r.unified && { unified: r.unified }),
  };
}

/** One profile per set of capabilities, so that each is compiled once. */
const profiles = new Map<string, SpecSeccomp>();

function containerSeccomp(
  config: ContainerConfig,
  capabilities: readonly string[],
): { seccomp?: SpecSeccomp } {
  const { seccomp, privileged } = config.linux.securityContext;
  if (privileged || seccomp.type === "Unconfined") return {};
  if (seccomp.type === "Localhost") {
    try {
      return { seccomp: JSON.parse(readFileSync(seccomp.localhostRef ?? "", "utf8")) as SpecSeccomp };
    } catch (cause) {
      throw new CriError("InvalidArgument", `cannot load the seccomp profile ${seccomp.localhostRef ?? ""}`, {
        cause,
      });
    }
  }
  const key = capabilities.join();
  let profile = profiles.get(key);
  if (!profile) {
    profile = defaultSeccomp(capabilities);
    profiles.set(key, profile);
  }
  return { seccomp: profile };
}
