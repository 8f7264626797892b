import type { Duplex } from "node:stream";
import {
  type ContainerConfig,
  type ContainerEvent,
  type ContainerStats,
  type ContainerStatus,
  type ContainerSummary,
  CriError,
  type PodSandbox,
  type PodSandboxConfig,
  type PodSandboxStatus,
  type RuntimeService,
} from "../../cri/index.ts";
import { AsyncQueue, type Clock } from "../../machinery/index.ts";
import { runtimeAnnotations } from "../pods/pod-runtime.ts";

interface Sandbox extends PodSandboxStatus {
  config: PodSandboxConfig;
}

interface Simulated extends ContainerStatus {
  config: ContainerConfig;
}

export interface SimulatedRuntime extends RuntimeService {
  /** Ends a container as its own program would. */
  exit(containerId: string, exitCode: number, reason?: string): void;
  /** All changing calls, for tests: `start web`, `stop web 30`, ... */
  readonly calls: string[];
  /** The result of execSync; by default success without output. */
  onExec: (containerId: string, command: string[]) => Promise<{ stdout: string; exitCode: number }>;
  /** Called before a change; throws to make the call fail. */
  intercept: ((call: string) => void | Promise<void>) | undefined;
}

export interface SimulatedOptions {
  podPrefix?: string;
  /** Containers that a pod waits for succeed at once. Otherwise they run until `exit` is called. */
  endsAlone?: boolean;
}

/**
 * A simulated runtime, like kwok: sandboxes get addresses, containers "run" until they are stopped. For machines without Linux
 * or root, for thousands of nodes, and for the kubelet's tests.
 */
