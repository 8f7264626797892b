import { randomBytes } from "node:crypto";
import { chownSync, existsSync, mkdirSync, statSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, isAbsolute, join, resolve } from "node:path";
import {
  type ContainerConfig,
  type ContainerState,
  CriError,
  type LinuxContainerResources,
  type PodSandboxConfig,
} from "../cri/index.ts";
import type { Native } from "../linux/index.ts";
import type { Clock, Logger } from "../machinery/index.ts";
import {
  type Exit,
  MonitorConnection,
  type Plan,
  type PlanContext,
  planContainer,
  removeCgroup,
  RuntimeError,
  updateCgroup,
  warmCgroups,
} from "../runtime/index.ts";
import { containerSpec, specResources, userNamespace } from "./container-spec.ts";
import type { EventFeed } from "./event-feed.ts";
import { readExit } from "./exit-file.ts";
import { type ImageUser, resolveUser } from "./image-user.ts";
import type { ImageStore, ResolvedImage } from "./images/index.ts";
import {
  containerDirectory,
  type ContainerExit,
  type ContainerRecord,
  monitorSocket,
  type Places,
  podCgroup,
  type SandboxRecord,
} from "./record.ts";
import type { Sandboxes } from "./sandboxes.ts";
import { signalNumber } from "./signals.ts";
import { readState, stateDirectories, stateFile, writeState } from "./state-file.ts";

export interface ContainerDependencies {
  native: Native;
  images: Pick<ImageStore, "resolve">;
  sandboxes: Sandboxes;
  places: Places;
  context: PlanContext;
  clock: Clock;
  log: Logger;
  events: EventFeed;
}

/** A container: its state on disk, and the connection to its monitor while it runs. */
interface Entry {
  record: ContainerRecord;
  monitor?: MonitorConnection;
  /** Resolves when a running container has ended and that is recorded. */
  ended?: Promise<void>;
  starting?: boolean;
}

/** Exit code of a container that could not be started or whose end was lost, as in containerd. */
const startErrorCode = 128;
const unknownCode = 255;
const fileLimit = 1 << 20;

export class Containers {
  readonly #d: ContainerDependencies;
  readonly #entries = new Map<string, Entry>();
  readonly #accountFiles = new Map<string, Promise<[string, string]>>();

  constructor(dependencies: ContainerDependencies) {
    this.#d = dependencies;
  }

  /** Adopts running containers, and records how others ended meanwhile. */
  async adopt(): Promise<void> {
    const { places } = this.#d;
    mkdirSync(join(places.runDir, "m"), { recursive: true, mode: 0o700 });
    const left: string[] = [];
    await Promise.all(
      stateDirectories(join(places.stateDir, "containers")).map(async (id) => {
        const directory = containerDirectory(places, id);
        const record = readState<ContainerRecord>(stateFile(directory));
        if (!record || record.removing || !this.#d.sandboxes.get(record.sandboxId)) {
          left.push(id);
          return;
        }
        const entry: Entry = { record };
        this.#entries.set(id, entry);
        if (!record.exit) await this.#adoptProcess(entry);
      }),
    );
    for (const id of left) {
      const directory = containerDirectory(places, id);
      const record = readState<ContainerRecord>(stateFile(directory));
      const monitor = await MonitorConnection.open(monitorSocket(places, id)).catch(() => undefined);
      await monitor?.signal(9, true).catch(() => undefined);
      await monitor?.exited;
      if (record) await this.#removeFiles(record);
      else await rm(directory, { recursive: true, force: true });
    }
  }

