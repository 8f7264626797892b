import { mkdirSync } from "node:fs";
import {
  type CniNetwork,
  type ContainerStatus,
  type ContainerSummary,
  type PodSandbox,
  type RuntimeService,
} from "../cri/index.ts";
import { type Native, openNative } from "../linux/index.ts";
import type { Clock, Logger } from "../machinery/index.ts";
import { makeBaseLayer, planContext } from "../runtime/index.ts";
import { StatsReader } from "./container-stats.ts";
import { ContainerStreams } from "./container-streams.ts";
import { Containers, stateOf } from "./containers.ts";
import { EventFeed } from "./event-feed.ts";
import type { ImageStore } from "./images/index.ts";
import { baseLayer, type ContainerRecord, rootDirectory, type SandboxRecord } from "./record.ts";
import { Sandboxes } from "./sandboxes.ts";

export interface ContainerRuntimeOptions {
  /** Persistent across reboots: records, writable layers, exit codes. */
  stateDir: string;
  /** Not persistent: sockets and pinned namespaces. Short; best below /run. */
  runDir: string;
  /** With a leading slash, e.g. `/wherry-main`. */
  cgroupRoot: string;
  /** The helper binary, or a running helper (which close leaves running). */
  native: string | Native;
  images: Pick<ImageStore, "resolve">;
  cni: CniNetwork;
  clock: Clock;
  log: Logger;
}

export type ContainerRuntime = RuntimeService & {
  /** Disconnects; containers keep running and are adopted by the next `createContainerRuntime`. */
  close(): Promise<void>;
};

/** The CRI implementation. Adopts running containers. */
export async function createContainerRuntime(options: ContainerRuntimeOptions): Promise<ContainerRuntime> {
  const { stateDir, runDir, cgroupRoot, cni, clock, log, images } = options;
  mkdirSync(stateDir, { recursive: true, mode: 0o711 });
  mkdirSync(runDir, { recursive: true, mode: 0o711 });
  const places = { stateDir, runDir, cgroupRoot };
  mkdirSync(rootDirectory(places), { recursive: true, mode: 0o711 });
  makeBaseLayer(baseLayer(places));
  const native =
    typeof options.native === "string"
      ? await openNative(options.native, {
          runDir,
          onExit: (reason) => log.error("the native helper is gone", { reason }),
        })
      : options.native;
  const context = planContext();
  const events = new EventFeed();
  const sandboxes = new Sandboxes({ native, cni, places, context, clock, log });
  const containers = new Containers({ native, images, sandboxes, places, context, clock, log, events });
  const streams = new ContainerStreams({ containers, sandboxes, images, native, places, context, clock });
  const stats = new StatsReader(places, context, clock);
  await sandboxes.adopt();
  await containers.adopt();

  return {
    version: async () => ({ runtimeName: "wherry", runtimeVersion: "0.1.0", runtimeApiVersion: "v1" }),
    async status() {
      const network = await cni.status();
      return {
        runtimeReady: { status: true, reason: "", message: "" },
        networkReady: { status: network.ready, reason: network.reason, message: network.message },
      };
    },
    async runPodSandbox(config, runtimeHandler = "") {
      return (await sandboxes.run(config, runtimeHandler)).id;
    },
    async stopPodSandbox(id) {
      await Promise.all(containers.ofSandbox(id).map((record) => containers.stop(record.id, 0)));
      await sandboxes.stop(id);
    },
    async removePodSandbox(id) {
      await Promise.all(containers.ofSandbox(id).map((record) => containers.remove(record.id)));
      await sandboxes.remove(id);
    },
    updatePodSandboxResources: (id, resources) => sandboxes.updateResources(id, resources),
    async podSandboxStatus(id) {
      const record = sandboxes.need(id);
      const { namespaceOptions } = record.config.linux.securityContext;
      return { ...sandboxSummary(record), ips: record.ips, namespaceOptions };
    },
    async listPodSandbox(filter = {}) {
      return sandboxes
        .all()
        .map(sandboxSummary)
        .filter((one) => !filter.id || one.id === filter.id)
        .filter((one) => !filter.state || one.state === filter.state)
        .filter((one) => hasLabels(one.labels, filter.labels));
    },
    createContainer: (sandboxId, config, sandboxConfig) =>
      containers.create(sandboxId, config, sandboxConfig),
    startContainer: (id) => containers.start(id),
    stopContainer: (id, timeoutSeconds) => containers.stop(id, timeoutSeconds),
    async removeContainer(id) {
      await containers.remove(id);
      stats.forget(id);
    },
    async containerStatus(id) {
      const record = containers.need(id);
      return containerStatus(record, containers.logPath(record));
    },
    async listContainers(filter = {}) {
      return containers
        .all()
        .map(containerSummary)
        .filter((one) => !filter.id || one.id === filter.id)
        .filter((one) => !filter.sandboxId || one.sandboxId === filter.sandboxId)
        .filter((one) => !filter.state || one.state === filter.state)
        .filter((one) => hasLabels(one.labels, filter.labels));
    },
    updateContainerResources: (id, resources) => containers.update(id, resources),
    reopenContainerLog: (id) => containers.reopenLog(id),
    execSync: (id, command, timeoutSeconds) => streams.execSync(id, command, timeoutSeconds),
    exec: (id, o) => streams.exec(id, o),
    attach: (id, o) => streams.attach(id, o),
    portForward: (sandboxId, port) => streams.portForward(sandboxId, port),
    containerStats: async (id) => stats.read(containers.need(id)),
    async listContainerStats(filter = {}) {
      const running = containers.all().filter((record) => stateOf(record) === "Running");
      return Promise.all(
        running
          .filter((record) => !filter.sandboxId || record.sandboxId === filter.sandboxId)
          .map((record) => stats.read(record)),
      );
    },
    events: (signal) => events.subscribe(signal),
    updateRuntimeConfig: async () => undefined,
    async close() {
      events.close();
      containers.close();
      sandboxes.close();
      if (typeof options.native === "string") await native.close();
    },
  };
}

function sandboxSummary(record: SandboxRecord): PodSandbox {
  const { metadata, labels, annotations } = record.config;
  const state = record.ready ? "Ready" : "NotReady";
  return {
    id: record.id,
    metadata,
    state,
    createdAt: record.createdAt,
    labels,
    annotations,
    runtimeHandler: record.runtimeHandler,
  };
}

function containerSummary(record: ContainerRecord): ContainerSummary {
  const { metadata, labels, annotations, image } = record.config;
  return {
    id: record.id,
    sandboxId: record.sandboxId,
    metadata,
    image: image.userSpecifiedImage || image.image,
    imageRef: record.imageId,
    state: stateOf(record),
    createdAt: record.createdAt,
    labels,
    annotations,
  };
}

function containerStatus(record: ContainerRecord, logPath: string): ContainerStatus {
  const { exit, started } = record;
  return {
    ...containerSummary(record),
    startedAt: started?.startedAt ?? 0n,
    finishedAt: exit?.finishedAt ?? 0n,
    exitCode: exit?.exitCode ?? 0,
    reason: exit?.reason ?? "",
    message: exit?.message ?? "",
    mounts: record.config.mounts,
    logPath,
    resources: record.resources,
    user: record.user,
    stopSignal: record.stopSignal,
    ...(started && !exit && { pid: started.pid }),
  };
}

function hasLabels(labels: Record<string, string>, wanted: Record<string, string> | undefined): boolean {
  return Object.entries(wanted ?? {}).every(([key, value]) => labels[key] === value);
}
