import type { Pod } from "../../api/index.ts";
import { finishTime } from "./pods.ts";
import { waitAfter } from "./reconcile.ts";

interface Entry {
  /** Consecutive failures. */
  failures: number;
  lastAt: number;
  /** UIDs. */
  seen: Set<string>;
}

/** Consecutive pod failures by Job. Kept in memory: a restart only shortens one backoff. */
export class FailureRecord {
  readonly #entries = new Map<string, Entry>();

  /** Adds finished pods; true when one was new. */
  note(key: string, ended: readonly Pod[], now: number): boolean {
    const entry = this.#entries.get(key) ?? { failures: 0, lastAt: 0, seen: new Set<string>() };
    const fresh = ended
      .filter((pod) => !entry.seen.has(pod.metadata?.uid ?? ""))
      .map((pod) => ({ pod, at: finishTime(pod, now) }))
      .sort((a, b) => a.at - b.at);
    for (const { pod, at } of fresh) {
      entry.seen.add(pod.metadata?.uid ?? "");
      if (pod.status?.phase === "Succeeded") entry.failures = 0;
      else {
        entry.failures++;
        entry.lastAt = Math.max(entry.lastAt, at);
      }
    }
    if (fresh.length > 0) this.#entries.set(key, entry);
    return fresh.length > 0;
  }

  /** Epoch milliseconds. */
  notBefore(key: string): number {
    const entry = this.#entries.get(key);
    return entry && entry.failures > 0 ? entry.lastAt + waitAfter(entry.failures) : 0;
  }

  forget(key: string): void {
    this.#entries.delete(key);
  }
}
