import type { Pod } from "../../api/index.ts";
import type { ContainerStatus } from "../../cri/index.ts";
import type { KubeletServices } from "../services.ts";
import { type AnyContainer, findContainer, initContainers, isSidecar } from "../pods/pod-key.ts";
import { type PodRuntime, readySandbox, runtimeLabels } from "../pods/pod-runtime.ts";
import { runHook } from "./hooks.ts";

/** Minimum time after SIGTERM, however long preStop took. */
const minimumStopSeconds = 2;

export interface StopOptions {
  /** Grace period in seconds, for preStop and SIGTERM together. */
  graceSeconds: number;
  message?: string;
  /** Resolves when the containers that stop first have ended (sidecars stop last). */
  after?: Promise<unknown>;
}

/** Stops a container: preStop hook, SIGTERM, SIGKILL after the grace period. Resolves when it has ended. */
export async function stopContainer(
  services: KubeletServices,
  pod: Pod | undefined,
  runtime: PodRuntime,
  run: ContainerStatus,
  options: StopOptions,
): Promise<void> {
  const { clock } = services;
  const name = run.labels[runtimeLabels.containerName] ?? "";
  const container = pod ? findContainer(pod, name)?.container : undefined;
  const end = clock.monotonic() + options.graceSeconds * 1000;
  const left = (): number => Math.max(0, end - clock.monotonic());
  await options.after;
  if (pod && container) {
    services.containerEvent(
      pod,
      container,
      "Normal",
      "Killing",
      options.message ?? `Stopping container ${name}`,
    );
    if (container.lifecycle?.preStop && options.graceSeconds > 0) {
      await preStop(services, pod, runtime, container, run.id, left());
    }
  }
  const seconds = options.graceSeconds === 0 ? 0 : Math.max(Math.ceil(left() / 1000), minimumGrace(options));
  await services.runtime.stopContainer(run.id, seconds);
}

/** A grace period of one second requests an immediate end, and is not extended. */
function minimumGrace({ graceSeconds }: StopOptions): number {
  return Math.min(graceSeconds, minimumStopSeconds);
}

async function preStop(
  services: KubeletServices,
  pod: Pod,
  runtime: PodRuntime,
  container: AnyContainer,
  containerId: string,
  timeMs: number,
): Promise<void> {
  const stop = new AbortController();
  const podIp = readySandbox(runtime)?.ips[0] ?? services.node.hostIps()[0] ?? "";
  const hook = container.lifecycle?.preStop ?? {};
  const timer = Promise.withResolvers<"late">();
  const handle = services.clock.timer(timeMs, () => timer.resolve("late"));
  try {
    const target = { container, containerId, podIp };
    const done = runHook(services.runtime, services.clock, hook, target, stop.signal);
    done.catch(() => {});
    await Promise.race([done, timer.promise]);
  } catch (error) {
    services.log.info("preStop hook failed", { container: container.name, error });
    services.containerEvent(pod, container, "Warning", "FailedPreStopHook", "PreStopHook failed");
  } finally {
    handle.stop();
    stop.abort(new Error("grace period is over"));
  }
}

/** Stops a pod's containers: the main containers in parallel, then the sidecars in reverse order. */
export async function stopAll(
  services: KubeletServices,
  pod: Pod | undefined,
  runtime: PodRuntime,
  graceSeconds: number,
): Promise<void> {
  const running = runtime.containers.filter((c) => c.state === "Running" || c.state === "Unknown");
  const sidecars = pod
    ? initContainers(pod)
        .filter(isSidecar)
        .map((c) => c.name)
    : [];
  const nameOf = (run: ContainerStatus): string => run.labels[runtimeLabels.containerName] ?? "";
  let before: Promise<unknown> = Promise.all(
    running
      .filter((run) => !sidecars.includes(nameOf(run)))
      .map((run) => stopContainer(services, pod, runtime, run, { graceSeconds })),
  );
  const all = [before];
  for (const name of sidecars.reverse()) {
    const run = running.find((r) => nameOf(r) === name);
    if (!run) continue;
    before = stopContainer(services, pod, runtime, run, { graceSeconds, after: before });
    all.push(before);
  }
  await Promise.all(all);
}
