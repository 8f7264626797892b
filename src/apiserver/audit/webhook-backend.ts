import type { Clock } from "../../machinery/index.ts";
import type { PostJson } from "../network/post-json.ts";
import { withRetries } from "../network/retries.ts";
import type { AuditBackend, Loss } from "./event.ts";

export interface WebhookOptions {
  post: PostJson;
  clock: Clock;
  random: () => number;
  /** Initial backoff of retries; grows by half each time. */
  initialBackoffMs: number;
  lost: Loss;
}

const timeoutMs = 30_000;

/** Sends events to a webhook; retries on any error for a while. */
export function webhookBackend({
  post,
  clock,
  random,
  initialBackoffMs,
  lost,
}: WebhookOptions): AuditBackend {
  const closing = new AbortController();
  return {
    async process(entries) {
      const items = entries.map(({ json }) => json).join();
      const list = `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[${items}]}`;
      try {
        await withRetries(() => post(list, timeoutMs), {
          clock,
          random,
          firstWaitMs: initialBackoffMs,
          passes: () => true,
          signal: closing.signal,
        });
        return true;
      } catch (error) {
        lost("webhook", entries.length, error);
        return false;
      }
    },
    async close() {
      closing.abort(new Error("audit backend shut down"));
    },
  };
}
