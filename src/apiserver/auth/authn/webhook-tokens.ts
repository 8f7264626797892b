/** Token webhook (TokenReview): --authentication-token-webhook-config-file. */
import { createHash } from "node:crypto";
import { type Clock, StatusError } from "../../../machinery/index.ts";
import type { Asking } from "../../network/post-json.ts";
import { withRetries } from "../../network/retries.ts";
import { readAnswer } from "../../webhooks/answers.ts";
import { askFailure } from "../../webhooks/ask-failure.ts";
import { reviewOfKind } from "../../webhooks/review-object.ts";
import { tokenReviewKinds } from "./token-review-kinds.ts";
import { type TokenVerifier, type VerifiedToken, withEverybody } from "./token-verifier.ts";

/** Sends reviews and says where to. */
export interface TokenWebhook extends Asking {
  version: "v1" | "v1beta1";
  /** How long answers are cached, in milliseconds; 0: not at all. */
  ttlMs: number;
}

interface WebhookTokensOptions extends TokenWebhook {
  clock: Clock;
  /** Jitter of retries; 0 <= x < 1. */
  random: () => number;
  /** Audiences of tokens that have none. */
  audiences: readonly string[];
}

interface ReviewStatus {
  authenticated?: boolean;
  user?: { username?: string; uid?: string; groups?: string[]; extra?: Record<string, string[]> };
  audiences?: string[];
  error?: string;
}

const timeoutMs = 30_000;
const maxRemembered = 8192;

export class WebhookTokens implements TokenVerifier {
  readonly #options: WebhookTokensOptions;
  /** Answers, also pending ones, by token and audiences. */
  readonly #known = new Map<string, { answer: Promise<ReviewStatus>; until: number }>();

  constructor(options: WebhookTokensOptions) {
    this.#options = options;
  }

  async verify(
    token: string,
    audiences: readonly string[] = this.#options.audiences,
  ): Promise<VerifiedToken | undefined> {
    const { authenticated, user = {}, error, ...said } = await this.#reviewed(token, audiences);
    const its = said.audiences?.length ? said.audiences : this.#options.audiences;
    const shared = audiences.filter((each) => its.includes(each));
    if (shared.length === 0) return undefined;
    if (!authenticated) {
      if (error) throw new StatusError("Unauthorized", error);
      return undefined;
    }
    const { username = "", uid, groups = [], extra } = user;
    const found = { name: username, groups, ...(uid ? { uid } : {}), ...(extra ? { extra } : {}) };
    return { user: withEverybody(found), audiences: shared };
  }

  /** Concurrent requests with the same token share one call. Failures, also those in an answer, are not cached. */
  #reviewed(token: string, audiences: readonly string[]): Promise<ReviewStatus> {
    const { clock, ttlMs } = this.#options;
    const key = createHash("sha256")
      .update(JSON.stringify([token, audiences]))
      .digest("base64");
    const known = this.#known.get(key);
    if (known && clock.monotonic() < known.until) return known.answer;
    if (this.#known.size >= maxRemembered) this.#known.clear();
    const asked = { answer: this.#ask(token, audiences), until: Infinity };
    this.#known.set(key, asked);
    asked.answer.then(
      ({ authenticated, error }) => (asked.until = !authenticated && error ? 0 : clock.monotonic() + ttlMs),
      () => (asked.until = 0),
    );
    return asked.answer;
  }

  async #ask(token: string, audiences: readonly string[]): Promise<ReviewStatus> {
    const { clock, random, version, ask, url } = this.#options;
    const expected = tokenReviewKinds[version];
    const review = {
      kind: expected.kind,
      apiVersion: expected.apiVersion,
      metadata: {},
      spec: { token, audiences },
      status: { user: {} },
    };
    try {
      const answer = readAnswer(await withRetries(() => ask(review, timeoutMs), { clock, random }));
      return reviewOfKind<{ status?: ReviewStatus }>(answer, expected).status ?? {};
    } catch (cause) {
      throw new StatusError("Unauthorized", askFailure(cause, url(timeoutMs)).message, { cause });
    }
  }
}
