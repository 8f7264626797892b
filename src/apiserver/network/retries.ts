/** Retries of webhook calls (k8s.io/apiserver, pkg/util/webhook/webhook.go). */
import type { Clock } from "../../machinery/index.ts";

/** A complete answer. */
export interface PostAnswer {
  status: number;
  contentType: string | undefined;
  /** Seconds; undefined without the header. */
  retryAfter: number | undefined;
  body: Buffer;
}

/** The status was not 2xx. */
export class PostStatusError extends Error {
  override readonly name = "PostStatusError";
  readonly code: number;
  readonly answer: PostAnswer;

  constructor(answer: PostAnswer) {
    super(`the webhook answered with status ${answer.status}`);
    this.code = answer.status;
    this.answer = answer;
  }
}

const attempts = 5;
const firstWaitMs = 500;
const growth = 1.5;
const scatter = 0.2;

/** Transient: a lost connection, or a status that suggests a retry. */
function passes(error: unknown): boolean {
  if (error instanceof PostStatusError)
    return error.answer.retryAfter !== undefined || [429, 500, 504].includes(error.code);
  return (error as NodeJS.ErrnoException).code === "ECONNRESET";
}

export interface RetryOptions {
  clock: Clock;
  random: () => number;
  /** Backoff before the second attempt; default half a second. */
  firstWaitMs?: number;
  /** Whether an error is transient. */
  passes?: (error: unknown) => boolean;
  /** Stops retrying. */
  signal?: AbortSignal;
}

/** Runs `work` until it succeeds, fails permanently or reaches the limit of attempts; rejects with the last error. */
export async function withRetries<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { clock, random, signal } = options;
  const again = options.passes ?? passes;
  let waitMs = options.firstWaitMs ?? firstWaitMs;
  for (let left = attempts - 1; ; left--) {
    try {
      return await work();
    } catch (error) {
      if (left === 0 || signal?.aborted || !again(error)) throw error;
      if (waitMs > 0) await clock.sleep(waitMs * (1 + scatter * random()), signal).catch(() => {});
      if (signal?.aborted) throw error;
    }
    waitMs *= growth;
  }
}
