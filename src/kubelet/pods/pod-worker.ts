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

/** Reason for giving up what is under way: the pod is to end. */
class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/** A volume whose source is gone while its pod runs is looked at again after this. */
const remountMs = 60_000;

/** A resize that does not fit is tried again this often; others may have left. */
const deferredResizeMs = 10_000;

/** Waits between tries after an error nobody foresaw. */
const retry = { initialMs: 100, maxMs: 60_000 };

/**
 * One pod's life on this node. All that happens to the pod happens here, one step at a time: each step reads what is,
 * compares it with what should be and acts. What wakes it (the API server, the runtime, probes, timers) only says
 * "look again".
 */
export class PodWorker implements SyncHost {
  readonly uid: string;
  readonly services: KubeletServices;
  pod: Pod | undefined;
  runtime: PodRuntime;
  /** Why containers wait, by name; shown in the status. */
  readonly waiting = new Map<string, WaitingReason>();
  readonly backoff = new Backoff();
  /** Earliest next try of a container whose start failed, by name. */
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
  /** When the volumes want to be set up again (a token grows old). */
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

  /** The API server has no such pod any more. */
  get gone(): boolean {
    return this.#gone;
  }

  /** Takes resources of the node: it runs or may yet run. */
  get active(): boolean {
    return (
      !this.#verdict &&
      !this.#finished &&
      this.pod?.status?.phase !== "Failed" &&
      this.pod?.status?.phase !== "Succeeded"
    );
  }

  /** The pod as the API server has it now. */
  update(pod: Pod): void {
    this.services.status.observe(pod);
    const before = this.pod;
    this.pod = pod;
    if (before && before !== pod && onlyStatusDiffers(before, pod) && !this.#terminal(pod)) {
      // Our own writes come back here: nothing to do, unless a gate's condition was set by someone else.
      if (!pod.spec?.readinessGates?.length) return;
    }
    this.services.objects.use(this.uid, referencedObjects(pod));
    if (before !== pod) this.#volumes = undefined;
    if (pod.metadata?.deletionTimestamp) this.#interrupt.abort(new Interrupted("the pod is deleted"));
    this.poke();
  }

  /** The pod is no longer at the API server. */
  remove(last: Pod | undefined): void {
    this.#gone = true;
    if (last) this.pod = last;
    this.services.status.forget(this.uid);
    this.#interrupt.abort(new Interrupted("the pod is gone"));
    this.poke();
  }

  /** The node does not take the pod. */
  reject(verdict: PodVerdict): void {
    this.#verdict = verdict;
    this.poke();
  }

  /** Something about its containers changed. */
  runtimeChanged(): void {
    this.#runtimeStale = true;
    this.poke();
  }

  /** A ConfigMap or Secret it uses changed: volumes follow, and a container that waits for it may start. */
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

  /** Lets go of the pod without touching what runs. Settles when no step is under way. */
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

  /** Looks again after `ms` at the latest. */
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

  /** In-place resize: running containers follow a spec whose resources changed, if the node has them. */
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

  /** Volumes, set up or on the way. Asked for again when something they are made of has changed. */
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

  /** What is mounted stays in use when a source has gone since: only the update fails, and is tried again. */
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

  /** Reads the runtime's state when it may have changed. */
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

  /** Settles when the runtime's state was read again. */
  refreshed(): Promise<void> {
    return this.#refreshed.promise;
  }

  /** Works out the status and hands it over to be written. */
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

  /** The pod has had its run, or is not to run: nothing of it stays but its dead containers and its logs. */
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

  /** Seconds the pod has got; a pod that is simply gone gets what its spec says. */
  #graceSeconds(): number {
    const { pod } = this;
    if (!pod) return 1;
    const asked = pod.metadata?.deletionGracePeriodSeconds;
    return Math.max(1, asked ?? (this.#gone ? 1 : specGraceSeconds(pod)));
  }

  /** Stops containers and sandboxes; meanwhile the status follows what already ended, and a shorter grace is obeyed. */
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

  /** The last word to the API server: the object may go. */
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

/** True when an update brings nothing but a new status (and revision). */
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
