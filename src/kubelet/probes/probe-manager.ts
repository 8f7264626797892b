import type { ContainerStatus as ApiContainerStatus, Pod, Probe } from "../../api/index.ts";
import type { RuntimeService } from "../../cri/index.ts";
import type { Clock, Logger } from "../../machinery/index.ts";
import type { ProbeVerdicts } from "../plan/pod-actions.ts";
import { type AnyContainer, allContainers, isSidecar, podUid } from "../pods/pod-key.ts";
import type { PodRuntime } from "../pods/pod-runtime.ts";
import { runsOf } from "../pods/pod-runtime.ts";
import type { ProbeOutcome } from "./outcome.ts";
import { runProbe } from "./prober.ts";

type ProbeKind = "startup" | "liveness" | "readiness";
const kinds: readonly ProbeKind[] = ["startup", "liveness", "readiness"];
const kindNames = { startup: "Startup", liveness: "Liveness", readiness: "Readiness" };

interface Probed {
  uid: string;
  started: boolean;
  ready: boolean;
  livenessFailed: boolean;
  startupFailed: boolean;
  probes: Partial<Record<ProbeKind, Probe>>;
  stops: Map<ProbeKind, AbortController>;
}

export interface ProbeManagerOptions {
  runtime: RuntimeService;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
  /** For pods without a network: network probes succeed. */
  simulated: boolean;
  /** A result for one of the pod's containers has changed. */
  changed(uid: string): void;
  event(pod: Pod, container: AnyContainer, type: "Normal" | "Warning", reason: string, message: string): void;
}

/** Probes the running containers, each probe with its own timer, and keeps the results by container id. */
export class ProbeManager implements ProbeVerdicts {
  readonly #options: ProbeManagerOptions;
  readonly #containers = new Map<string, Probed>();

  constructor(options: ProbeManagerOptions) {
    this.#options = options;
  }

  started(id: string): boolean {
    return this.#containers.get(id)?.started ?? false;
  }

  ready(id: string): boolean {
    const probed = this.#containers.get(id);
    return probed !== undefined && probed.started && probed.ready;
  }

  livenessFailed(id: string): boolean {
    return this.#containers.get(id)?.livenessFailed ?? false;
  }

  startupFailed(id: string): boolean {
    return this.#containers.get(id)?.startupFailed ?? false;
  }

  /**
   * Starts and stops probes as containers run. `known` are the statuses at the API server: a container that was ready before
   * the kubelet restarted stays ready until a probe fails.
   */
  sync(
    pod: Pod,
    runtime: PodRuntime,
    podIp: string,
    known: readonly ApiContainerStatus[],
    ending: boolean,
  ): void {
    const uid = podUid(pod);
    const running = new Set<string>();
    for (const { container, role } of allContainers(pod)) {
      const run = runsOf(runtime, container.name)[0];
      if (run?.state !== "Running") continue;
      running.add(run.id);
      if (this.#containers.has(run.id)) continue;
      const probing = role === "main" || (role === "init" && isSidecar(container));
      const before = known.find((s) => s.containerID?.endsWith(`//${run.id}`));
      const probed: Probed = {
        uid,
        probes: probing
          ? {
              ...(container.startupProbe ? { startup: container.startupProbe } : {}),
              ...(container.livenessProbe ? { liveness: container.livenessProbe } : {}),
              ...(container.readinessProbe ? { readiness: container.readinessProbe } : {}),
            }
          : {},
        started: !probing || !container.startupProbe || before?.started === true,
        ready: !probing || !container.readinessProbe || before?.ready === true,
        livenessFailed: false,
        startupFailed: false,
        stops: new Map(),
      };
      this.#containers.set(run.id, probed);
      const startedAt = Number(run.startedAt / 1_000_000n);
      for (const kind of kinds) {
        if (kind === "startup" ? !probed.started : probed.started) {
          this.#start(kind, probed, { pod, container, containerId: run.id, podIp }, startedAt);
        }
      }
    }
    for (const [id, probed] of this.#containers) {
      if (probed.uid !== uid) continue;
      if (!running.has(id)) this.#drop(id, probed);
      else if (ending) {
        // A terminating container is not killed for failed probes.
        probed.stops.get("liveness")?.abort();
        probed.stops.get("startup")?.abort();
      }
    }
  }

  forget(uid: string): void {
    for (const [id, probed] of this.#containers) if (probed.uid === uid) this.#drop(id, probed);
  }

  #drop(id: string, probed: Probed): void {
    for (const stop of probed.stops.values()) stop.abort();
    this.#containers.delete(id);
  }

  #start(kind: ProbeKind, probed: Probed, target: Target, startedAt: number): void {
    const probe = probed.probes[kind];
    if (!probe || probed.stops.has(kind)) return;
    const stop = new AbortController();
    probed.stops.set(kind, stop);
    const signal = AbortSignal.any([stop.signal, this.#options.signal]);
    this.#loop(kind, probe, probed, target, startedAt, signal).catch((error: unknown) => {
      if (!signal.aborted)
        this.#options.log.error("probe loop ended", { error, container: target.container.name });
    });
  }

  async #loop(
    kind: ProbeKind,
    probe: Probe,
    probed: Probed,
    target: Target,
    startedAt: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, runtime, simulated } = this.#options;
    const due = startedAt + (probe.initialDelaySeconds ?? 0) * 1000 - clock.now();
    if (due > 0) await clock.sleep(due, signal);
    const needed = { success: probe.successThreshold ?? 1, failure: probe.failureThreshold ?? 3 };
    let last: "success" | "failure" | undefined;
    let streak = 0;
    while (!signal.aborted) {
      const outcome: ProbeOutcome =
        simulated && !probe.exec
          ? { result: "success", output: "" }
          : await runProbe(runtime, clock, probe, target);
      if (signal.aborted) return;
      if (outcome.result !== "success") this.#report(kind, outcome, target);
      if (outcome.result !== "unknown") {
        streak = outcome.result === last ? streak + 1 : 1;
        last = outcome.result;
        if (streak >= needed[last] && this.#apply(kind, last, probed, target, startedAt)) return;
      }
      await clock.sleep((probe.periodSeconds || 10) * 1000, signal);
    }
  }

  /** True when this probe has finished. */
  #apply(
    kind: ProbeKind,
    result: "success" | "failure",
    probed: Probed,
    target: Target,
    startedAt: number,
  ): boolean {
    const passed = result === "success";
    if (kind === "readiness") {
      if (probed.ready !== passed) {
        probed.ready = passed;
        this.#options.changed(probed.uid);
      }
      return false;
    }
    if (kind === "liveness") {
      if (passed) return false;
      probed.livenessFailed = true;
    } else if (passed) {
      probed.started = true;
      this.#start("liveness", probed, target, startedAt);
      this.#start("readiness", probed, target, startedAt);
    } else probed.startupFailed = true;
    this.#options.changed(probed.uid);
    return true;
  }

  #report(kind: ProbeKind, outcome: ProbeOutcome, { pod, container }: Target): void {
    const verb = outcome.result === "unknown" ? "errored and resulted in unknown state" : "failed";
    const message = `${kindNames[kind]} probe ${verb}: ${outcome.output}`;
    this.#options.event(pod, container, "Warning", "Unhealthy", message);
  }
}

interface Target {
  pod: Pod;
  container: AnyContainer;
  containerId: string;
  podIp: string;
}
