import { isReason, type Logger } from "../../machinery/index.ts";
import type { WorkQueue } from "./work-queue.ts";

/** Result of a reconciliation. A thrown error means a retry after a growing backoff. */
export type Outcome =
  /** The actual state is the desired one. */
  | { kind: "settled" }
  /** Waits for another change, whose event queues the key. */
  | { kind: "waitFor"; what: string }
  | { kind: "again"; afterMs: number; why: string };

/** Reconciles a key by the current state; the triggering event is no input. */
export type Reconcile = (key: string, signal: AbortSignal) => Promise<Outcome>;

export const settled: Outcome = { kind: "settled" };

/** Processes the queue with `count` workers; resolves when `signal` has aborted and all workers have ended. */
export async function runWorkers(
  queue: WorkQueue,
  count: number,
  reconcile: Reconcile,
  context: { log: Logger; signal: AbortSignal },
): Promise<void> {
  const { log, signal } = context;
  const onAbort = (): void => queue.close();
  if (signal.aborted) queue.close();
  else signal.addEventListener("abort", onAbort, { once: true });
  await Promise.all(Array.from({ length: count }, work));
  signal.removeEventListener("abort", onAbort);

  async function work(): Promise<void> {
    for (let key = await queue.take(); key !== undefined; key = await queue.take()) {
      try {
        const outcome = await reconcile(key, signal);
        queue.forget(key);
        if (outcome.kind === "again") queue.addAfter(key, outcome.afterMs);
        else if (outcome.kind === "waitFor") log.debug("waiting", { key, what: outcome.what });
      } catch (error) {
        if (!signal.aborted) {
          // A write conflict: retrying is sufficient.
          const lost = isReason(error, "Conflict");
          if (lost) log.debug("changed meanwhile, looking again", { key });
          else log.warn("reconcile failed, trying again", { key, failures: queue.failures(key), error });
          queue.addRateLimited(key);
        }
      } finally {
        queue.done(key);
      }
    }
  }
}
