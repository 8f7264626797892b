import type { CoreV1Event, KubeObject } from "../../api/index.ts";
import { type Clock, formatTime, type Logger, StatusError } from "../../machinery/index.ts";
import type { Client } from "../client.ts";
import { EventCorrelator } from "./correlator.ts";

export type EventType = "Normal" | "Warning";

export interface EventRecorder {
  /** Returns at once; the event is sent in the background, and dropped if the server rejects it. */
  event(object: KubeObject, type: EventType, reason: string, message: string, fieldPath?: string): void;
  /** Resolves when all events so far are sent or dropped. */
  flush(): Promise<void>;
}

export interface EventSource {
  component: string;
  /** The node of the event. */
  host?: string;
  /** The part of the object concerned, e.g. `spec.containers{web}`, for the methods below. */
  fieldPath?: string;
}

/** Limit of queued events; more are dropped. */
const maxWaiting = 1000;
/** Limit of concurrent requests. */
const width = 4;
const attempts = 6;

/** Writes core/v1 Events: counts repeated ones, combines similar ones, limits the rate per object. */
export function createEventRecorder(
  client: Client,
  clock: Clock,
  log: Logger,
  source: EventSource,
): EventRecorder {
  const correlator = new EventCorrelator(clock);
  const waiting: CoreV1Event[] = [];
  const busy = new Set<string>();
  const idle: (() => void)[] = [];
  let sending = 0;
  let serial = 0;

  const send = async (event: CoreV1Event): Promise<void> => {
    const known = correlator.known(event);
    for (let attempt = 1; ; attempt++) {
      try {
        if (known && (await countUp(known, event))) return;
        const made = await client.events.create(event.metadata.namespace, event);
        correlator.written(event, made);
        return;
      } catch (error) {
        if (error instanceof StatusError || attempt === attempts) {
          log.debug("event not written", { reason: event.reason, object: event.involvedObject.name, error });
          return;
        }
        await clock.sleep(100 * 2 ** attempt);
      }
    }
  };

  /** False when the event no longer exists. */
  const countUp = async (known: { name: string; count: number }, event: CoreV1Event): Promise<boolean> => {
    try {
      const made = await client.events.patch(event.metadata.namespace, known.name, "merge", {
        count: known.count + 1,
        lastTimestamp: event.lastTimestamp,
        message: event.message,
      });
      correlator.written(event, made);
      return true;
    } catch (error) {
      if (error instanceof StatusError && error.reason === "NotFound") return false;
      throw error;
    }
  };

  const pump = (): void => {
    for (let at = 0; at < waiting.length && sending < width; at++) {
      const event = waiting[at] as CoreV1Event;
      const key = correlator.key(event);
      // Two equal ones at once would both be created instead of counted.
      if (busy.has(key)) continue;
      waiting.splice(at--, 1);
      busy.add(key);
      sending++;
      void send(event).finally(() => {
        busy.delete(key);
        sending--;
        pump();
        if (sending === 0 && waiting.length === 0) for (const resolve of idle.splice(0)) resolve();
      });
    }
  };

  return {
    event(object, type, reason, message, fieldPath = source.fieldPath) {
      const event = makeEvent(object, type, reason, message, fieldPath);
      const accepted = correlator.accept(event);
      if (!accepted || waiting.length >= maxWaiting) return;
      waiting.push(accepted);
      pump();
    },
    flush: () =>
      sending === 0 && waiting.length === 0
        ? Promise.resolve()
        : new Promise((resolve) => idle.push(resolve)),
  };

  function makeEvent(
    object: KubeObject,
    type: EventType,
    reason: string,
    message: string,
    fieldPath: string | undefined,
  ): CoreV1Event {
    const meta = object.metadata ?? {};
    const now = formatTime(clock.now());
    const nanos = BigInt(Math.floor(clock.now() * 1000)) * 1000n + BigInt(serial++ % 1000);
    return {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: `${meta.name}.${nanos.toString(16)}`, namespace: meta.namespace ?? "default" },
      involvedObject: {
        ...(object.kind ? { kind: object.kind } : {}),
        ...(meta.namespace ? { namespace: meta.namespace } : {}),
        name: meta.name ?? "",
        ...(meta.uid ? { uid: meta.uid } : {}),
        ...(object.apiVersion ? { apiVersion: object.apiVersion } : {}),
        ...(meta.resourceVersion ? { resourceVersion: meta.resourceVersion } : {}),
        ...(fieldPath ? { fieldPath } : {}),
      },
      reason,
      message: message.length > 1024 ? message.slice(0, 1024) : message,
      source: { component: source.component, ...(source.host ? { host: source.host } : {}) },
      reportingComponent: source.component,
      reportingInstance: source.host ?? "",
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
      type,
    };
  }
}
