import type { Pod, PodStatus } from "../../api/index.ts";
import type { ResourceClient } from "../../client/index.ts";
import { type Clock, isReason, type Logger, StatusError, type Timer } from "../../machinery/index.ts";
import { podName, podNamespace, podUid } from "../pods/pod-key.ts";
import { statusPatch } from "./status-patch.ts";

/** How long a status that is but a step on the way may wait for the next one. */
const soonMs = 200;
const retryMs = 500;

interface Entry {
  pod: Pod;
  /** The status at the API server as far as known, and its revision. */
  base: PodStatus;
  revision: bigint;
  wanted: PodStatus | undefined;
  writing: Promise<void> | undefined;
  timer: Timer | undefined;
  gone: boolean;
}

/** Writes pod statuses: one call at a time for each pod, the newest wins, what is the same is not written. */
export class StatusManager {
  readonly #pods: ResourceClient<Pod>;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  readonly #entries = new Map<string, Entry>();

  constructor(pods: ResourceClient<Pod>, clock: Clock, log: Logger, signal: AbortSignal) {
    this.#pods = pods;
    this.#clock = clock;
    this.#log = log;
    this.#signal = signal;
    signal.addEventListener("abort", () => {
      for (const uid of this.#entries.keys()) this.forget(uid);
    });
  }

  /** Tells what the API server has. An older revision than known is ignored. */
  observe(pod: Pod): void {
    const entry = this.#entry(pod);
    const revision = revisionOf(pod);
    entry.pod = pod;
    if (revision < entry.revision) return;
    entry.revision = revision;
    entry.base = pod.status ?? {};
    // Someone else changed what is ours: write it again.
    if (entry.wanted && !entry.writing && !entry.timer && statusPatch(entry.base, entry.wanted))
      this.#start(entry);
  }

  /** What the status is or is about to be: conditions of others are the server's, all else as it was last set. */
  current(pod: Pod): PodStatus {
    const { base, wanted } = this.#entry(pod);
    if (!wanted) return base;
    const own = new Set((wanted.conditions ?? []).map((c) => c.type));
    const foreign = (base.conditions ?? []).filter((c) => !own.has(c.type));
    return { ...base, ...wanted, conditions: [...(wanted.conditions ?? []), ...foreign] };
  }

  set(pod: Pod, status: PodStatus, urgency: "now" | "soon"): void {
    const entry = this.#entry(pod);
    entry.wanted = status;
    if (entry.writing) return; // it looks again when it is done
    if (!statusPatch(entry.base, status)) {
      entry.timer?.stop();
      entry.timer = undefined;
      return;
    }
    if (urgency === "now") this.#start(entry);
    else entry.timer ??= this.#clock.timer(soonMs, () => this.#start(entry));
  }

  /** Settles when the last status set is at the server, or the pod is no longer there. */
  async flush(uid: string): Promise<void> {
    for (;;) {
      const entry = this.#entries.get(uid);
      if (!entry || entry.gone) return;
      if (entry.timer) this.#start(entry);
      if (!entry.writing) return;
      await entry.writing;
    }
  }

  forget(uid: string): void {
    const entry = this.#entries.get(uid);
    if (!entry) return;
    entry.gone = true;
    entry.timer?.stop();
    this.#entries.delete(uid);
  }

  #entry(pod: Pod): Entry {
    const uid = podUid(pod);
    let entry = this.#entries.get(uid);
    if (!entry) {
      entry = {
        pod,
        base: pod.status ?? {},
        revision: revisionOf(pod),
        wanted: undefined,
        writing: undefined,
        timer: undefined,
        gone: false,
      };
      this.#entries.set(uid, entry);
    }
    return entry;
  }

  #start(entry: Entry): void {
    entry.timer?.stop();
    entry.timer = undefined;
    entry.writing ??= this.#write(entry).finally(() => {
      entry.writing = undefined;
    });
  }

  async #write(entry: Entry): Promise<void> {
    for (let failures = 0; !entry.gone && entry.wanted; ) {
      const patch = statusPatch(entry.base, entry.wanted);
      if (!patch) return;
      const { pod } = entry;
      try {
        const answer = await this.#pods.patch(
          podNamespace(pod),
          podName(pod),
          "strategic",
          { metadata: { uid: podUid(pod) }, status: patch },
          { subresource: "status" },
        );
        const revision = revisionOf(answer);
        if (revision >= entry.revision) {
          entry.revision = revision;
          entry.base = answer.status ?? {};
        }
        failures = 0;
      } catch (error) {
        // Another pod of the same name answers Conflict: the uid in the patch does not fit.
        if (isReason(error, "NotFound") || isReason(error, "Conflict")) {
          entry.gone = true;
          return;
        }
        this.#log.warn("pod status not written", { pod: podName(pod), namespace: podNamespace(pod), error });
        if (
          error instanceof StatusError &&
          (error.reason === "Invalid" || error.reason === "BadRequest") &&
          failures >= 3
        ) {
          return; // saying the same again will not help; the next change is tried again
        }
        await this.#clock.sleep(Math.min(10_000, retryMs * 2 ** failures++), this.#signal).catch(() => {});
      }
    }
  }
}

function revisionOf(pod: Pod): bigint {
  return BigInt(pod.metadata?.resourceVersion || 0);
}
