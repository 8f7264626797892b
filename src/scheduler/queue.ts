import type { Clock, Timer } from "../machinery/index.ts";
import type { ClusterEvent } from "./plugin.ts";
import type { PodInfo } from "./pod-info.ts";

/** A waiting pod, and its previous attempts. */
export interface QueuedPod {
  info: PodInfo;
  attempts: number;
  /** Clock.monotonic() of the first and of the last time it was queued. */
  since: number;
  lastFailure: number;
  /** Events that make another attempt useful. */
  wakesOn: ReadonlySet<ClusterEvent>;
}

export interface BackOff {
  initialMs: number;
  maxMs: number;
}

/**
 * Unscheduled pods are in one of three states: active (tried as soon as possible, by priority), backing off (tried after their
 * backoff) or unschedulable (tried after an event that may help). Events that arrive while a pod is being decided are not lost:
 * `fail` checks those since `pop`.
 */
export class SchedulingQueue {
  readonly #clock: Clock;
  readonly #backOff: BackOff;
  readonly #wake: () => void;
  readonly #active = new Map<string, QueuedPod>();
  readonly #backingOff = new Map<string, { entry: QueuedPod; timer: Timer }>();
  readonly #unschedulable = new Map<string, QueuedPod>();
  /** Popped pods without a result yet, with the events since. */
  readonly #inFlight = new Map<string, Set<ClusterEvent>>();

  constructor(clock: Clock, backOff: BackOff, wake: () => void) {
    this.#clock = clock;
    this.#backOff = backOff;
    this.#wake = wake;
  }

  /** A new pod, or a new version that may have become schedulable. */
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

  /** The active pod of highest priority; of equal ones, the longest waiting. */
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

  /** The popped pod was scheduled. */
  done(uid: string): void {
    this.#inFlight.delete(uid);
  }

  /** No node: waits for one of these events, unless it has already happened. `now` skips the wait (a failed bind). */
  fail(entry: QueuedPod, wakesOn: ReadonlySet<ClusterEvent>, retry = false): void {
    const uid = entry.info.uid;
    const seen = this.#inFlight.get(uid);
    this.#inFlight.delete(uid);
    entry.wakesOn = wakesOn;
    entry.lastFailure = this.#clock.monotonic();
    if (retry || (seen && [...seen].some((event) => wakesOn.has(event)))) this.#delay(entry);
    else this.#unschedulable.set(uid, entry);
  }

  /** An event: pods it may help are retried, after their backoff. */
  event(event: ClusterEvent): void {
    for (const seen of this.#inFlight.values()) seen.add(event);
    for (const entry of this.#unschedulable.values()) {
      if (!entry.wakesOn.has(event)) continue;
      this.#unschedulable.delete(entry.info.uid);
      this.#delay(entry);
    }
  }

  /** Retries all unschedulable pods, in case an event was missed. */
  flush(olderThanMs: number): void {
    const now = this.#clock.monotonic();
    for (const entry of this.#unschedulable.values()) {
      if (now - entry.lastFailure < olderThanMs) continue;
      this.#unschedulable.delete(entry.info.uid);
      this.#delay(entry);
    }
  }

  /** True when no pod waits, in any state. */
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
