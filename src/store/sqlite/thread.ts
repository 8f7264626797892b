import { Worker } from "node:worker_threads";
import { StoreFailedError } from "../contract.ts";
import type { Hello, WorkerOptions } from "./messages.ts";

export interface StoreThread {
  worker: Worker;
  /** What the file holds. */
  hello: Extract<Hello, { type: "open" }>;
  /** Resolves when the thread has ended, with the file released, and says why. */
  ended: Promise<StoreFailedError>;
}

/** Starts the thread that owns the file. Rejects with StoreFailedError when it cannot open it. */
export async function startThread(path: string): Promise<StoreThread> {
  // The worker's file has this file's ending: .ts from source, .js when bundled.
  const ending = import.meta.url.slice(import.meta.url.lastIndexOf("."));
  const worker = new Worker(new URL(`./worker${ending}`, import.meta.url), {
    workerData: { path } satisfies WorkerOptions,
    name: "wherry-store",
  });
  const ended = endOf(worker);
  const first = await Promise.race([new Promise<Hello>((resolve) => worker.once("message", resolve)), ended]);
  if (first instanceof StoreFailedError) throw first;
  if (first.type === "open") return { worker, hello: first, ended };
  await worker.terminate();
  throw new StoreFailedError(first.message);
}

function endOf(worker: Worker): Promise<StoreFailedError> {
  return new Promise((resolve) => {
    let cause: unknown;
    worker.once("error", (error) => (cause = error));
    worker.once("exit", () => {
      const why = cause === undefined ? "it ended" : String(cause);
      resolve(new StoreFailedError(`the store's thread failed: ${why}`, { cause }));
    });
  });
}
