import type { Pod } from "../api/index.ts";
import { type Client, type ComponentContext, createClient, createEventRecorder } from "../client/index.ts";
import { isReason } from "../machinery/index.ts";
import { bindClaims, ClaimWaiter, planForNode, promise, release } from "./bind-claims.ts";
import type { ClaimPlan } from "./claims.ts";
import { ClusterState } from "./cluster-state.ts";
import { type Decision, decide, type Diagnosis } from "./decide.ts";
import { evict, listBudgets } from "./evict.ts";
import { failureMessage } from "./failure-message.ts";
import type { ClusterEvent } from "./plugin.ts";
import { type PodInfo, podInfo } from "./pod-info.ts";
import { planPreemption } from "./preemption.ts";
import { type QueuedPod, SchedulingQueue } from "./queue.ts";
import { Reporter } from "./report.ts";
import type { Snapshot } from "./snapshot.ts";
import { watchCluster } from "./watch-cluster.ts";

export interface SchedulerConfig {
  /** Pods with another spec.schedulerName are ignored. Default `default-scheduler`. */
  schedulerName?: string;
  /** Seed for breaking ties. */
  seed?: number;
}

/** Backoff before the second attempt; doubles up to the maximum. */
const backOff = { initialMs: 50, maxMs: 10_000 };
/** Longest run of decisions before yielding the thread. */
const sliceMs = 8;
/** An unschedulable pod is retried after this time even without an event. */
const forgottenMs = 300_000;

/** Schedules all pods. Resolves when `signal` has aborted and all pending calls have ended. */
export async function startScheduler(context: ComponentContext, config: SchedulerConfig): Promise<void> {
  const scheduler = new Scheduler(context, config);
  await scheduler.run();
}

class Scheduler {
  readonly #context: ComponentContext;
  readonly #name: string;
  readonly #client: Client;
  readonly #state = new ClusterState();
  readonly #queue: SchedulingQueue;
  readonly #reporter: Reporter;
  readonly #waiter = new ClaimWaiter();
  readonly #random: () => number;
  readonly #cursor = { at: 0 };
  /** Nominated pods by node. */
  readonly #nominated = new Map<string, Map<string, PodInfo>>();
  readonly #underWay = new Set<Promise<void>>();
  #snapshot: Snapshot | undefined;
  #deciding = false;
  #ready = false;

  constructor(context: ComponentContext, config: SchedulerConfig) {
    this.#context = context;
    this.#name = config.schedulerName ?? "default-scheduler";
    this.#client = createClient(context.api);
    this.#queue = new SchedulingQueue(context.clock, backOff, () => this.#kick());
    const recorder = createEventRecorder(this.#client, context.clock, context.log, { component: this.#name });
    this.#reporter = new Reporter(this.#client, recorder, context.clock, context.log);
    this.#random = randomFrom(config.seed ?? 1);
  }

  async run(): Promise<void> {
    const { signal, clock } = this.#context;
    this.#snapshot = await watchCluster(this.#context, this.#client, this.#state, {
      waiting: (pod) => this.#waiting(pod),
      placed: (pod) => this.#leftQueue(pod.metadata?.uid ?? ""),
      gone: (pod) => this.#leftQueue(pod.metadata?.uid ?? ""),
      event: (event) => this.#queue.event(event),
      claimChanged: (key) => this.#waiter.changed(key),
    });
    this.#ready = true;
    this.#kick();
    while (!signal.aborted) {
      await clock.sleep(30_000, signal).catch(() => undefined);
      this.#queue.flush(forgottenMs);
    }
    this.#queue.stop();
    await Promise.allSettled(this.#underWay);
  }

  #waiting(pod: Pod): void {
    if ((pod.spec?.schedulerName ?? "default-scheduler") !== this.#name) return;
    if (pod.metadata?.deletionTimestamp) {
      this.#leftQueue(pod.metadata.uid ?? "");
      return;
    }
    const info = podInfo(pod);
    if (this.#state.isAssumed(info.uid)) return;
    // The API server has reported it when the pod was created.
    if ((pod.spec?.schedulingGates ?? []).length > 0) return;
    const known = this.#queue.find(info.uid);
    this.#queue.add(info, !known || decisive(known.info.pod, pod));
  }

  #leftQueue(uid: string): void {
    this.#queue.remove(uid);
    this.#nominate(uid, undefined);
  }

  /** Decides in the next microtask, so that a burst of pods is one run. */
  #kick(): void {
    if (this.#deciding || !this.#ready || this.#context.signal.aborted) return;
    this.#deciding = true;
    this.#track(Promise.resolve().then(() => this.#decideAll()));
  }

