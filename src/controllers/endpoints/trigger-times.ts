import type { Pod, Service } from "../../api/index.ts";

export const triggerTimeAnnotation = "endpoints.kubernetes.io/last-change-trigger-time";

interface Seen {
  service: number;
  pods: Map<string, number>;
}

/** When endpoints became outdated: proxies compute the latency of changes from it. */
export class TriggerTimes {
  readonly #seen = new Map<string, Seen>();

  /** The earliest unreported change of the Service and its pods; undefined when there is none. */
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

/** Annotations to write: with this change's time, or without a former one's. */
export function withTriggerTime(
  annotations: Record<string, string> | undefined,
  time: string | undefined,
): { annotations?: Record<string, string> } {
  const { [triggerTimeAnnotation]: _, ...rest } = annotations ?? {};
  const all = time === undefined ? rest : { ...rest, [triggerTimeAnnotation]: time };
  return Object.keys(all).length > 0 ? { annotations: all } : {};
}

const parsed = (time: string | undefined): number => Date.parse(time ?? "") || 0;
