import type { KubeObject } from "../../api/index.ts";
import type { Clock, Logger } from "../../machinery/index.ts";
import type { ObjectReader } from "../auth-contract.ts";

const retryMs = 1000;

/**
 * Calls `act` at once and after every relevant change, never concurrently, and again after a second when it failed. Resolves when
 * the signal aborts.
 */
export async function keepDoing(
  what: { group: string; resource: string; concerns(object: KubeObject): boolean; act(): Promise<void> },
  { objects, clock, log, signal }: { objects: ObjectReader; clock: Clock; log: Logger; signal: AbortSignal },
): Promise<void> {
  let wake: () => void = () => {};
  let changed = true;
  const stop = objects.onChange(what.group, what.resource, (_type, object) => {
    if (!what.concerns(object)) return;
    changed = true;
    wake();
  });
  signal.addEventListener("abort", () => wake(), { once: true });
  try {
    while (!signal.aborted) {
      if (!changed) await new Promise<void>((resolve) => (wake = resolve));
      changed = false;
      if (signal.aborted) break;
      try {
        await what.act();
      } catch (error) {
        if (signal.aborted) break;
        log.warn(`keeping ${what.resource} up to date failed`, { error });
        await clock.sleep(retryMs, signal).catch(() => {});
        changed = true;
      }
    }
  } finally {
    stop();
  }
}
