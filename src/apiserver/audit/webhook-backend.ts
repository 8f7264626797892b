import type { Clock, Logger, Timer } from "../../machinery/index.ts";
import { type PostJson } from "../network/post-json.ts";
import type { AuditBackend, AuditEvent } from "./event.ts";

export interface WebhookOptions {
  post: PostJson;
  clock: Clock;
  log: Logger;
  /** Events in one request at most. */
  maxBatch?: number;
  maxWaitMs?: number;
  /** Events that wait; what comes beyond is lost, and said to be. */
  buffer?: number;
  /** Wait before a request is made again; doubles. */
  retryMs?: number;
  /** Hears of events that are lost. */
  lost?: (plugin: "webhook" | "buffered", events: number) => void;
}

const timeoutMs = 30_000;
const attempts = 4;

/** Events in batches to another server, beside the requests: a slow one costs events, never requests. */
export function webhookBackend(options: WebhookOptions): AuditBackend {
  const { post, clock, log } = options;
  const { maxBatch = 400, maxWaitMs = 30_000, buffer = 10_000, retryMs = 10_000 } = options;
  let waiting: AuditEvent[] = [];
  let timer: Timer | undefined;
  let sending: Promise<void> = Promise.resolve();
  let lost = 0;
  const closing = new AbortController();

  const send = async (items: AuditEvent[]): Promise<void> => {
    const list = { kind: "EventList", apiVersion: "audit.k8s.io/v1", metadata: {}, items };
    for (let attempt = 1; ; attempt++) {
      try {
        await post(list, timeoutMs);
        return;
      } catch (error) {
        if (attempt === attempts || closing.signal.aborted) {
          options.lost?.("webhook", items.length);
          log.warn("audit events were lost: the webhook does not take them", { events: items.length, error });
          return;
        }
        await clock.sleep(retryMs * 2 ** (attempt - 1), closing.signal).catch(() => {});
      }
    }
  };
  const flush = (): void => {
    timer?.stop();
    timer = undefined;
    sending = sending.then(async () => {
      while (waiting.length > 0) {
        const batch = waiting.slice(0, maxBatch);
        waiting = waiting.slice(batch.length);
        await send(batch);
      }
    });
  };

  return {
    plugin: "buffered",
    write(event) {
      if (waiting.length >= buffer) {
        options.lost?.("buffered", 1);
        if (lost++ % 1000 === 0) log.warn("audit events are lost: too many are waiting", { lost });
        return;
      }
      waiting.push(event);
      if (waiting.length >= maxBatch) flush();
      else timer ??= clock.timer(maxWaitMs, flush);
    },
    async close() {
      closing.abort();
      flush();
      await sending;
    },
  };
}
