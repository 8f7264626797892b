import type { Clock, Timer } from "../machinery/index.ts";
import type { ClusterEvent } from "./plugin.ts";
import type { PodInfo } from "./pod-info.ts";

/** A pod that waits for a node, and what was tried for it. */
export interface QueuedPod {
  info: PodInfo;
  attempts: number;
  /** Clock.monotonic() of the first and of the last time it became waiting. */
  since: number;
  lastFailure: number;
  /** What would make another attempt worthwhile. */
  wakesOn: ReadonlySet<ClusterEvent>;
}

export interface BackOff {
  initialMs: number;
  maxMs: number;
}

/**
 * Pods without a node are in one of three places: active (tried as soon as possible, most important first), backing
 * off (tried when its time has come) or unschedulable (tried when something happens that may help). An event that
 * arrives while a pod is being decided is not lost: `fail` looks at what has happened since `pop`.
 */
export class SchedulingQueue {
  readonly #clock: Clock;
  readonly #backOff: BackOff;
  readonly #wake: () => void;
  readonly #active = new Map<string, QueuedPod>();
  readonly #backingOff = new Map<string, { entry: QueuedPod; timer: Timer }>();
  readonly #unschedulable = new Map<string, QueuedPod>();
  /** Popped and neither failed nor done; with the events since. */
  readonly #inFlight = new Map<string, Set<ClusterEvent>>();

  constructor(clock: Clock, backOff: BackOff, wake: () => void) {
    this.#clock = clock;
    this.#backOff = backOff;
    this.#wake = wake;
  }

  /** A new pod, or a new version of one that may have become schedulable by its change. */
  add(info: PodInfo, changed = true): void {
    const now = this.#clock.monotonic();
    const known = this.find(info.uid);
    if (!known && this.#inFlight.has(info.uid)) return;
    const entry: QueuedPod = known ?? { info, attempts: 0, since: now, lastFailure: now, wakesOn: new Set() };
    entry.info = info;
    if (known && !changed) return;
    if (this.#active.has(info.uid) || this.#backingOff.has(info.uid)) return;
    this.#unschedulable.delete(info.uid);
    this.#active.set(info.uid, entry);
    this.#wake();
  }

  remove(uid: string): void {
    this.#active.delete(uid);
    this.#backingOff.get(uid)?.timer.stop();
    this.#backingOff.delete(uid);
    this.#unschedulable.delete(uid);
  }

  find(uid: string): QueuedPod | undefined {
    return this.#active.get(uid) ?? this.#backingOff.get(uid)?.entry ?? this.#unschedulable.get(uid);
  }

  /** The most important active pod; of equals, the one that waits longest. */
  pop(): QueuedPod | undefined {
    let best: QueuedPod | undefined;
    for (const entry of this.#active.values()) {
      if (!best || entry.info.priority > best.info.priority) best = entry;
    }
    if (!best) return undefined;
    this.#active.delete(best.info.uid);
    this.#inFlight.set(best.info.uid, new Set());
    best.attempts++;
    return best;
  }

  /** The popped pod has its node. */
  done(uid: string): void {
    this.#inFlight.delete(uid);
  }

  /** No node for now: waits for one of these events, unless it has happened already. `now` skips the wait (a failed bind). */
  fail(entry: QueuedPod, wakesOn: ReadonlySet<ClusterEvent>, retry = false): void {
    const uid = entry.info.uid;
    const seen = this.#inFlight.get(uid);
    this.#inFlight.delete(uid);
    entry.wakesOn = wakesOn;
    entry.lastFailure = this.#clock.monotonic();
    if (retry || (seen && [...seen].some((event) => wakesOn.has(event)))) this.#delay(entry);
    else this.#unschedulable.set(uid, entry);
  }

  /** Something happened; whoever it may help is tried again, after its back-off. */
  event(event: ClusterEvent): void {
    for (const seen of this.#inFlight.values()) seen.add(event);
    for (const entry of this.#unschedulable.values()) {
      if (!entry.wakesOn.has(event)) continue;
      this.#unschedulable.delete(entry.info.uid);
      this.#delay(entry);
    }
  }

  /** All that wait for something, for the rare case that an event was missed. */
  flush(olderThanMs: number): void {
    const now = this.#clock.monotonic();
    for (const entry of this.#unschedulable.values()) {
      if (now - entry.lastFailure < olderThanMs) continue;
      this.#unschedulable.delete(entry.info.uid);
      this.#delay(entry);
    }
  }

  /** True when nothing waits, in any state. */
  get idle(): boolean {
    return this.#active.size + this.#backingOff.size + this.#unschedulable.size === 0;
  }

  stop(): void {
    for (const { timer } of this.#backingOff.values()) timer.stop();
    this.#backingOff.clear();
  }

  #delay(entry: QueuedPod): void {
    const wait = Math.min(this.#backOff.maxMs, this.#backOff.initialMs * 2 ** (entry.attempts - 1));
    const left = entry.lastFailure + wait - this.#clock.monotonic();
    if (left <= 0) {
      this.#active.set(entry.info.uid, entry);
      this.#wake();
      return;
    }
    const timer = this.#clock.timer(left, () => {
      this.#backingOff.delete(entry.info.uid);
      this.#active.set(entry.info.uid, entry);
      this.#wake();
    });
    this.#backingOff.set(entry.info.uid, { entry, timer });
  }
}
