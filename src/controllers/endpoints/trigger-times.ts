import type { Pod, Service } from "../../api/index.ts";

export const triggerTimeAnnotation = "endpoints.kubernetes.io/last-change-trigger-time";

interface Seen {
  service: number;
  pods: Map<string, number>;
}

/** Since when endpoints were out of date when they were written: from it proxies tell how long a change took to arrive. */
export class TriggerTimes {
  readonly #seen = new Map<string, Seen>();

  /** The earliest change of the Service and the pods it selects that has not been told of before; undefined: nothing is new. */
  next(key: string, service: Service, pods: readonly Pod[]): string | undefined {
    const before = this.#seen.get(key);
    const now: Seen = { service: parsed(service.metadata?.creationTimestamp), pods: new Map() };
    const fresh: number[] = now.service > (before?.service ?? 0) ? [now.service] : [];
    for (const pod of pods) {
      const name = pod.metadata?.name ?? "";
      const ready = pod.status?.conditions?.find((condition) => condition.type === "Ready");
      const time = parsed(ready?.lastTransitionTime);
      if (time === 0) continue;
      now.pods.set(name, time);
      if (time > (before?.pods.get(name) ?? 0)) fresh.push(time);
    }
    this.#seen.set(key, now);
    if (fresh.length === 0) return undefined;
    return new Date(Math.min(...fresh)).toISOString().replace(/\.000Z$/, "Z");
  }

  forget(key: string): void {
    this.#seen.delete(key);
  }
}

/** The annotations of what is written now: with the time of the change, or without that of a former one. */
export function withTriggerTime(
  annotations: Record<string, string> | undefined,
  time: string | undefined,
): { annotations?: Record<string, string> } {
  const { [triggerTimeAnnotation]: _, ...rest } = annotations ?? {};
  const all = time === undefined ? rest : { ...rest, [triggerTimeAnnotation]: time };
  return Object.keys(all).length > 0 ? { annotations: all } : {};
}

const parsed = (time: string | undefined): number => Date.parse(time ?? "") || 0;
