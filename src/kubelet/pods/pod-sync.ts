import type { Container, Pod } from "../../api/index.ts";
import type { Image } from "../../cri/index.ts";
import { ContainerStartError } from "../containers/config-error.ts";
import { startContainer } from "../containers/start.ts";
import { pullCredentials } from "../images/pull-secrets.ts";
import { stopAll, stopContainer } from "../lifecycle/container-stop.ts";
import { orAborted } from "../lifecycle/race.ts";
import { goSeconds } from "../plan/backoff.ts";
import type { PodActions } from "../plan/pod-actions.ts";
import { sandboxConfigOf } from "../sandbox/start.ts";
import { podLabel, podName, specGraceSeconds } from "./pod-key.ts";
import type { KubeletServices } from "../services.ts";
import type { WaitingReason } from "../status/container-state.ts";
import type { Backoff } from "../plan/backoff.ts";
import type { MountedVolumes } from "../volumes/volume-manager.ts";
import { type PodRuntime, runsOf } from "./pod-runtime.ts";

/** What a sync needs of the pod's worker. */
export interface SyncHost {
  readonly services: KubeletServices;
  readonly pod: Pod | undefined;
  readonly runtime: PodRuntime;
  /** Waiting reasons by container name, for the status. */
  readonly waiting: Map<string, WaitingReason>;
  readonly backoff: Backoff;
  /** Earliest retry of a container whose start failed, by name. */
  readonly notBefore: Map<string, number>;
  volumes(pod: Pod): Promise<MountedVolumes>;
  refresh(force: boolean): Promise<void>;
  poke(): void;
  wakeIn(ms: number): void;
}

/** Delay after a failed start that time alone does not fix. */
const startRetryMs = 10_000;
/** Delay after a failed pull, after which the status shows the backoff. */
const pullRecheckMs = 1000;

/** Carries out the plan. Images, volumes and the sandbox are prepared in parallel. */
export async function applyActions(
  worker: SyncHost,
  pod: Pod,
  actions: PodActions,
  signal: AbortSignal,
): Promise<void> {
  const starts = [...actions.ephemeralToStart, ...actions.initToStart, ...actions.toStart];
  const names = new Set(starts.map((c) => c.name));
  for (const name of worker.waiting.keys()) if (!names.has(name)) worker.waiting.delete(name);

  const volumes = worker.volumes(pod);
  volumes.catch(() => {});
  await stopWhatMustGo(worker, pod, actions, signal);
  const ready = starts.filter((c) => mayStart(worker, pod, c));
  const images = new Map(ready.map((c) => [c.name, ensureImage(worker, pod, c)]));
  for (const image of images.values()) image.catch(() => {});

  if (actions.createSandbox) await createSandbox(worker, pod, actions.attempt);
  if (signal.aborted) throw signal.reason;
  const mounted = await orAborted(volumes, signal);
  const sandbox = worker.runtime.sandboxes[0];
  if (ready.length === 0 || !sandbox) return;
  const config = sandboxConfigOf(worker.services, pod, sandbox.metadata.attempt);
  for (const container of ready) {
    if (signal.aborted) throw signal.reason;
    try {
      const image = await orAborted(images.get(container.name) as Promise<Image>, signal);
      const attempt = await nextAttempt(worker, pod, container);
      await startContainer(worker.services, {
        pod,
        container,
        attempt,
        image,
        runtime: worker.runtime,
        sandboxId: sandbox.id,
        sandboxConfig: config,
        volumes: mounted.byName,
        signal,
      });
      worker.waiting.delete(container.name);
      worker.notBefore.delete(container.name);
    } catch (error) {
      if (!(error instanceof ContainerStartError)) throw error;
      noteFailure(worker, container, error);
    }
  }
  await worker.refresh(true);
  // A running sidecar allows the next init container to start, without another event.
  if (actions.initToStart.length > 0) worker.poke();
}