export function createSimulatedRuntime(clock: Clock, options: SimulatedOptions = {}): SimulatedRuntime {
  const prefix = options.podPrefix ?? "10.244.0";
  const sandboxes = new Map<string, Sandbox>();
  const containers = new Map<string, Simulated>();
  const listeners = new Set<AsyncQueue<ContainerEvent>>();
  let serial = 0;

  const nanos = (): bigint => BigInt(Math.floor(clock.now() * 1000)) * 1000n + BigInt(serial % 1000);
  const emit = (type: ContainerEvent["type"], containerId: string, sandboxId: string): void => {
    const labels = sandboxes.get(sandboxId)?.labels ?? {};
    for (const queue of listeners) queue.push({ type, containerId, sandboxId, labels, at: nanos() });
  };
  const change = async (call: string): Promise<void> => {
    runtime.calls.push(call);
    await runtime.intercept?.(call);
  };
  const sandbox = (id: string): Sandbox => found(sandboxes.get(id), "sandbox", id);
  const container = (id: string): Simulated => found(containers.get(id), "container", id);
  const end = (c: Simulated, exitCode: number, reason?: string): void => {
    if (c.state !== "Running") return;
    c.state = "Exited";
    c.exitCode = exitCode;
    c.reason = reason ?? (exitCode === 0 ? "Completed" : "Error");
    c.finishedAt = nanos();
    emit("Stopped", c.id, c.sandboxId);
  };

  const runtime: SimulatedRuntime = {
    calls: [],
    intercept: undefined,
    onExec: () => Promise.resolve({ stdout: "", exitCode: 0 }),
    exit: (id, exitCode, reason) => end(container(id), exitCode, reason),
    version: () =>
      Promise.resolve({ runtimeName: "simulated", runtimeVersion: "0.1.0", runtimeApiVersion: "v1" }),
    status: () => {
      const ok = { status: true, reason: "", message: "" };
      return Promise.resolve({ runtimeReady: ok, networkReady: ok });
    },
    async runPodSandbox(config) {
      await change(`sandbox ${config.metadata.name}`);
      const id = `sandbox-${++serial}`;
      const address = `${prefix}.${(serial % 250) + 2}`;
      const { namespaceOptions } = config.linux.securityContext;
      sandboxes.set(id, {
        id,
        metadata: config.metadata,
        state: "Ready",
        createdAt: nanos(),
        labels: config.labels,
        annotations: config.annotations,
        runtimeHandler: "",
        ips: namespaceOptions.network === "NODE" ? [] : [address],
        namespaceOptions,
        config,
      });
      emit("Started", id, id);
      return id;
    },
    async stopPodSandbox(id) {
      const known = sandboxes.get(id);
      if (!known) return;
      await change(`stop-sandbox ${known.metadata.name}`);
      for (const c of containers.values()) if (c.sandboxId === id) end(c, 137);
      known.state = "NotReady";
      emit("Stopped", id, id);
    },
    async removePodSandbox(id) {
      const known = sandboxes.get(id);
      if (!known) return;
      await change(`remove-sandbox ${known.metadata.name}`);
      for (const c of containers.values()) if (c.sandboxId === id) containers.delete(c.id);
      sandboxes.delete(id);
    },
    updatePodSandboxResources: (id) => change(`resize-sandbox ${sandbox(id).metadata.name}`),
    podSandboxStatus: async (id) => sandbox(id),
    listPodSandbox: (filter) =>
      Promise.resolve(
        [...sandboxes.values()].filter((s) => matches(s, filter)).map((s): PodSandbox => ({ ...s })),
      ),
    async createContainer(sandboxId, config) {
      await change(`create ${config.metadata.name}`);
      sandbox(sandboxId);
      const id = `container-${++serial}`;
      containers.set(id, {
        id,
        sandboxId,
        metadata: config.metadata,
        image: config.image.userSpecifiedImage,
        imageRef: config.image.image,
        state: "Created",
        createdAt: nanos(),
        startedAt: 0n,
        finishedAt: 0n,
        exitCode: 0,
        reason: "",
        message: "",
        mounts: config.mounts,
        resources: config.linux.resources,
        logPath: "",
        labels: config.labels,
        annotations: config.annotations,
        config,
      });
      emit("Created", id, sandboxId);
      return id;
    },
    async startContainer(id) {
      const c = container(id);
      await change(`start ${c.metadata.name}`);
      c.state = "Running";
      c.startedAt = nanos();
      emit("Started", id, c.sandboxId);
      if (options.endsAlone && c.annotations[runtimeAnnotations.ends]) end(c, 0);
    },
    async stopContainer(id, timeoutSeconds) {
      const c = containers.get(id);
      if (!c) return;
      await change(`stop ${c.metadata.name} ${timeoutSeconds}`);
      end(c, 143);
    },
    async removeContainer(id) {
      const c = containers.get(id);
      if (!c) return;
      await change(`remove ${c.metadata.name}`);
      containers.delete(id);
      emit("Deleted", id, c.sandboxId);
    },
    containerStatus: async (id) => ({ ...container(id) }),
    listContainers: (filter) =>
      Promise.resolve(
        [...containers.values()]
          .filter((c) => matches(c, filter) && (!filter?.sandboxId || c.sandboxId === filter.sandboxId))
          .map((c): ContainerSummary => ({ ...c })),
      ),
    async updateContainerResources(id, resources) {
      const c = container(id);
      await change(`resize ${c.metadata.name}`);
      c.resources = { ...c.resources, ...resources };
    },
    reopenContainerLog: () => Promise.resolve(),
    async execSync(id, command) {
      const { stdout, exitCode } = await runtime.onExec(id, command);
      return { stdout: Buffer.from(stdout), stderr: Buffer.alloc(0), exitCode };
    },
    exec: () => unsupported(),
    attach: () => unsupported(),
    portForward: (): Promise<Duplex> => unsupported(),
    containerStats: async (id) => stats(container(id)),
    listContainerStats: () =>
      Promise.resolve([...containers.values()].filter((c) => c.state === "Running").map(stats)),
    async *events(signal) {
      const queue = new AsyncQueue<ContainerEvent>();
      listeners.add(queue);
      const onAbort = (): void => queue.end();
      signal.addEventListener("abort", onAbort, { once: true });
      try {
        yield* queue;
      } finally {
        listeners.delete(queue);
        signal.removeEventListener("abort", onAbort);
      }
    },
    updateRuntimeConfig: () => Promise.resolve(),
  };
  return runtime;

  function stats(c: Simulated): ContainerStats {
    return {
      id: c.id,
      sandboxId: c.sandboxId,
      labels: c.labels,
      timestamp: nanos(),
      cpu: { usageCoreNanoSeconds: 0 },
      memory: { workingSetBytes: 0, usageBytes: 0, rssBytes: 0 },
      writableLayer: { usedBytes: 0, inodesUsed: 0 },
    };
  }
}

function found<T>(value: T | undefined, kind: string, id: string): T {
  if (value === undefined) throw new CriError("NotFound", `no ${kind} ${id}`);
  return value;
}

function unsupported(): Promise<never> {
  return Promise.reject(
    new CriError("Unimplemented", "this is a simulated node: its pods have no containers"),
  );
}

function matches(
  item: { id: string; state: string; labels: Record<string, string> },
  filter: { id?: string; state?: string; labels?: Record<string, string> } | undefined,
): boolean {
  if (!filter) return true;
  if (filter.id !== undefined && item.id !== filter.id) return false;
  if (filter.state !== undefined && item.state !== filter.state) return false;
  return Object.entries(filter.labels ?? {}).every(([k, v]) => item.labels[k] === v);
}
