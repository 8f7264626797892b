import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Pod, Service } from "../api/index.ts";
import {
  type ComponentContext,
  createClient,
  createEventRecorder,
  createInformer,
  type Informer,
} from "../client/index.ts";
import type { ImageService, RuntimeService } from "../cri/index.ts";
import { createBackend } from "./backend/kubelet-backend.ts";
import type { KubeletConfig } from "./config.ts";
import { ImageManager } from "./images/image-manager.ts";
import { rotateLog, defaultRotation } from "./logs/log-rotation.ts";
import { readMachine } from "./node/facts.ts";
import { keepLease } from "./node/lease.ts";
import { NodeAgent } from "./node/node-agent.ts";
import { TokenCache } from "./objects/token-cache.ts";
import { WatchedObjects } from "./objects/watched-objects.ts";
import { findContainer, podUid } from "./pods/pod-key.ts";
import { PodManager } from "./pods/pod-manager.ts";
import { listRuntimePods, runtimeLabels } from "./pods/pod-runtime.ts";
import { ProbeManager } from "./probes/probe-manager.ts";
import { parseResolvConf } from "./sandbox/dns.ts";
import type { KubeletServices } from "./services.ts";
import { simulatedVolumes } from "./simulated/simulated-volumes.ts";
import { StatusManager } from "./status/status-manager.ts";
import { createKubeletServer } from "./streaming/index.ts";
import { ensureMemory } from "./volumes/memory-root.ts";
import type { MountPort } from "./volumes/volume.ts";
import { VolumeManager } from "./volumes/volume-manager.ts";

export interface KubeletBackends {
  runtime: RuntimeService;
  images: ImageService;
  mounts: MountPort;
}

export interface RunningKubelet {
  /** The HTTPS server's port; undefined without one. */
  readonly port: number | undefined;
  /** Resolves when all is released after the context's signal. Containers keep running. */
  readonly ended: Promise<void>;
}

/** Interval of full relists of the runtime, in case an event is lost. */
const relistMs = 30_000;
const rotateMs = 10_000;

/** Registers the node and runs its pods until the signal. Resolves when the node is Ready. */
export async function startKubelet(
  context: ComponentContext,
  config: KubeletConfig,
  backends: KubeletBackends,
): Promise<RunningKubelet> {
  const { clock, signal } = context;
  const log = context.log.with({ part: "kubelet", node: config.nodeName });
  const client = createClient(context.api, { userAgent: "kubelet/v1.36 (wherry)", fieldManager: "kubelet" });
  const events = createEventRecorder(client, clock, log, { component: "kubelet", host: config.nodeName });
  const machine = { ...readMachine(), ...config.capacity };
  if (config.hostname) machine.hostname = config.hostname;
  await Promise.all(
    [config.rootDir, config.runDir, config.logDir].map((d) => mkdir(d, { recursive: true, mode: 0o750 })),
  );
  if (!config.simulated) await ensureMemory(config.runDir, backends.mounts);
  const version = await backends.runtime.version();

  const agent = new NodeAgent({
    client,
    clock,
    log,
    signal,
    runtime: backends.runtime,
    images: backends.images,
    machine,
    name: config.nodeName,
    addresses: config.addresses,
    labels: config.labels ?? {},
    taints: config.taints ?? [],
    podCidr: config.podCidr,
    maxPods: config.maxPods ?? 110,
    kubeletPort: config.port,
    reserved: config.reserved ?? { milliCpu: 0, memoryBytes: 0 },
    root: config.rootDir,
    runtimeInfo: { name: version.runtimeName, version: version.runtimeVersion },
    simulated: config.simulated ?? false,
  });
  const tokens = new TokenCache(client, clock);
  const hostIps = config.addresses.filter((a) => a.type === "InternalIP").map((a) => a.address);
  const objects = new WatchedObjects({
    client,
    clock,
    log,
    signal,
    changed: (uid) => manager.get(uid)?.objectsChanged(),
  });
  const services = listServices(client, context);
  const podEvent: KubeletServices["podEvent"] = (pod, type, reason, message) =>
    events.event(asPod(pod), type, reason, message);
  const containerEvent: KubeletServices["containerEvent"] = (pod, container, type, reason, message) => {
    const role = findContainer(pod, container.name)?.role;
    const list =
      role === "init" ? "initContainers" : role === "ephemeral" ? "ephemeralContainers" : "containers";
    events.event(asPod(pod), type, reason, message, `spec.${list}{${container.name}}`);
  };
  const shared: KubeletServices = {
    client,
    clock,
    log,
    runtime: backends.runtime,
    runtimeName: version.runtimeName,
    images: new ImageManager(backends.images, clock),
    volumes: config.simulated
      ? simulatedVolumes
      : new VolumeManager({
          root: config.rootDir,
          memoryRoot: config.runDir,
          mounts: backends.mounts,
          clock,
          log,
          objects,
          claim: (namespace, name) => orUndefined(client.persistentVolumeClaims.get(namespace, name)),
          persistentVolume: (name) => orUndefined(client.persistentVolumes.get(undefined, name)),
          token: (request) => tokens.get(request),
        }),
    objects,
    probes: new ProbeManager({
      runtime: backends.runtime,
      clock,
      log,
      signal,
      simulated: config.simulated ?? false,
      changed: (uid) => manager.get(uid)?.poke(),
      event: containerEvent,
    }),
    status: new StatusManager(client.pods, clock, log, signal),
    node: {
      name: config.nodeName,
      hostname: machine.hostname,
      hostIps: () => hostIps,
      allocatable: () => agent.node?.status?.allocatable ?? {},
      memoryCapacity: machine.memoryBytes,
      clusterDns: config.clusterDns,
      clusterDomain: config.clusterDomain,
      hostDns: () => parseResolvConf(readText(config.resolvConf ?? "/etc/resolv.conf")),
      hostsFile: () => readText("/etc/hosts"),
    },
    services,
    forgetTokens: (uid) => tokens.forget(uid),
    logDirectory: (namespace, name, uid) => join(config.logDir, `${namespace}_${name}_${uid}`),
    podEvent,
    containerEvent,
  };
  const manager = new PodManager(shared, () => ({
    name: config.nodeName,
    labels: agent.node?.metadata?.labels ?? {},
    allocatable: agent.node?.status?.allocatable ?? {},
  }));

  const following = followRuntime(shared, manager, context);
  const pods = createInformer<Pod>({
    resource: client.pods,
    fieldSelector: `spec.nodeName=${config.nodeName}`,
    clock,
    log,
    signal,
  });
  const [found] = await Promise.all([listRuntimePods(backends.runtime), agent.register(), pods.synced]);
  events.event(
    { apiVersion: "v1", kind: "Node", metadata: { name: config.nodeName, uid: config.nodeName } },
    "Normal",
    "Starting",
    "Starting kubelet.",
  );
  pods.onChange((type, pod) => {
    if (type === "delete") manager.remove(pod);
    else {
      const uid = podUid(pod);
      manager.put(pod, found.get(uid));
      found.delete(uid);
    }
  });
  // Leftovers of pods that were deleted while the kubelet was not running.
  for (const runtime of found.values()) manager.addOrphan(runtime);
  await removeLeftovers(shared, manager);

  const server = config.server
    ? await createKubeletServer({
        tls: config.server,
        clientCa: config.server.clientCa,
        ...(config.host ? { host: config.host } : {}),
        port: config.port,
        backend: createBackend(shared, manager),
        log,
      })
    : undefined;
  const loops = [
    following,
    agent.run(),
    keepLease({ client, clock, log, signal, nodeName: config.nodeName, node: () => agent.node }),
    tend(shared, manager, context),
  ];
  const ended = (async () => {
    await Promise.all(loops);
    await Promise.all([manager.stop(), server?.close(), pods.ended, objects.ended(), events.flush()]);
  })();
  return { port: server?.port, ended };
}