async function stopWhatMustGo(
  worker: SyncHost,
  pod: Pod,
  actions: PodActions,
  signal: AbortSignal,
): Promise<void> {
  const { services, runtime } = worker;
  if (actions.killPod) {
    if (runtime.containers.some((c) => c.state === "Running")) {
      services.podEvent(
        pod,
        "Normal",
        "SandboxChanged",
        "Pod sandbox changed, it will be killed and re-created.",
      );
      await orAborted(stopAll(services, pod, runtime, specGraceSeconds(pod)), signal);
    }
    const open = runtime.sandboxes.filter((s) => s.state === "Ready");
    await Promise.all(open.map((s) => services.runtime.stopPodSandbox(s.id)));
  }
  await orAborted(
    Promise.all(
      actions.toKill.map(async (kill) => {
        const run = runtime.containers.find((c) => c.id === kill.id);
        if (!run) return;
        const container = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].find(
          (c) => c.name === kill.name,
        );
        const own = kill.probe ? container?.[kill.probe]?.terminationGracePeriodSeconds : undefined;
        const graceSeconds = own ?? specGraceSeconds(pod);
        await stopContainer(services, pod, runtime, run, { graceSeconds, message: kill.message });
      }),
    ),
    signal,
  );
  if (actions.killPod || actions.toKill.length > 0) await worker.refresh(true);
}

async function createSandbox(worker: SyncHost, pod: Pod, attempt: number): Promise<void> {
  const { services } = worker;
  try {
    const config = sandboxConfigOf(services, pod, attempt);
    await services.runtime.runPodSandbox(config);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    services.podEvent(pod, "Warning", "FailedCreatePodSandBox", `Failed to create pod sandbox: ${message}`);
    throw cause;
  }
  await worker.refresh(true);
}

/** False while the container has to wait: for the crash backoff, or after a failed start. */
function mayStart(worker: SyncHost, pod: Pod, container: Container): boolean {
  const { services, backoff } = worker;
  const now = services.clock.now();
  const held = worker.notBefore.get(container.name);
  if (held !== undefined && held > now) {
    worker.wakeIn(held - now);
    return false;
  }
  const last = runsOf(worker.runtime, container.name).find((r) => r.state === "Exited");
  if (!last) return true;
  const finished = Number(last.finishedAt / 1_000_000n);
  const wait = backoff.remaining(container.name, finished, now);
  if (wait === 0) {
    backoff.next(container.name, finished, now);
    return true;
  }
  const message = `back-off ${goSeconds(backoff.delay(container.name))} restarting failed container=${container.name} pod=${podLabel(pod)}`;
  if (worker.waiting.get(container.name)?.reason !== "CrashLoopBackOff") {
    services.containerEvent(
      pod,
      container,
      "Warning",
      "BackOff",
      `Back-off restarting failed container ${container.name} in pod ${podLabel(pod)}`,
    );
  }
  worker.waiting.set(container.name, { reason: "CrashLoopBackOff", message });
  worker.wakeIn(wait);
  return false;
}

function ensureImage(worker: SyncHost, pod: Pod, container: Container): Promise<Image> {
  const { services } = worker;
  return services.images.ensure(
    pod,
    container,
    () => pullCredentials(pod, container.image ?? "", services.objects),
    (type, reason, message) => services.containerEvent(pod, container, type, reason, message),
  );
}

/** The number of the next run. A container that was created but never ran is removed and its number reused. */
async function nextAttempt(worker: SyncHost, pod: Pod, container: Container): Promise<number> {
  const newest = runsOf(worker.runtime, container.name)[0];
  if (newest?.state === "Created") {
    await worker.services.runtime.removeContainer(newest.id);
    return newest.metadata.attempt;
  }
  if (newest) return newest.metadata.attempt + 1;
  const status = worker.services.status.current(pod);
  const known = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])].find(
    (s) => s.name === container.name,
  );
  return known?.containerID ? known.restartCount + 1 : 0;
}

function noteFailure(worker: SyncHost, container: Container, error: ContainerStartError): void {
  worker.waiting.set(container.name, { reason: error.reason, message: error.message });
  worker.services.log.debug("container not started", {
    container: container.name,
    pod: worker.pod ? podName(worker.pod) : "",
    reason: error.reason,
    why: error.message,
  });
  // After a failed hook the container has run, so the crash backoff applies.
  if (error.reason === "PostStartHookError") return worker.poke();
  const wait = error.reason === "ErrImagePull" ? pullRecheckMs : (error.retryAfterMs ?? startRetryMs);
  if (error.reason !== "ImagePullBackOff")
    worker.notBefore.set(container.name, worker.services.clock.now() + wait);
  worker.wakeIn(wait);
}
