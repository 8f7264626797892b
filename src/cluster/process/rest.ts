/**
 * The heap may grow to some size before its first collection, which saves CPU time under load. An idle server collects it and
 * returns memory.
 */
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import type { Clock, Timer } from "../../machinery/index.ts";
import { firstBytes, growingPercent } from "./node-flags.ts";

const everyMs = 10_000;
/** Of one core. */
const restingShare = 0.1;
/** Less growth since the last collection is not worth it. */
const worthBytes = 24 * 1024 * 1024;
/** Larger heaps take noticeably long to collect. */
const mostBytes = 256 * 1024 * 1024;

/** Measurements and actions on a process. */
export interface Heap {
  /** CPU time so far, of all threads. */
  processorMs(): number;
  /** Memory held by the heap, used or not. */
  heldBytes(): number;
  /** Collects the whole heap and returns free memory. */
  collect(): void;
}

/** This process; undefined where Node was started without `--expose-gc`. */
export function ownHeap(): Heap | undefined {
  const { gc } = globalThis;
  if (!gc) return undefined;
  return {
    processorMs: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1000;
    },
    heldBytes: () => getHeapStatistics().total_physical_size,
    collect() {
      gc({ type: "major", execution: "sync", flavor: "last-resort" });
      // The next limit is set at the end of a collection.
      const growth = Math.round((firstBytes / getHeapStatistics().used_heap_size - 1) * 100);
      if (growth <= growingPercent) return;
      setFlagsFromString(`--heap-growing-percent=${growth}`);
      gc({ type: "major", execution: "sync" });
      setFlagsFromString(`--heap-growing-percent=${growingPercent}`);
    },
  };
}

/** Collects periodically while idle, until it is stopped. */
export function collectAtRest(clock: Clock, heap: Heap): Timer {
  let timer: Timer;
  let spent = heap.processorMs();
  let began = clock.monotonic();
  let left = 0;
  const look = (): void => {
    const [now, at] = [heap.processorMs(), clock.monotonic()];
    const resting = now - spent < restingShare * (at - began);
    const held = heap.heldBytes();
    if (resting && held - left >= worthBytes && held <= mostBytes) {
      heap.collect();
      left = heap.heldBytes();
    }
    [spent, began] = [now, at];
    timer = clock.timer(everyMs, look);
  };
  timer = clock.timer(everyMs, look);
  return { stop: () => timer.stop() };
}
