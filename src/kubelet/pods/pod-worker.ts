import { rm } from "node:fs/promises";
import type { Pod, PodStatus } from "../../api/index.ts";
import { formatTime, isReason, type Timer } from "../../machinery/index.ts";
import { downwardContext } from "../containers/start.ts";
import { readTerminationMessage } from "../containers/termination-message.ts";
import type { WaitingReason } from "../status/container-state.ts";
import { stopAll } from "../lifecycle/container-stop.ts";
import { Backoff } from "../plan/backoff.ts";
import { computePodActions } from "../plan/pod-actions.ts";
import type { KubeletServices } from "../services.ts";
import { podStatus, type PodVerdict } from "../status/pod-status.ts";
import { referencedObjects } from "../volumes/references.ts";
import { type MountedVolumes, MountFailure } from "../volumes/volume-manager.ts";
import { planResize, type Resize } from "../plan/resize.ts";
import { applyResize } from "./pod-resize.ts";
import { removeContainers, surplusContainers, surplusSandboxes } from "./container-gc.ts";
import { podName, podNamespace, podUid, specGraceSeconds } from "./pod-key.ts";
import { applyActions, type SyncHost } from "./pod-sync.ts";
import { type PodRuntime, readPodRuntime, readySandbox } from "./pod-runtime.ts";

/** Abort reason: the pod is being terminated. */
class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/** Retry interval for a volume whose source was deleted while its pod runs. */
const remountMs = 60_000;

/** Retry interval of a resize that does not fit. */
const deferredResizeMs = 10_000;

/** Backoff after unexpected errors. */
const retry = { initialMs: 100, maxMs: 60_000 };

/**
 * One pod's life on this node, one step at a time: each step compares the actual state with the desired one and acts. Triggers
 * (the API server, the runtime, probes, timers) only cause another step.
 */
export class PodWorker implements SyncHost {
  readonly uid: string;
  readonly services: KubeletServices;
  pod: Pod | undefined;
  runtime: PodRuntime;
  /** Waiting reasons by container name, for the status. */
  readonly waiting = new Map<string, WaitingReason>();
  readonly backoff = new Backoff();
  /** Earliest retry of a container whose start failed, by name. */
  readonly notBefore = new Map<string, number>();
  readonly #done: (worker: PodWorker) => void;
  readonly #messages = new Map<string, string>();
  readonly #retryBackoff = new Backoff(retry);
  readonly #others: () => readonly Pod[];
  #refused: Resize["refused"];
  #gone = false;
  #verdict: PodVerdict | undefined;
  #startTime: string;
  #dirty = false;
  #running: Promise<void> | undefined;
  #runtimeStale = true;
  #volumes: Promise<MountedVolumes> | undefined;
  #mounted: MountedVolumes | undefined;
  #wake: { timer: Timer; at: number } | undefined;
  /** When to set up the volumes again (token refresh). */
  #refresh: Timer | undefined;
  #interrupt = new AbortController();
  #changed = Promise.withResolvers<void>();
  #refreshed = Promise.withResolvers<void>();
  #finished = false;
  #stopped = false;

  constructor(
    services: KubeletServices,
    runtime: PodRuntime,
    pod: Pod | undefined,
    done: (worker: PodWorker) => void,
    others: () => readonly Pod[],
  ) {
    this.#others = others;
    this.uid = runtime.uid;
    this.services = services;
    this.runtime = runtime;
    this.pod = pod;
    this.#done = done;
    this.#startTime = formatTime(services.clock.now());
  }

  /** The pod was deleted from the API server. */
  get gone(): boolean {
    return this.#gone;
  }

  /** Uses resources of the node: it runs or may run. */
  get active(): boolean {
    return (
      !this.#verdict &&
      !this.#finished &&
      this.pod?.status?.phase !== "Failed" &&
      this.pod?.status?.phase !== "Succeeded"
    );
  }

  /** The pod as it is at the API server. */
  update(pod: Pod): void {
    this.services.status.observe(pod);
    const before = this.pod;
    this.pod = pod;
    if (before && before !== pod && onlyStatusDiffers(before, pod) && !this.#terminal(pod)) {
      // The kubelet's own writes need no sync, unless another client set a readiness gate's condition.
      if (!pod.spec?.readinessGates?.length) return;
    }
    this.services.objects.use(this.uid, referencedObjects(pod));
    if (before !== pod) this.#volumes = undefined;
    if (pod.metadata?.deletionTimestamp) this.#interrupt.abort(new Interrupted("the pod is deleted"));
    this.poke();
  }

