import type { PodCondition } from "../api/index.ts";
import type { Client, EventRecorder } from "../client/index.ts";
import { type Clock, formatTime, isReason, type Logger } from "../machinery/index.ts";
import type { PodInfo } from "./pod-info.ts";

/** Reports why a pod is unschedulable: the PodScheduled condition and a FailedScheduling event, with the same text. */
export class Reporter {
  readonly #client: Client;
  readonly #recorder: EventRecorder;
  readonly #clock: Clock;
  readonly #log: Logger;
  /** Pending status writes, by pod UID. */
  readonly #writing = new Map<string, Promise<void>>();

  constructor(client: Client, recorder: EventRecorder, clock: Clock, log: Logger) {
    this.#client = client;
    this.#recorder = recorder;
    this.#clock = clock;
    this.#log = log;
  }

  /** `nominated`: a node's name, "" to clear the nomination, undefined to keep it. */
  async failed(
    info: PodInfo,
    reason: "Unschedulable" | "SchedulerError",
    message: string,
    nominated?: string,
  ): Promise<void> {
    this.#recorder.event(info.pod, "Warning", "FailedScheduling", message);
    await this.#write(info, { type: "PodScheduled", status: "False", reason, message }, nominated);
  }

  /** Resolves when no status write of the pod is pending: a failure must not arrive after the binding. */
  async quiet(uid: string): Promise<void> {
    await this.#writing.get(uid);
  }

  scheduled(info: PodInfo, node: string): void {
    const message = `Successfully assigned ${info.key} to ${node}`;
    this.#recorder.event(info.pod, "Normal", "Scheduled", message);
  }

  preempted(victim: PodInfo, by: PodInfo, node: string): void {
    this.#recorder.event(victim.pod, "Normal", "Preempted", `Preempted by pod ${by.uid} on node ${node}`);
  }

  async #write(info: PodInfo, condition: PodCondition, nominated?: string): Promise<void> {
    const before = this.#writing.get(info.uid) ?? Promise.resolve();
    const run = before.then(() => this.#condition(info, condition, nominated));
    this.#writing.set(info.uid, run);
    await run;
    if (this.#writing.get(info.uid) === run) this.#writing.delete(info.uid);
  }

  async #condition(info: PodInfo, condition: PodCondition, nominated?: string): Promise<void> {
    const known = (info.pod.status?.conditions ?? []).find((c) => c.type === condition.type);
    const same =
      known?.status === condition.status &&
      known.reason === condition.reason &&
      known.message === condition.message;
    if (same && (nominated === undefined || nominated === (info.pod.status?.nominatedNodeName ?? ""))) return;
    const now = formatTime(this.#clock.now());
    const lastTransitionTime = known?.status === condition.status ? known.lastTransitionTime : now;
    const observedGeneration = info.pod.metadata?.generation;
    try {
      await this.#client.pods.patch(
        info.namespace,
        info.pod.metadata?.name ?? "",
        "strategic",
        {
          metadata: { uid: info.uid },
          status: {
            conditions: [{ ...condition, lastProbeTime: null, lastTransitionTime, observedGeneration }],
            ...(nominated === undefined ? {} : { nominatedNodeName: nominated || null }),
          },
        },
        { subresource: "status" },
      );
    } catch (error) {
      // Deleted or replaced in the meantime.
      if (isReason(error, "NotFound") || isReason(error, "Conflict")) return;
      this.#log.warn("pod condition not written", { pod: info.key, error });
    }
  }
}
