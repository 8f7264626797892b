import {
  type ComponentContext,
  createClient,
  createEventRecorder,
  createInformerFactory,
} from "../client/index.ts";
import type { Controller, ControllerContext } from "./context.ts";
import { runDeployments } from "./deployment/index.ts";
import { runReplicaSets } from "./replicaset/index.ts";

export interface ControllersConfig {
  /** Start of the sequence that scatters waits. */
  seed?: number;
}

/** Runs every controller over shared caches; settles when `context.signal` aborts and the last of them is through. */
export async function startControllers(context: ComponentContext, config: ControllersConfig): Promise<void> {
  const { api, clock, log, signal } = context;
  const random = sequence(config.seed ?? 1);
  const client = createClient(api, { userAgent: "kube-controller-manager" });
  const informers = createInformerFactory({ clock, log, signal, random });
  const shared: ControllerContext = {
    client,
    informers,
    clock,
    log,
    signal,
    random,
    recorder: (component) => createEventRecorder(client, clock, log, { component }),
  };
  const controllers: Controller[] = [runReplicaSets, runDeployments];
  await Promise.all(controllers.map((run) => run(shared)));
  await informers.ended();
}

/** 0 <= x < 1, the same for the same seed (mulberry32). */
function sequence(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
