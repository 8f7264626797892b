import type { Timer } from "../../machinery/index.ts";
import { CompactedError } from "../../store/index.ts";
import type { Core } from "../core.ts";

/** The default of kube-apiserver. */
const everyMs = 5 * 60_000;

/** Compacts history older than five to ten minutes, in the store and in the caches. */
export function startCompaction(core: Core): { stop(): void } {
  let stopped = false;
  let timer: Timer | undefined;
  let previous = core.caches.revision;
  const run = async (): Promise<void> => {
    const target = previous;
    previous = core.caches.revision;
    try {
      if (target > core.store.compactedRevision) await core.store.compact(target);
    } catch (error) {
      // Another server was faster; other errors are retried in five minutes.
      if (!(error instanceof CompactedError)) core.log.warn("compaction failed", { error });
    }
    for (const cache of core.caches.all()) cache.forget(core.store.compactedRevision);
    if (!stopped) arm();
  };
  const arm = (): void => {
    timer = core.clock.timer(everyMs, () => void run());
  };
  arm();
  return {
    stop() {
      stopped = true;
      timer?.stop();
    },
  };
}