  /** The pod was deleted from the API server. */
  remove(last: Pod | undefined): void {
    this.#gone = true;
    if (last) this.pod = last;
    this.services.status.forget(this.uid);
    this.#interrupt.abort(new Interrupted("the pod is gone"));
    this.poke();
  }

  /** The node rejects the pod. */
  reject(verdict: PodVerdict): void {
    this.#verdict = verdict;
    this.poke();
  }

  /** The state of its containers changed. */
  runtimeChanged(): void {
    this.#runtimeStale = true;
    this.poke();
  }

  /** A ConfigMap or Secret changed: updates volumes, and may let a waiting container start. */
  objectsChanged(): void {
    this.#volumes = undefined;
    this.notBefore.clear();
    this.poke();
  }

  poke(): void {
    this.#dirty = true;
    this.#changed.resolve();
    if (this.#stopped) return;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      if (this.#dirty && !this.#stopped) this.poke();
    });
  }

  /** Detaches from the pod and leaves its containers running. Resolves when no step is running. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stopTimers();
    this.#interrupt.abort(new Interrupted("the kubelet stops"));
    this.#changed.resolve();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#dirty && !this.#stopped) {
      this.#dirty = false;
      try {
        await this.#step();
        this.#retryBackoff.forget("step");
      } catch (error) {
        if (this.#stopped) return;
        if (error instanceof Interrupted) continue;
        this.#onError(error);
      }
    }
  }

  #onError(error: unknown): void {
    const { services, pod } = this;
    const now = services.clock.now();
    this.#retryBackoff.next("step", now, now);
    this.wakeIn(this.#retryBackoff.delay("step"));
    const name = pod ? podName(pod) : this.runtime.name;
    services.log.warn("pod sync failed", { pod: name, uid: this.uid, error });
    if (!pod || this.#gone) return;
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof MountFailure) {
      this.#volumes = undefined;
      services.podEvent(pod, "Warning", "FailedMount", message);
    } else services.podEvent(pod, "Warning", "FailedSync", `error determining status: ${message}`);
  }

  /** Schedules a step after at most `ms`. */
  wakeIn(ms: number): void {
    const at = this.services.clock.monotonic() + ms;
    if (this.#wake && this.#wake.at <= at) return;
    this.#wake?.timer.stop();
    const timer = this.services.clock.timer(ms, () => {
      this.#wake = undefined;
      this.poke();
    });
    this.#wake = { timer, at };
  }

  async #step(): Promise<void> {
    await this.refresh();
    const { pod } = this;
    if (!pod || this.#gone || pod.metadata?.deletionTimestamp) return await this.#terminate();
    this.#judgeDeadline(pod);
    if (this.#verdict || this.#terminal(pod)) return await this.#finish(pod);
    if (this.#interrupt.signal.aborted) this.#interrupt = new AbortController();
    await this.#resize(pod);
    const actions = computePodActions(pod, this.runtime, this.services.probes);
    if (actions.killPod && !actions.createSandbox) return await this.#finish(pod);
    this.publish("soon");
    await applyActions(this, pod, actions, this.#interrupt.signal);
    this.publish("now");
    await this.#collectGarbage();
  }

  /** In-place resize: applies changed resources to running containers, if they fit. */
  async #resize(pod: Pod): Promise<void> {
    const { node } = this.services;
    const facts = { memoryCapacity: node.memoryCapacity, allocatable: node.allocatable() };
    const resize = planResize(pod, this.runtime, facts, this.#others());
    this.#refused = resize?.refused;
    if (!resize) return;
    if (resize.refused) {
      if (resize.refused.reason === "Deferred") this.wakeIn(deferredResizeMs);
      return;
    }
    await applyResize(this.services, pod, this.runtime, resize);
    await this.refresh(true);
  }

  /** Volumes, set up or in progress. Set up again when a source has changed. */
  volumes(pod: Pod): Promise<MountedVolumes> {
    if (this.#volumes) return this.#volumes;
    const pending = this.#setUpVolumes(pod);
    this.#volumes = pending;
    pending.then(
      (mounted) => {
        if (this.#volumes !== pending) return;
        this.#mounted = mounted;
        if (mounted.refreshAt === undefined) return;
        this.#refresh?.stop();
        const wait = Math.max(1000, mounted.refreshAt - this.services.clock.now());
        this.#refresh = this.services.clock.timer(wait, () => this.objectsChanged());
      },
      () => {
        if (this.#volumes === pending) this.#volumes = undefined;
      },
    );
    return pending;
  }

  /** Mounted volumes stay in use when a source was deleted: only the update fails, and is retried. */
  async #setUpVolumes(pod: Pod): Promise<MountedVolumes> {
    const { services } = this;
    try {
      return await services.volumes.setUp(pod, downwardContext(services, pod, this.runtime));
    } catch (error) {
      if (!this.#mounted || !(error instanceof MountFailure)) throw error;
      services.podEvent(pod, "Warning", "FailedMount", error.message);
      return { byName: this.#mounted.byName, refreshAt: services.clock.now() + remountMs };
    }
  }

  /** Reads the runtime's state if it may have changed. */
  async refresh(force = false): Promise<void> {
    if (!this.#runtimeStale && !force) return;
    this.#runtimeStale = false;
    const { name, namespace } = this.runtime;
    this.runtime = await readPodRuntime(this.services.runtime, this.uid, name, namespace);
    for (const run of this.runtime.containers) {
      if (run.state === "Exited" && !this.#messages.has(run.id)) {
        this.#messages.set(run.id, await readTerminationMessage(run));
      }
    }
    this.#refreshed.resolve();
    this.#refreshed = Promise.withResolvers();
  }

  /** Resolves when the runtime's state was read again. */
  refreshed(): Promise<void> {
    return this.#refreshed.promise;
  }

  /** Computes the status and passes it to the status manager. */
  publish(urgency: "now" | "soon", over = false): PodStatus | undefined {
    const { pod, services } = this;
    if (!pod || this.#gone) return undefined;
    const { probes } = services;
    const before = services.status.current(pod);
    const statuses = [...(before.initContainerStatuses ?? []), ...(before.containerStatuses ?? [])];
    const podIp = readySandbox(this.runtime)?.ips[0] ?? services.node.hostIps()[0] ?? "";
    probes.sync(pod, this.runtime, podIp, statuses, over || pod.metadata?.deletionTimestamp !== undefined);
    const status = podStatus(pod, this.runtime, {
      runtimeName: services.runtimeName,
      waiting: this.waiting,
      isReady: (id) => probes.ready(id),
      isStarted: (id) => probes.started(id),
      terminationMessage: (id) => this.#messages.get(id) ?? "",
      now: services.clock.now(),
      startTime: this.#startTime,
      hostIps: services.node.hostIps(),
      over,
      resizeRefused: this.#refused,
      verdict: this.#verdict,
      before,
    });
    services.status.set(pod, status, urgency);
    return status;
  }

  #terminal(pod: Pod): boolean {
    const phase = pod.status?.phase;
    return phase === "Failed" || phase === "Succeeded";
  }

  #judgeDeadline(pod: Pod): void {
    const seconds = pod.spec?.activeDeadlineSeconds;
    if (seconds === undefined || this.#verdict || this.#terminal(pod)) return;
    const start = Date.parse(this.services.status.current(pod).startTime ?? this.#startTime);
    const left = start + seconds * 1000 - this.services.clock.now();
    if (left > 0) {
      this.wakeIn(left);
      return;
    }
    const message = "Pod was active on the node longer than the specified deadline";
    this.#verdict = { phase: "Failed", reason: "DeadlineExceeded", message };
    this.services.podEvent(pod, "Normal", "DeadlineExceeded", message);
  }

  /** The pod has finished, or was rejected: everything but its dead containers and logs is removed. */
  async #finish(pod: Pod): Promise<void> {
    this.waiting.clear();
    await this.#stopEverything(pod, specGraceSeconds(pod));
    this.#finished = true;
    this.publish("now", true);
  }

  async #terminate(): Promise<void> {
    const pod = this.pod;
    const grace = this.#graceSeconds();
    await this.#stopEverything(pod, grace);
    this.#finished = true;
    if (pod && !this.#gone) {
      this.publish("now", true);
      await this.services.status.flush(this.uid);
    }
    await this.services.volumes.tearDown(this.uid);
    if (pod && !this.#gone) await this.#confirmDeletion(pod);
    await this.#forget();
  }

  /** The pod's grace period in seconds; that of its spec if it was deleted at once. */
  #graceSeconds(): number {
    const { pod } = this;
    if (!pod) return 1;
    const asked = pod.metadata?.deletionGracePeriodSeconds;
    return Math.max(1, asked ?? (this.#gone ? 1 : specGraceSeconds(pod)));
  }

  /** Stops containers and the sandbox; updates the status meanwhile, and accepts a shorter grace period. */
  async #stopEverything(pod: Pod | undefined, graceSeconds: number): Promise<void> {
    const { services } = this;
    let grace = graceSeconds;
    let over = false;
    if (this.runtime.containers.some((c) => c.state === "Running" || c.state === "Unknown")) {
      let stopping = stopAll(services, pod, this.runtime, grace);
      while (!over) {
        this.publish("soon", false);
        this.#changed = Promise.withResolvers();
        over = await Promise.race([stopping.then(() => true), this.#changed.promise.then(() => false)]);
        if (this.#stopped) throw new Interrupted("the kubelet stops");
        await this.refresh(over);
        const asked = this.pod?.metadata?.deletionGracePeriodSeconds;
        if (!over && asked !== undefined && Math.max(1, asked) < grace) {
          grace = Math.max(1, asked);
          stopping.catch(() => {});
          stopping = Promise.all(
            this.runtime.containers
              .filter((c) => c.state === "Running")
              .map((c) => services.runtime.stopContainer(c.id, grace)),
          ).then(() => {});
        }
      }
    }
    const open = this.runtime.sandboxes.filter((s) => s.state === "Ready");
    if (open.length === 0) return;
    await Promise.all(open.map((s) => services.runtime.stopPodSandbox(s.id)));
    await this.refresh(true);
  }

  /** The final delete, which removes the object. */
  async #confirmDeletion(pod: Pod): Promise<void> {
    try {
      await this.services.client.pods.delete(podNamespace(pod), podName(pod), {
        gracePeriodSeconds: 0,
        preconditions: { uid: podUid(pod) },
      });
    } catch (error) {
      if (!isReason(error, "NotFound") && !isReason(error, "Conflict")) throw error;
    }
  }

  async #forget(): Promise<void> {
    const { services, runtime } = this;
    this.#stopTimers();
    services.probes.forget(this.uid);
    services.objects.release(this.uid);
    services.images.forget(this.uid);
    services.forgetTokens(this.uid);
    services.status.forget(this.uid);
    await removeContainers(services.runtime, runtime.containers);
    await Promise.all(runtime.sandboxes.map((s) => services.runtime.removePodSandbox(s.id)));
    const logs = services.logDirectory(runtime.namespace, runtime.name, this.uid);
    await rm(logs, { recursive: true, force: true });
    this.#stopped = true;
    this.#done(this);
  }

  #stopTimers(): void {
    this.#wake?.timer.stop();
    this.#refresh?.stop();
  }

  async #collectGarbage(): Promise<void> {
    const surplus = surplusContainers(this.runtime);
    const sandboxes = surplusSandboxes(this.runtime);
    if (surplus.length === 0 && sandboxes.length === 0) return;
    await removeContainers(this.services.runtime, surplus);
    await Promise.all(sandboxes.map((id) => this.services.runtime.removePodSandbox(id)));
    for (const run of surplus) this.#messages.delete(run.id);
    await this.refresh(true);
  }
}

/** True when an update changes only the status (and revision). */
function onlyStatusDiffers(before: Pod, after: Pod): boolean {
  const a = before.metadata ?? {};
  const b = after.metadata ?? {};
  return (
    a.generation === b.generation &&
    a.deletionTimestamp === b.deletionTimestamp &&
    a.deletionGracePeriodSeconds === b.deletionGracePeriodSeconds &&
    JSON.stringify([a.labels, a.annotations]) === JSON.stringify([b.labels, b.annotations]) &&
    JSON.stringify(before.spec) === JSON.stringify(after.spec)
  );
}