  async #decideAll(): Promise<void> {
    const { clock, signal } = this.#context;
    try {
      let sliceStart = clock.monotonic();
      for (let entry = this.#queue.pop(); entry && !signal.aborted; entry = this.#queue.pop()) {
        this.#decideOne(entry);
        if (clock.monotonic() - sliceStart < sliceMs) continue;
        await clock.sleep(0);
        sliceStart = clock.monotonic();
      }
    } finally {
      this.#deciding = false;
    }
  }

  #decideOne(entry: QueuedPod): void {
    const snapshot = this.#snapshot;
    if (!snapshot) return;
    const { info } = entry;
    let decision: Decision;
    try {
      decision = decide(info, snapshot, {
        random: this.#random,
        nominated: (node) => [...(this.#nominated.get(node)?.values() ?? [])],
        cursor: this.#cursor,
      });
    } catch (error) {
      this.#context.log.error("pod could not be decided", { pod: info.key, error });
      this.#queue.fail(entry, anyEvent, true);
      this.#track(this.#reporter.failed(info, "SchedulerError", String(error)));
      return;
    }
    if (decision.kind === "unschedulable") {
      this.#queue.fail(entry, new Set(wakers(decision.diagnosis)));
      this.#track(this.#unschedulable(info, decision.diagnosis, snapshot));
      return;
    }
    const node = snapshot.nodes.get(decision.node);
    if (!node) return;
    const plan = planForNode(info, node.node, snapshot.storage);
    promise(plan, this.#state);
    this.#state.assume(info, node.name);
    this.#nominate(info.uid, undefined);
    this.#track(this.#bind(entry, node.name, plan, snapshot));
  }

  async #bind(entry: QueuedPod, node: string, plan: ClaimPlan, snapshot: Snapshot): Promise<void> {
    const { info } = entry;
    const { clock, signal } = this.#context;
    try {
      await bindClaims(plan, node, snapshot.storage, this.#waiter, this.#client, clock, signal);
      await this.#reporter.quiet(info.uid);
      const { name, namespace, uid } = info.pod.metadata ?? {};
      await this.#client.pods.subresource(namespace, name ?? "", "binding", "POST", {
        apiVersion: "v1",
        kind: "Binding",
        metadata: { name, namespace, uid },
        target: { apiVersion: "v1", kind: "Node", name: node },
      });
      this.#queue.done(info.uid);
      this.#reporter.scheduled(info, node);
    } catch (error) {
      this.#state.forget(info.uid);
      this.#queue.event("PodDelete");
      // Deleted, or bound by another client.
      const settled = isReason(error, "NotFound") || this.#state.has(info.uid);
      if (settled || signal.aborted) {
        this.#queue.done(info.uid);
        return;
      }
      this.#queue.fail(entry, anyEvent, true);
      const message = error instanceof Error ? error.message : String(error);
      this.#context.log.warn("pod could not be bound", { pod: info.key, node, error: message });
      await this.#reporter.failed(info, "SchedulerError", message);
    } finally {
      release(plan, this.#state);
    }
  }

  async #unschedulable(info: PodInfo, diagnosis: Diagnosis, snapshot: Snapshot): Promise<void> {
    const budgets = this.#mayPreempt(info, snapshot) ? await listBudgets(this.#client) : [];
    const promised = this.#nominatedNode(info.uid) ?? info.pod.status?.nominatedNodeName;
    const plan = planPreemption(info, snapshot, diagnosis, budgets, promised);
    if (plan.kind !== "evict") {
      const words =
        plan.kind === "wait"
          ? "preemption: not eligible due to a terminating pod on the nominated node."
          : plan.message;
      const keep = plan.kind === "wait" || plan.room ? undefined : "";
      if (keep === "") this.#nominate(info.uid, undefined);
      await this.#reporter.failed(info, "Unschedulable", failureMessage(diagnosis, words), keep);
      return;
    }
    this.#nominate(info.uid, plan.node, info);
    await this.#reporter.failed(info, "Unschedulable", failureMessage(diagnosis, ""), plan.node);
    for (const victim of plan.victims) this.#reporter.preempted(victim, info, plan.node);
    const done = await Promise.allSettled(
      plan.victims.map((victim) => evict(victim, this.#name, this.#client, this.#context.clock)),
    );
    for (const outcome of done) {
      if (outcome.status === "rejected") {
        this.#context.log.warn("victim could not be evicted", { pod: info.key, error: outcome.reason });
      }
    }
  }

  #mayPreempt(info: PodInfo, snapshot: Snapshot): boolean {
    if (info.pod.spec?.preemptionPolicy === "Never") return false;
    for (const node of snapshot.nodes.values()) {
      for (const other of node.pods.values()) if (other.priority < info.priority) return true;
    }
    return false;
  }

  #nominatedNode(uid: string): string | undefined {
    for (const [name, pods] of this.#nominated) if (pods.has(uid)) return name;
    return undefined;
  }

  #nominate(uid: string, node: string | undefined, info?: PodInfo): void {
    for (const [name, pods] of this.#nominated) {
      if (pods.delete(uid) && pods.size === 0) this.#nominated.delete(name);
    }
    if (node === undefined || !info) return;
    this.#nominated.set(node, (this.#nominated.get(node) ?? new Map()).set(uid, info));
  }

  #track(work: Promise<void>): void {
    const settled = work
      .catch((error: unknown) => this.#context.log.error("scheduling step failed", { error }))
      .finally(() => this.#underWay.delete(settled));
    this.#underWay.add(settled);
  }
}

const anyEvent: ReadonlySet<ClusterEvent> = new Set();

function* wakers(diagnosis: Diagnosis): Iterable<ClusterEvent> {
  if (diagnosis.plugins.size === 0) yield "NodeAdd";
  for (const plugin of diagnosis.plugins) yield* plugin.wakesOn;
}

/** Whether a change of the pod may make it schedulable; the scheduler's own status writes do not. */
function decisive(old: Pod, now: Pod): boolean {
  return (
    JSON.stringify(old.metadata?.labels) !== JSON.stringify(now.metadata?.labels) ||
    JSON.stringify(old.spec) !== JSON.stringify(now.spec)
  );
}

/** A linear congruential generator: reproducible, and sufficient for breaking ties. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
