import { isReason, type Logger } from "../../machinery/index.ts";
import type { WorkQueue } from "./work-queue.ts";

/** How a reconcile ended. An error thrown instead means: again, after a wait that grows. */
export type Outcome =
  /** What is, is what should be. */
  | { kind: "settled" }
  /** Something else must happen first; its event will bring the key back. */
  | { kind: "waitFor"; what: string }
  | { kind: "again"; afterMs: number; why: string };

/** The event that woke it is not an input: it looks at the state there is. */
export type Reconcile = (key: string, signal: AbortSignal) => Promise<Outcome>;

export const settled: Outcome = { kind: "settled" };

/** Works the queue with `count` workers; settles when `signal` aborts and the last of them is through. */
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
          // Somebody else wrote first: looking again is all it takes.
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
