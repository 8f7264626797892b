import { Worker } from "node:worker_threads";
import { StoreFailedError } from "../contract.ts";
import type { Hello, WorkerOptions } from "./messages.ts";

export interface StoreThread {
  worker: Worker;
  /** What the file holds. */
  hello: Extract<Hello, { type: "open" }>;
}

/** Starts the thread that owns the file. Rejects with StoreFailedError when it cannot open it. */
export async function startThread(path: string): Promise<StoreThread> {
  // The worker's file has this file's ending: .ts from source, .js when bundled.
  const ending = import.meta.url.slice(import.meta.url.lastIndexOf("."));
  const worker = new Worker(new URL(`./worker${ending}`, import.meta.url), {
    workerData: { path } satisfies WorkerOptions,
    name: "wherry-store",
  });
  const hello = await new Promise<Hello>((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", () => reject(new StoreFailedError("the store's thread ended before it was ready")));
  });
  for (const event of ["error", "exit"]) worker.removeAllListeners(event);
  if (hello.type === "open") return { worker, hello };
  await worker.terminate();
  throw new StoreFailedError(hello.message);
}

/** Calls back once when the thread has ended by itself, with the file released, and says why. */
export function onEnd(worker: Worker, ended: (error: StoreFailedError) => void): void {
  let cause: unknown;
  worker.once("error", (error) => (cause = error));
  worker.once("exit", () => {
    const why = cause === undefined ? "it ended" : String(cause);
    ended(new StoreFailedError(`the store's thread failed: ${why}`, { cause }));
  });
}
