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

/** What every controller is handed: one client, and caches that all of them share. */
export interface ControllerContext {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** 0 <= x < 1 */
  readonly random: () => number;
  /** Events under the name of a controller, e.g. `replicaset-controller`. */
  recorder(component: string): EventRecorder;
}

/** Sets up its watches before it returns for the first time; settles when the signal aborts and its work is over. */
export type Controller = (context: ControllerContext) => Promise<void>;

export interface Loop {
  name: string;
  queue: WorkQueue;
  workers: number;
  /** Caches that must be filled before the first decision. */
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