/** Container events trigger a sync of their pod. */
async function followRuntime(
  services: KubeletServices,
  manager: PodManager,
  context: ComponentContext,
): Promise<void> {
  const { signal, clock, log } = context;
  while (!signal.aborted) {
    try {
      for await (const event of services.runtime.events(signal)) {
        manager.get(event.labels[runtimeLabels.podUid] ?? "")?.runtimeChanged();
      }
    } catch (error) {
      if (!signal.aborted) log.warn("container events broke off", { error });
    }
    if (signal.aborted) return;
    await clock.sleep(1000, signal).catch(() => {});
    for (const worker of manager.workers()) worker.runtimeChanged();
  }
}

/** Periodic housekeeping: log rotation, and a relist in case an event was lost. */
async function tend(
  services: KubeletServices,
  manager: PodManager,
  context: ComponentContext,
): Promise<void> {
  const { signal, clock, log } = context;
  let relistAt = clock.monotonic() + relistMs;
  while (!signal.aborted) {
    try {
      await clock.sleep(rotateMs, signal);
      for (const worker of manager.workers()) {
        for (const run of worker.runtime.containers) {
          if (run.state !== "Running" || !run.logPath) continue;
          await rotateLog(run.logPath, defaultRotation, clock.now(), () =>
            services.runtime.reopenContainerLog(run.id),
          );
        }
      }
      if (clock.monotonic() < relistAt) continue;
      relistAt = clock.monotonic() + relistMs;
      const states = new Map<string, string>();
      for (const c of await services.runtime.listContainers()) states.set(c.id, c.state);
      for (const worker of manager.workers()) {
        const known = worker.runtime.containers;
        if (known.some((c) => states.get(c.id) !== c.state)) worker.runtimeChanged();
      }
    } catch (error) {
      if (!signal.aborted) log.warn("housekeeping failed", { error });
    }
  }
}

/** Removes directories of deleted pods. */
async function removeLeftovers(services: KubeletServices, manager: PodManager): Promise<void> {
  for (const uid of await services.volumes.leftovers()) {
    if (manager.get(uid)) continue;
    await services.volumes.tearDown(uid).catch((error: unknown) => {
      services.log.warn("a pod's directory was not removed", { uid, error });
    });
  }
}

/** All Services, watched; needed for containers' variables. */
function listServices(
  client: ReturnType<typeof createClient>,
  { clock, log, signal }: ComponentContext,
): () => Promise<readonly Service[]> {
  const informer: Informer<Service> = createInformer({ resource: client.services, clock, log, signal });
  return async () => {
    await informer.synced;
    return informer.list();
  };
}

function asPod(pod: Pod): Pod {
  return pod.kind ? pod : { ...pod, apiVersion: "v1", kind: "Pod" };
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // the file is optional
  }
}

async function orUndefined<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof Error && "reason" in error && error.reason === "NotFound") return undefined;
    throw error;
  }
}
