import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  type CniNetwork,
  CriError,
  type IdMapping,
  type LinuxContainerResources,
  type PodSandboxConfig,
} from "../cri/index.ts";
import type { Native } from "../linux/index.ts";
import type { Clock, Logger } from "../machinery/index.ts";
import {
  ensureCgroup,
  MonitorConnection,
  type PlanContext,
  planPause,
  removeCgroup,
  updateCgroup,
  warmCgroups,
} from "../runtime/index.ts";
import { specResources } from "./container-spec.ts";
import {
  monitorSocket,
  namespacePin,
  type Places,
  podCgroup,
  type SandboxRecord,
  sandboxDirectory,
  sandboxRunDirectory,
} from "./record.ts";
import { readState, stateDirectories, stateFile, writeState } from "./state-file.ts";

export interface SandboxDependencies {
  native: Native;
  cni: CniNetwork;
  places: Places;
  context: PlanContext;
  clock: Clock;
  log: Logger;
}

const interfaceName = "eth0";

/** Pod sandboxes: pinned namespaces without a process; network; resources shared by the containers. */
export class Sandboxes {
  readonly #d: SandboxDependencies;
  readonly #records = new Map<string, SandboxRecord>();
  /** Connections to the first processes of shared process namespaces. */
  readonly #pauses = new Map<string, MonitorConnection>();

  constructor(dependencies: SandboxDependencies) {
    this.#d = dependencies;
  }