  async #adoptProcess(entry: Entry): Promise<void> {
    const { record } = entry;
    const { places } = this.#d;
    const exitFile = join(containerDirectory(places, record.id), "exit.json");
    const monitor = await MonitorConnection.open(monitorSocket(places, record.id)).catch(() => undefined);
    const running = await monitor?.watch().catch(() => undefined);
    if (monitor && running) {
      // Wherry may have crashed between the start and its record.
      record.started = running;
      this.#save(record);
      this.#follow(entry, monitor);
      return;
    }
    const exit = readExit(exitFile);
    if (exit) {
      record.started ??= { pid: 0, startedAt: exit.startedAt };
      this.#recordExit(record, exitOf(exit));
    } else if (record.started) {
      this.#recordExit(record, this.#unknownExit());
    }
  }

  #unknownExit(): ContainerExit {
    const finishedAt = BigInt(this.#d.clock.now()) * 1_000_000n;
    return { exitCode: unknownCode, finishedAt, reason: "Unknown", message: "its end was not seen" };
  }

  async create(
    sandboxId: string,
    config: ContainerConfig,
    _sandboxConfig: PodSandboxConfig,
  ): Promise<string> {
    const { places, sandboxes, images, clock } = this.#d;
    const sandbox = sandboxes.need(sandboxId);
    if (!sandbox.ready) throw new CriError("FailedPrecondition", `sandbox ${sandboxId} is not ready`);
    warmCgroups(this.#d.native, this.#d.context.layout).catch((error) =>
      this.#d.log.warn("cgroups stay slow", { error }),
    );
    const image = await images.resolve(config.image.image);
    if (!image) throw new CriError("NotFound", `image ${JSON.stringify(config.image.image)} is not present`);
    const id = randomBytes(32).toString("hex");
    const user = await this.#user(config, image);
    const record: ContainerRecord = {
      id,
      sandboxId,
      config,
      imageId: image.id,
      createdAt: BigInt(clock.now()) * 1_000_000n,
      cgroupsPath: `${podCgroup(places, sandbox)}/${id}`,
      user: { uid: user.uid, gid: user.gid, supplementalGroups: user.groups },
      stopSignal: config.stopSignal || image.config.config?.StopSignal || "SIGTERM",
      resources: config.linux.resources,
    };
    // Reject configurations that could not be started.
    containerSpec({
      id,
      config,
      sandbox,
      image,
      user,
      places,
      cgroupsPath: record.cgroupsPath,
      resources: record.resources,
      targetPid: 1,
    });
    const directory = containerDirectory(places, id);
    for (const name of ["upper", "work"]) mkdirSync(join(directory, name), { recursive: true, mode: 0o755 });
    // New files of the container's root have mapped owners; those of the layers are mapped by the mount.
    const users = userNamespace({ sandbox });
    if (users.mapped.length > 0) chownSync(join(directory, "upper"), users.uid(0), users.gid(0));
    this.#save(record);
    this.#entries.set(id, { record });
    this.#emit("Created", record);
    return id;
  }

  async #user(config: ContainerConfig, image: ResolvedImage): Promise<ImageUser> {
    const security = config.linux.securityContext;
    const [passwd, group] = await this.#accounts(image);
    return resolveUser(
      {
        image: image.config.config?.User ?? "",
        ...(security.runAsUser !== undefined && { uid: security.runAsUser }),
        ...(security.runAsUsername && { username: security.runAsUsername }),
        ...(security.runAsGroup !== undefined && { gid: security.runAsGroup }),
        supplementalGroups: security.supplementalGroups,
        ...(security.supplementalGroupsPolicy && { policy: security.supplementalGroupsPolicy }),
      },
      passwd,
      group,
    );
  }

  /** /etc/passwd and /etc/group, cached, since images are immutable. */
  #accounts(image: ResolvedImage): Promise<[string, string]> {
    let known = this.#accountFiles.get(image.id);
    if (!known) {
      const read = async (path: string): Promise<string> =>
        String((await this.#d.native.readLayers(image.layers, path, fileLimit)) ?? "");
      known = Promise.all([read("/etc/passwd"), read("/etc/group")]);
      known.catch(() => this.#accountFiles.delete(image.id));
      if (this.#accountFiles.size >= 100) this.#accountFiles.clear();
      this.#accountFiles.set(image.id, known);
    }
    return known;
  }

  async start(id: string): Promise<void> {
    const entry = this.#entry(id);
    const { record } = entry;
    if (record.started || record.exit || entry.starting) {
      throw new CriError(
        "FailedPrecondition",
        `container ${id} is ${stateOf(record).toLowerCase()}, not created`,
      );
    }
    entry.starting = true;
    try {
      const sandbox = this.#d.sandboxes.need(record.sandboxId);
      if (!sandbox.ready) throw new CriError("FailedPrecondition", `sandbox ${sandbox.id} is not ready`);
      const plan = await this.#plan(record, sandbox);
      const monitor = await MonitorConnection.open(this.#d.native.launchSocket);
      try {
        record.started = await monitor.launch(plan);
      } catch (error) {
        monitor.close();
        throw error;
      }
      this.#save(record);
      this.#follow(entry, monitor);
      this.#emit("Started", record);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const at = BigInt(this.#d.clock.now()) * 1_000_000n;
      this.#recordExit(record, { exitCode: startErrorCode, finishedAt: at, reason: "StartError", message });
      await removeCgroup(this.#d.native, this.#d.context.layout, record.cgroupsPath).catch(() => undefined);
      if (error instanceof RuntimeError) throw new CriError("Unknown", error.message, { cause: error });
      throw error;
    } finally {
      entry.starting = false;
    }
  }

  async #plan(record: ContainerRecord, sandbox: SandboxRecord): Promise<Plan> {
    const { places, images, context } = this.#d;
    const { id, config } = record;
    const image = await images.resolve(record.imageId);
    if (!image) throw new CriError("NotFound", `image ${record.imageId} is gone`);
    const imageLayers = new Map<string, readonly string[]>();
    for (const { image: volume } of config.mounts) {
      if (!volume?.image) continue;
      const found = await images.resolve(volume.image);
      if (!found) throw new CriError("NotFound", `image ${JSON.stringify(volume.image)} is not present`);
      imageLayers.set(volume.image, found.layers);
    }
    for (const mount of config.mounts) {
      if (!mount.image?.image && !existsSync(mount.hostPath))
        mkdirSync(mount.hostPath, { recursive: true, mode: 0o755 });
    }
    const user = await this.#user(config, image);
    const target = config.linux.securityContext.namespaceOptions;
    const targetPid =
      target.pid === "TARGET" ? this.#entries.get(target.targetId ?? "")?.record.started?.pid : undefined;
    const spec = containerSpec({
      id,
      config,
      sandbox,
      image,
      user,
      places,
      cgroupsPath: record.cgroupsPath,
      resources: record.resources,
      imageLayers,
      ...(targetPid && { targetPid }),
    });
    const exitFile = join(containerDirectory(places, id), "exit.json");
    const own: Plan = [["@monitor", monitorSocket(places, id), exitFile]];
    const log = this.logPath(record);
    if (log) {
      mkdirSync(dirname(log), { recursive: true, mode: 0o755 });
      own.push(["@log", log]);
    }
    if (config.stdinOnce) own.push(["@stdin-once"]);
    return [...own, ...planContainer(spec, context)];
  }

  /** Absolute; "" when the container has no log. */
  logPath(record: ContainerRecord): string {
    const directory = this.#d.sandboxes.get(record.sandboxId)?.config.logDirectory;
    if (!directory || !record.config.logPath) return "";
    const path = resolve(directory, record.config.logPath);
    if (isAbsolute(record.config.logPath) || !path.startsWith(`${resolve(directory)}/`)) {
      throw new CriError(
        "InvalidArgument",
        `log path ${record.config.logPath} is outside the sandbox's log directory`,
      );
    }
    return path;
  }

  #follow(entry: Entry, monitor: MonitorConnection): void {
    const { record } = entry;
    entry.monitor = monitor;
    monitor.unref();
    entry.ended = monitor.exited.then((exit) => {
      delete entry.monitor;
      monitor.close();
      if (this.#closed) return;
      const seen = exit ?? readExit(join(containerDirectory(this.#d.places, record.id), "exit.json"));
      this.#recordExit(record, seen ? exitOf(seen) : this.#unknownExit());
    });
  }

  #recordExit(record: ContainerRecord, exit: ContainerExit): void {
    if (record.exit) return;
    record.exit = exit;
    // The directory may be in removal.
    if (existsSync(containerDirectory(this.#d.places, record.id))) this.#save(record);
    this.#emit("Stopped", record);
  }

  #emit(type: "Created" | "Started" | "Stopped" | "Deleted", record: ContainerRecord): void {
    const labels = this.#d.sandboxes.get(record.sandboxId)?.config.labels ?? {};
    const at = BigInt(this.#d.clock.now()) * 1_000_000n;
    this.#d.events.emit({ type, containerId: record.id, sandboxId: record.sandboxId, labels, at });
  }

  #save(record: ContainerRecord): void {
    writeState(stateFile(containerDirectory(this.#d.places, record.id)), record);
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id);
    if (!entry) throw new CriError("NotFound", `could not find container ${JSON.stringify(id)}`);
    return entry;
  }

  need(id: string): ContainerRecord {
    return this.#entry(id).record;
  }

  all(): ContainerRecord[] {
    return [...this.#entries.values()].map((entry) => entry.record);
  }

  ofSandbox(sandboxId: string): ContainerRecord[] {
    return this.all().filter((record) => record.sandboxId === sandboxId);
  }

  /** Another connection to the monitor of a running container. FailedPrecondition when it does not run. */
  async connect(id: string): Promise<MonitorConnection> {
    const { record } = this.#entry(id);
    const state = stateOf(record);
    if (state !== "Running")
      throw new CriError(
        "FailedPrecondition",
        `container ${id} is not running, it is ${state.toLowerCase()}`,
      );
    try {
      return await MonitorConnection.open(monitorSocket(this.#d.places, id));
    } catch (cause) {
      throw new CriError("FailedPrecondition", `container ${id} has just ended`, { cause });
    }
  }

  async stop(id: string, timeoutSeconds: number): Promise<void> {
    const entry = this.#entries.get(id);
    if (!entry?.monitor || !entry.ended) return;
    const { monitor, ended, record } = entry;
    monitor.ref();
    if (timeoutSeconds > 0) {
      await monitor.signal(signalNumber(record.stopSignal)).catch(() => undefined);
      const late = new AbortController();
      const timeout = this.#d.clock.sleep(timeoutSeconds * 1000, late.signal).catch(() => undefined);
      await Promise.race([ended, timeout]);
      late.abort();
    }
    if (entry.monitor) await monitor.signal(9, true).catch(() => undefined);
    await ended;
  }

  async remove(id: string): Promise<void> {
    const entry = this.#entries.get(id);
    if (!entry) return;
    const { record } = entry;
    record.removing = true;
    this.#save(record);
    await this.stop(id, 0);
    this.#entries.delete(id);
    await this.#removeFiles(record);
    this.#emit("Deleted", record);
  }

  async #removeFiles(record: ContainerRecord): Promise<void> {
    const { context, places, native } = this.#d;
    await removeCgroup(native, context.layout, record.cgroupsPath);
    await rm(monitorSocket(places, record.id), { force: true });
    // Last, so that an interrupted removal is resumed.
    await rm(containerDirectory(places, record.id), { recursive: true, force: true });
  }

  async update(id: string, resources: LinuxContainerResources): Promise<void> {
    const { record } = this.#entry(id);
    record.resources = { ...record.resources, ...resources };
    if (stateOf(record) === "Running")
      await updateCgroup(
        this.#d.native,
        this.#d.context.layout,
        record.cgroupsPath,
        specResources(resources),
      );
    this.#save(record);
  }

  async reopenLog(id: string): Promise<void> {
    const { monitor, record } = this.#entry(id);
    if (!monitor) throw new CriError("FailedPrecondition", `container ${id} is not running`);
    const log = this.logPath(record);
    if (log && !statSync(dirname(log), { throwIfNoEntry: false }))
      mkdirSync(dirname(log), { recursive: true });
    await monitor.reopenLog();
  }

  #closed = false;

  /** Closes connections to monitors; containers keep running. */
  close(): void {
    this.#closed = true;
    for (const { monitor } of this.#entries.values()) monitor?.close();
  }
}

export function stateOf(record: ContainerRecord): ContainerState {
  if (record.exit) return record.exit.reason === "Unknown" && !record.started ? "Unknown" : "Exited";
  return record.started ? "Running" : "Created";
}

function exitOf(exit: Exit): ContainerExit {
  const reason = exit.oomKilled ? "OOMKilled" : exit.exitCode === 0 ? "Completed" : "Error";
  return { exitCode: exit.exitCode, finishedAt: exit.finishedAt, reason, message: "" };
}
