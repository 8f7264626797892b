/** Webhooks that answer nothing for a moment are asked again (k8s.io/apiserver, pkg/util/webhook/webhook.go). */
import type { Clock } from "../../machinery/index.ts";

/** An answer, read to its end. */
export interface PostAnswer {
  status: number;
  contentType: string | undefined;
  /** Seconds, where it says when to ask again. */
  retryAfter: number | undefined;
  body: Buffer;
}

/** The answer had a status that is none of success. */
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

/** A lost connection, and an answer that says that it is only for now. */
function passes(error: unknown): boolean {
  if (error instanceof PostStatusError)
    return error.answer.retryAfter !== undefined || [429, 500, 504].includes(error.code);
  return (error as NodeJS.ErrnoException).code === "ECONNRESET";
}

export interface RetryOptions {
  clock: Clock;
  random: () => number;
  /** Before it is done a second time; default half a second. */
  firstWaitMs?: number;
  /** Whether it is worth another try. */
  passes?: (error: unknown) => boolean;
  /** Nobody waits any longer, and nothing is done again. */
  signal?: AbortSignal;
}

/** Does `work` until it succeeds, fails for good, or has been done often enough; rejects with its last error. */
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
