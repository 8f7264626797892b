/** Token webhook (TokenReview): --authentication-token-webhook-config-file. */
import { createHash } from "node:crypto";
import { type Clock, isObject, StatusError } from "../../../machinery/index.ts";
import { withRetries } from "../../network/retries.ts";
import { type TokenVerifier, type VerifiedToken, withEverybody } from "./token-verifier.ts";

export interface TokenWebhook {
  version: "v1" | "v1beta1";
  /** How long answers are cached, in milliseconds; 0: not at all. */
  ttlMs: number;
  /** Sends a review and returns the body of the answer. */
  post(review: object, timeoutMs: number): Promise<Uint8Array>;
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
    const { clock, random, version, post } = this.#options;
    const review = {
      kind: "TokenReview",
      apiVersion: `authentication.k8s.io/${version}`,
      metadata: {},
      spec: { token, audiences },
      status: { user: {} },
    };
    try {
      const body = await withRetries(() => post(review, timeoutMs), { clock, random });
      return statusOf(JSON.parse(Buffer.from(body).toString()));
    } catch (cause) {
      const why = `token webhook: ${(cause as Error).message}`;
      throw new StatusError("Unauthorized", why, { cause });
    }
  }
}

/** Throws an Error when the answer is not a TokenReview. */
function statusOf(answer: unknown): ReviewStatus {
  if (!isObject(answer) || (answer.kind ?? "TokenReview") !== "TokenReview" || !isObject(answer.status ?? {}))
    throw new Error("the answer is no TokenReview");
  const {
    user,
    audiences = [],
    error = "",
    authenticated = false,
  } = withoutNulls<ReviewStatus>(answer.status);
  const known = withoutNulls<NonNullable<ReviewStatus["user"]>>(user);
  const { username = "", uid = "", groups = [], extra = {} } = known;
  const texts = [username, uid, error, ...listOf(audiences), ...listOf(groups)];
  const fits = isObject(extra) && [...texts, ...Object.values(extra).flatMap(listOf)].every(isText);
  if (!fits || typeof authenticated !== "boolean")
    throw new Error("the answer has members of the wrong types");
  return { user: known, audiences, error, authenticated };
}

/** Go ignores null. */
const withoutNulls = <T extends object>(value: unknown): T =>
  Object.fromEntries(Object.entries(value ?? {}).filter(([, each]) => each !== null)) as T;

const isText = (value: unknown): boolean => typeof value === "string";
/** A value that is not a list becomes an invalid one. */
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [undefined]);