  /** Adopts existing sandboxes and removes incomplete ones. */
  async adopt(): Promise<void> {
    const { places, log } = this.#d;
    const known = new Set<string>();
    for (const id of stateDirectories(join(places.stateDir, "sandboxes"))) {
      const record = readState<SandboxRecord>(stateFile(sandboxDirectory(places, id)));
      if (!record) {
        await this.#discard(id);
        continue;
      }
      known.add(id.slice(0, 24));
      this.#records.set(id, record);
      if (record.ready && !(await this.#alive(record))) {
        log.info("a sandbox did not survive", { sandbox: id });
        await this.stop(id);
      }
    }
    for (const name of stateDirectories(join(places.runDir, "s")))
      if (!known.has(name)) await this.#clearRunDirectory(join(places.runDir, "s", name));
    await this.#d.cni
      .gc([...this.#records.keys()])
      .catch((error) => log.warn("network clean-up failed", { error }));
  }

  /** Pinned namespaces and the pause process are gone after a reboot. */
  async #alive(record: SandboxRecord): Promise<boolean> {
    const mounts = readFileSync("/proc/self/mountinfo", "utf8");
    if (!record.pinned.every((type) => mounts.includes(` ${namespacePin(this.#d.places, record.id, type)} `)))
      return false;
    if (!record.pinned.includes("pid")) return true;
    const connection = await MonitorConnection.open(monitorSocket(this.#d.places, record.id)).catch(
      () => undefined,
    );
    if (!connection) return false;
    await connection.watch();
    this.#keepPause(record.id, connection);
    return true;
  }

  get(id: string): SandboxRecord | undefined {
    return this.#records.get(id);
  }

  /** NotFound with the usual message. */
  need(id: string): SandboxRecord {
    const record = this.#records.get(id);
    if (!record) throw new CriError("NotFound", `could not find sandbox ${JSON.stringify(id)}`);
    return record;
  }

  all(): SandboxRecord[] {
    return [...this.#records.values()];
  }

  async run(config: PodSandboxConfig, runtimeHandler: string): Promise<SandboxRecord> {
    const { places, clock } = this.#d;
    const modes = config.linux.securityContext.namespaceOptions;
    if (modes.usernsOptions?.mode === "POD" && !rootOf(modes.usernsOptions.uids)) {
      throw new CriError("InvalidArgument", "the pod's user namespace maps no root");
    }
    const id = randomBytes(32).toString("hex");
    const pinned: SandboxRecord["pinned"] = [];
    // First: it owns the others.
    if (modes.usernsOptions?.mode === "POD") pinned.push("user");
    if (modes.network !== "NODE") pinned.push("net", "uts");
    if (modes.ipc !== "NODE") pinned.push("ipc");
    if (modes.pid === "POD") pinned.push("pid");
    const record: SandboxRecord = {
      id,
      config,
      runtimeHandler,
      createdAt: BigInt(clock.now()) * 1_000_000n,
      ready: true,
      ips: [],
      pinned,
    };
    try {
      await this.#make(record);
    } catch (error) {
      await this.#unmake(record).catch((cause) =>
        this.#d.log.warn("half a sandbox remains", { sandbox: id, error: cause }),
      );
      await rm(sandboxDirectory(places, id), { recursive: true, force: true });
      await this.#removeCgroup(record);
      throw error;
    }
    this.#records.set(id, record);
    return record;
  }

  async updateResources(id: string, resources: LinuxContainerResources): Promise<void> {
    const { native, places, context } = this.#d;
    const record = this.need(id);
    const { linux } = record.config;
    if (record.ready) {
      await updateCgroup(native, context.layout, podCgroup(places, record), specResources(resources));
    }
    linux.resources = { ...linux.resources, ...resources };
    writeState(stateFile(sandboxDirectory(places, id)), record);
  }

  async #make(record: SandboxRecord): Promise<void> {
    const { native, places, context } = this.#d;
    const { id, config, pinned } = record;
    const directory = sandboxDirectory(places, id);
    const run = sandboxRunDirectory(places, id);
    // Its containers start next.
    warmCgroups(native, context.layout).catch((error) => this.#d.log.warn("cgroups stay slow", { error }));
    mkdirSync(directory, { recursive: true, mode: 0o711 });
    if (config.logDirectory) mkdirSync(config.logDirectory, { recursive: true, mode: 0o755 });
    mkdirSync(join(run, "shm"), { recursive: true, mode: 0o711 });
    writeFiles(directory, config);
    const types = pinned.filter((type) => type !== "pid");
    const cgroup = ensureCgroup(
      native,
      context.layout,
      podCgroup(places, record),
      specResources(config.linux.resources ?? {}),
    );
    const users = config.linux.securityContext.namespaceOptions.usernsOptions;
    // Sysctls are set with the host's privileges, outside the pod's user namespace.
    const pins = types.filter((type) => type !== "user").map((type) => namespacePin(places, id, type));
    await Promise.all([
      cgroup,
      native.createNamespaces(run, types, {
        ...(pinned.includes("uts") && { hostname: config.hostname }),
        ...(users?.mode === "POD" && { uids: users.uids, gids: users.gids }),
      }),
      pinned.includes("ipc") &&
        native.mount({
          source: "shm",
          target: join(run, "shm"),
          type: "tmpfs",
          flags: ["nosuid", "nodev", "noexec"],
          data: "mode=1777,size=65536k",
        }),
    ]);
    for (const [key, value] of Object.entries(config.linux.sysctls)) await native.setSysctl(key, value, pins);
    if (pinned.includes("pid")) await this.#startPause(record);
    if (pinned.includes("net")) {
      const result = await this.#d.cni.add(this.#attachment(record));
      record.ips = result.ips.map((ip) => ip.address.replace(/\/\d+$/, ""));
      this.#writeHosts(record);
    }
    writeState(stateFile(directory), record);
  }

  #attachment(record: SandboxRecord) {
    const { metadata, portMappings } = record.config;
    return {
      containerId: record.id,
      netns: namespacePin(this.#d.places, record.id, "net"),
      ifName: interfaceName,
      args: { podNamespace: metadata.namespace, podName: metadata.name, podUid: metadata.uid },
      portMappings,
    };
  }

  #writeHosts(record: SandboxRecord): void {
    const names = record.ips.map((ip) => `${ip}\t${record.config.hostname}\n`).join("");
    const text = `127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n${names}`;
    writeFileSync(join(sandboxDirectory(this.#d.places, record.id), "hosts"), text);
  }

  async #startPause(record: SandboxRecord): Promise<void> {
    const { native, places, context } = this.#d;
    const connection = await MonitorConnection.open(native.launchSocket);
    this.#keepPause(record.id, connection);
    const pin = namespacePin(places, record.id, "pid");
    const plan = planPause(
      join(sandboxRunDirectory(places, record.id)),
      `${podCgroup(places, record)}/pause`,
      context,
      [],
    );
    const { pid } = await connection.launch([["@monitor", monitorSocket(places, record.id), ""], ...plan]);
    writeFileSync(pin, "");
    await native.mount({ source: `/proc/${pid}/ns/pid`, target: pin, flags: ["bind"] });
  }

  #keepPause(id: string, connection: MonitorConnection): void {
    connection.unref();
    this.#pauses.set(id, connection);
  }

  /** Containers must have ended. Idempotent. */
  async stop(id: string): Promise<void> {
    const record = this.#records.get(id);
    if (!record) return;
    await this.#unmake(record);
    if (!record.ready) return;
    record.ready = false;
    writeState(stateFile(sandboxDirectory(this.#d.places, id)), record);
  }

  async #unmake(record: SandboxRecord): Promise<void> {
    const { places } = this.#d;
    const pause = this.#pauses.get(record.id);
    if (pause) {
      pause.ref();
      await pause.signal(9).catch(() => undefined);
      await pause.exited;
      pause.close();
      this.#pauses.delete(record.id);
    }
    if (record.pinned.includes("net")) await this.#d.cni.del(this.#attachment(record));
    await this.#clearRunDirectory(sandboxRunDirectory(places, record.id));
  }

  async #clearRunDirectory(run: string): Promise<void> {
    const { native } = this.#d;
    await native.umount(join(run, "shm"), { detach: true });
    for (const name of await readdir(run).catch(() => [])) {
      if (name !== "shm") await native.deleteNamespace(join(run, name));
    }
    await rm(run, { recursive: true, force: true });
  }

  /** For a sandbox that was incomplete when wherry ended. */
  async #discard(id: string): Promise<void> {
    const { places, cni } = this.#d;
    const netns = namespacePin(places, id, "net");
    const args = { podNamespace: "", podName: "", podUid: "" };
    await cni
      .del({ containerId: id, netns, ifName: interfaceName, args, portMappings: [] })
      .catch(() => undefined);
    await this.#clearRunDirectory(sandboxRunDirectory(places, id));
    await rm(sandboxDirectory(places, id), { recursive: true, force: true });
  }

  async remove(id: string): Promise<void> {
    const record = this.#records.get(id);
    if (!record) return;
    await this.stop(id);
    const { places } = this.#d;
    this.#records.delete(id);
    await rm(sandboxDirectory(places, id), { recursive: true, force: true });
    await this.#removeCgroup(record);
  }

  /** Sandboxes of a pod share its cgroup, which is removed with the last. */
  async #removeCgroup(record: SandboxRecord): Promise<void> {
    const { native, places, context, log } = this.#d;
    const cgroup = podCgroup(places, record);
    if (this.all().some((other) => podCgroup(places, other) === cgroup)) return;
    await removeCgroup(native, context.layout, cgroup).catch((error) =>
      log.warn("a cgroup remains", { cgroup, error }),
    );
  }

  /** Disconnects; everything keeps running. */
  close(): void {
    for (const connection of this.#pauses.values()) connection.close();
  }
}

function writeFiles(directory: string, config: PodSandboxConfig): void {
  const { servers, searches, options } = config.dnsConfig;
  const lines = [
    ...(searches.length > 0 ? [`search ${searches.join(" ")}`] : []),
    ...servers.map((server) => `nameserver ${server}`),
    ...(options.length > 0 ? [`options ${options.join(" ")}`] : []),
  ];
  const host = config.linux.securityContext.namespaceOptions.network === "NODE";
  const text = lines.length > 0 ? `${lines.join("\n")}\n` : readOr("/etc/resolv.conf", "");
  writeFileSync(join(directory, "resolv.conf"), text);
  writeFileSync(
    join(directory, "hostname"),
    host ? readOr("/etc/hostname", `${config.hostname}\n`) : `${config.hostname}\n`,
  );
  writeFileSync(join(directory, "hosts"), host ? readOr("/etc/hosts", "") : "127.0.0.1\tlocalhost\n");
}

const rootOf = (ranges: readonly IdMapping[]): IdMapping | undefined =>
  ranges.find((range) => range.containerId === 0);

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return otherwise;
  }
}
