import type { KubeObject } from "../api/index.ts";
import {
  type Client,
  type EventRecorder,
  type Informer,
  type InformerFactory,
  type Reconcile,
  runWorkers,
  WorkQueue,
} from "../client/index.ts";
import type { Clock, Logger } from "../machinery/index.ts";

/** Shared by all controllers: one client, and caches. */
export interface ControllerContext {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** 0 <= x < 1 */
  readonly random: () => number;
  /** Events with the name of a controller, e.g. `replicaset-controller`. */
  recorder(component: string): EventRecorder;
}

/** Sets up its watches synchronously; resolves when the signal has aborted and its work is done. */
export type Controller = (context: ControllerContext) => Promise<void>;

export interface Loop {
  name: string;
  queue: WorkQueue;
  workers: number;
  /** Caches to fill before the first reconciliation. */
  needs: readonly Pick<Informer<KubeObject>, "synced">[];
  reconcile: Reconcile;
}

export function newQueue(context: ControllerContext): WorkQueue {
  return new WorkQueue({ clock: context.clock });
}

export async function runLoop(context: ControllerContext, loop: Loop): Promise<void> {
  try {
    await Promise.all(loop.needs.map((informer) => informer.synced));
  } catch (error) {
    if (context.signal.aborted) return;
    throw error;
  }
  const log = context.log.with({ controller: loop.name });
  await runWorkers(loop.queue, loop.workers, loop.reconcile, { log, signal: context.signal });
}
