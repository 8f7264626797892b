import type { Duplex } from "node:stream";
import type { Pod } from "../../api/index.ts";
import type { ContainerStatus, StreamSession } from "../../cri/index.ts";
import { StatusError } from "../../machinery/index.ts";
import { type LogFollow, readLog } from "../logs/log-reader.ts";
import { findContainer } from "../pods/pod-key.ts";
import { readySandbox, runsOf } from "../pods/pod-runtime.ts";
import type { PodManager } from "../pods/pod-manager.ts";
import type { PodWorker } from "../pods/pod-worker.ts";
import type { KubeletServices } from "../services.ts";
import type { CommandOptions, KubeletBackend, LogOptions } from "../streaming/index.ts";
import { resourceMetrics } from "./resource-metrics.ts";
import { statsSummary } from "./stats-summary.ts";

/** The backend of the kubelet's HTTPS server: logs, exec, attach, port-forward, statistics. */
export function createBackend(services: KubeletServices, pods: PodManager): KubeletBackend {
  const { runtime } = services;

  const workerOf = (namespace: string, name: string): PodWorker & { pod: Pod } => {
    const worker = pods.find(namespace, name);
    if (!worker?.pod) throw new StatusError("NotFound", `pod ${name}_${namespace} does not exist`);
    return worker as PodWorker & { pod: Pod };
  };
  const runningContainer = async (
    namespace: string,
    name: string,
    container: string,
  ): Promise<ContainerStatus> => {
    const worker = workerOf(namespace, name);
    await worker.refresh();
    const run = runsOf(worker.runtime, container)[0];
    if (run?.state === "Running") return run;
    if (findContainer(worker.pod, container)) {
      throw new StatusError("BadRequest", `container ${container} in pod ${name} is not running`);
    }
    throw new StatusError("NotFound", `container not found ("${container}")`);
  };

  return {
    async *logs(namespace, name, container, options, signal) {
      const worker = workerOf(namespace, name);
      await worker.refresh();
      const run = logRun(worker, name, container, options.previous);
      const follow = { ended: () => !isRunning(worker, run), changed: () => worker.refreshed() };
      if (run.logPath === "") {
        while (options.follow && !follow.ended() && !signal.aborted) await changeOrEnd(follow, signal);
        return;
      }
      const since = sinceOf(options, services.clock.now());
      const read = readLog(
        run.logPath,
        {
          follow: options.follow && run.state === "Running",
          timestamps: options.timestamps,
          ...(options.tailLines === undefined ? {} : { tailLines: options.tailLines }),
          ...(options.limitBytes === undefined ? {} : { limitBytes: options.limitBytes }),
          ...(since === undefined ? {} : { since }),
          ...(options.stream === "Stdout" ? { stream: "stdout" as const } : {}),
          ...(options.stream === "Stderr" ? { stream: "stderr" as const } : {}),
          signal,
        },
        follow,
      );
      yield* read;
    },
    async exec(namespace, name, container, options: CommandOptions): Promise<StreamSession> {
      const run = await runningContainer(namespace, name, container);
      return await runtime.exec(run.id, { command: options.command, tty: options.tty, stdin: options.stdin });
    },
    async attach(namespace, name, container, options): Promise<StreamSession> {
      const run = await runningContainer(namespace, name, container);
      return await runtime.attach(run.id, { tty: options.tty, stdin: options.stdin });
    },
    async portForward(namespace, name, port): Promise<Duplex> {
      const sandbox = readySandbox(workerOf(namespace, name).runtime);
      if (!sandbox) throw new StatusError("BadRequest", `pod ${name} is not running`);
      return await runtime.portForward(sandbox.id, port);
    },
    pods: () => ({ kind: "PodList", apiVersion: "v1", metadata: {}, items: pods.pods() }),
    summary: () => statsSummary(services, pods.pods()),
    metrics: (path) => (path === "/metrics/resource" ? resourceMetrics(services) : ""),
  };
}

const isRunning = (worker: PodWorker, { id }: ContainerStatus): boolean =>
  worker.runtime.containers.find((each) => each.id === id)?.state === "Running";

/** Until the container may have ended, or the client is gone. */
async function changeOrEnd(follow: LogFollow, signal: AbortSignal): Promise<void> {
  const gone = Promise.withResolvers<void>();
  const wake = (): void => gone.resolve();
  signal.addEventListener("abort", wake, { once: true });
  await Promise.race([gone.promise, follow.changed()]);
  signal.removeEventListener("abort", wake);
}

/** The run whose log is requested, or why there is none, in Kubernetes' words. */
function logRun(
  worker: PodWorker & { pod: Pod },
  pod: string,
  container: string,
  previous: boolean,
): ContainerStatus {
  const runs = runsOf(worker.runtime, container);
  if (previous) {
    const last = runs.slice(runs[0]?.state === "Running" ? 1 : waitsToRestart(worker, container) ? 0 : 1)[0];
    if (last) return last;
    throw new StatusError(
      "BadRequest",
      `previous terminated container "${container}" in pod "${pod}" not found`,
    );
  }
  if (runs[0]) return runs[0];
  if (!findContainer(worker.pod, container)) {
    throw new StatusError("BadRequest", `container "${container}" in pod "${pod}" is not available`);
  }
  const reason = worker.waiting.get(container)?.reason ?? "ContainerCreating";
  const why =
    reason === "ImagePullBackOff"
      ? "trying and failing to pull image"
      : reason === "ErrImagePull"
        ? "image can't be pulled"
        : reason;
  throw new StatusError("BadRequest", `container "${container}" in pod "${pod}" is waiting to start: ${why}`);
}

/** While a container waits for its restart, its last run is the previous one. */
function waitsToRestart(worker: PodWorker, container: string): boolean {
  return worker.waiting.get(container)?.reason === "CrashLoopBackOff";
}

function sinceOf(options: LogOptions, now: number): number | undefined {
  if (options.sinceTime) return Date.parse(options.sinceTime);
  return options.sinceSeconds === undefined ? undefined : now - options.sinceSeconds * 1000;
}
