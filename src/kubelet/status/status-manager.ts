import type { Pod, PodStatus } from "../../api/index.ts";
import type { ResourceClient } from "../../client/index.ts";
import { type Clock, isReason, type Logger, StatusError, type Timer } from "../../machinery/index.ts";
import { podName, podNamespace, podUid } from "../pods/pod-key.ts";
import { statusPatch } from "./status-patch.ts";

/** How long an intermediate status may be delayed, to combine it with the next. */
const soonMs = 200;
const retryMs = 500;

interface Entry {
  pod: Pod;
  /** The last known status at the API server, and its revision. */
  base: PodStatus;
  revision: bigint;
  wanted: PodStatus | undefined;
  writing: Promise<void> | undefined;
  timer: Timer | undefined;
  gone: boolean;
}

/** Writes pod statuses: one call at a time per pod, the newest wins, unchanged ones are skipped. */
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

  /** Sets the state at the API server. Older revisions than known are ignored. */
  observe(pod: Pod): void {
    const entry = this.#entry(pod);
    const revision = revisionOf(pod);
    entry.pod = pod;
    if (revision < entry.revision) return;
    entry.revision = revision;
    entry.base = pod.status ?? {};
    // Another client changed the kubelet's fields: write them again.
    if (entry.wanted && !entry.writing && !entry.timer && statusPatch(entry.base, entry.wanted))
      this.#start(entry);
  }

  /** The current or pending status: others' conditions from the server, the rest as last set. */
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
    if (entry.writing) return; // it checks again when it is done
    if (!statusPatch(entry.base, status)) {
      entry.timer?.stop();
      entry.timer = undefined;
      return;
    }
    if (urgency === "now") this.#start(entry);
    else entry.timer ??= this.#clock.timer(soonMs, () => this.#start(entry));
  }

  /** Resolves when the last status was written, or the pod no longer exists. */
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
        // Another pod of the same name returns Conflict: the UID in the patch does not match.
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
          return; // a retry would not help; the next change is tried again
        }
        await this.#clock.sleep(Math.min(10_000, retryMs * 2 ** failures++), this.#signal).catch(() => {});
      }
    }
  }
}

function revisionOf(pod: Pod): bigint {
  return BigInt(pod.metadata?.resourceVersion || 0);
}
