import type { AuthorizationAttributes, Authorizer, Decision } from "../../auth-contract.ts";
import { type Clock, parseFieldSelector, parseLabelSelector } from "../../../machinery/index.ts";
import type { AuthorizationWebhookMetrics, WebhookResult } from "../../metrics/authorization-webhooks.ts";
import { PostStatusError, withRetries } from "../../network/retries.ts";
import type { CompileExpression } from "../expressions.ts";
import { reviewOfKind } from "../../webhooks/review-object.ts";
import { durationMs, type WebhookConfig } from "./config.ts";
import { reviewKinds } from "./review-kinds.ts";
import type { RuleResolver, UserRules } from "./user-rules.ts";

/** Sends a SubjectAccessReview and returns the decoded answer; rejects when there is none in time. */
export type AskWebhook = (review: object, timeoutMs: number) => Promise<unknown>;

interface ReviewStatus {
  allowed?: boolean | null;
  denied?: boolean | null;
  reason?: string | null;
}

const maxRemembered = 8192;
/** Longer keys are not cached, to limit memory. */
const maxKeyLength = 10_000;

export interface WebhookAuthorizerOptions {
  /** As in the configuration. */
  name: string;
  clock: Clock;
  ask: AskWebhook;
  /** Text of a failure of `ask`; default: the error's own message. */
  explain?(error: unknown, timeoutMs: number): string;
  /** Jitter of retries; 0 <= x < 1. */
  random: () => number;
  compile: CompileExpression;
  /** Metrics; undefined before the server starts. */
  meters?: () => AuthorizationWebhookMetrics | undefined;
}

/** Webhook authorizer (SubjectAccessReview) that caches its answers. */
export class WebhookAuthorizer implements Authorizer, RuleResolver {
  readonly #config: WebhookConfig;
  readonly #clock: Clock;
  readonly #ask: AskWebhook;
  readonly #explain: (error: unknown, timeoutMs: number) => string;
  readonly #timeoutMs: number;
  readonly #random: () => number;
  readonly #conditions: readonly ((request: unknown) => unknown)[];
  readonly #answers = new Map<string, { status: ReviewStatus; until: number }>();

  readonly #name: string;
  readonly #meters: () => AuthorizationWebhookMetrics | undefined;

  constructor(config: WebhookConfig, options: WebhookAuthorizerOptions) {
    this.#config = config;
    this.#name = options.name;
    this.#meters = options.meters ?? (() => undefined);
    this.#clock = options.clock;
    this.#ask = options.ask;
    this.#explain = options.explain ?? ((error) => (error as Error).message);
    this.#timeoutMs = durationMs(config.timeout) ?? 0;
    this.#random = options.random;
    this.#conditions = (config.matchConditions ?? []).map(({ expression = "" }) =>
      options.compile(expression, "request", "bool"),
    );
  }

  async authorize(attributes: AuthorizationAttributes): Promise<Decision> {
    const spec = specOf(attributes);
    const failed = (error: string): Decision => ({ allowed: false, reason: "", ...this.#onFailure(), error });
    let concerned: boolean;
    try {
      concerned = this.#concerns(spec);
    } catch (error) {
      return failed((error as Error).message);
    }
    if (!concerned) return { allowed: false, reason: "" };
    const key = JSON.stringify(spec);
    let status = this.#remembered(key);
    if (!status) {
      try {
        status = await withRetries(() => this.#counted(spec), { clock: this.#clock, random: this.#random });
      } catch (error) {
        const decision = failed(this.#explain(error, this.#timeoutMs));
        if (!decision.denied) this.#meters()?.passedOver(this.#name, resultOf(error));
        return decision;
      }
      this.#remember(key, status);
    }
    const reason = status.reason ?? "";
    const allowed = status.allowed === true;
    if (!status.denied) return { allowed, reason };
    const error = allowed
      ? { error: "webhook subject access review returned both allow and deny response" }
      : {};
    return { allowed: false, denied: true, reason, ...error };
  }

  /** Webhooks cannot list rules. */
  userRules(): UserRules {
    return {
      rules: [],
      incomplete: true,
      problems: ["webhook authorizer does not support user rule resolution"],
    };
  }

  #onFailure(): { denied?: true } {
    return this.#config.failurePolicy === "Deny" ? { denied: true } : {};
  }

  /** One false condition decides even if others fail; without one, an error counts. */
  #concerns(spec: object): boolean {
    if (this.#conditions.length === 0) return true;
    const began = this.#clock.monotonic();
    let problem: unknown;
    let excluded = false;
    for (const holds of this.#conditions) {
      try {
        excluded = holds(spec) !== true;
        if (excluded) break;
      } catch (error) {
        problem = error;
      }
    }
    const failed = problem !== undefined;
    this.#meters()?.matched(this.#name, { excluded, failed }, this.#clock.monotonic() - began);
    if (excluded) return false;
    if (failed) throw problem;
    return true;
  }

  async #counted(spec: object): Promise<ReviewStatus> {
    const began = this.#clock.monotonic();
    const asked = (result: WebhookResult): void =>
      this.#meters()?.asked(this.#name, result, this.#clock.monotonic() - began);
    try {
      const status = await this.#answer(spec);
      asked("success");
      return status;
    } catch (error) {
      asked(resultOf(error));
      throw error;
    }
  }

  async #answer(spec: object): Promise<ReviewStatus> {
    const { subjectAccessReviewVersion: version } = this.#config;
    const expected = reviewKinds[version];
    const review = {
      kind: expected.kind,
      apiVersion: expected.apiVersion,
      metadata: {},
      spec: version === "v1beta1" ? betaSpec(spec) : spec,
      status: { allowed: false },
    };
    const answer = await this.#ask(review, this.#timeoutMs);
    return reviewOfKind<{ status?: ReviewStatus | null }>(answer, expected).status ?? {};
  }

  #remembered(key: string): ReviewStatus | undefined {
    const known = this.#answers.get(key);
    return known && this.#clock.monotonic() < known.until ? known.status : undefined;
  }

  #remember(key: string, status: ReviewStatus): void {
    const { authorizedTTL, unauthorizedTTL, cacheAuthorizedRequests, cacheUnauthorizedRequests } =
      this.#config;
    const wanted = status.allowed ? cacheAuthorizedRequests : cacheUnauthorizedRequests;
    if (wanted === false || key.length > maxKeyLength) return;
    if (this.#answers.size >= maxRemembered) this.#answers.clear();
    const ms = durationMs(status.allowed ? authorizedTTL : unauthorizedTTL) ?? 0;
    this.#answers.set(key, { status, until: this.#clock.monotonic() + ms });
  }
}

/** A timeout may have aborted the call, or be the webhook's own answer. */
function resultOf(error: unknown): WebhookResult {
  const { name, cause } = error as Error;
  const late =
    name === "TimeoutError" ||
    (cause as Error | undefined)?.name === "TimeoutError" ||
    (error instanceof PostStatusError && error.code === 504);
  return late ? "timeout" : "error";
}

function specOf(attributes: AuthorizationAttributes): object {
  const { user, verb, isResource } = attributes;
  const given = (members: Record<string, unknown>): object =>
    Object.fromEntries(Object.entries(members).filter(([, value]) => value !== "" && value !== undefined));
  return {
    ...(isResource
      ? {
          resourceAttributes: given({
            namespace: attributes.namespace,
            verb,
            group: attributes.apiGroup,
            version: attributes.apiVersion,
            resource: attributes.resource,
            subresource: attributes.subresource,
            name: attributes.name,
            fieldSelector: fieldRequirements(attributes.fieldSelector),
            labelSelector: labelRequirements(attributes.labelSelector),
          }),
        }
      : { nonResourceAttributes: given({ path: attributes.path, verb }) }),
    ...(user.name ? { user: user.name } : {}),
    ...(user.groups.length > 0 ? { groups: user.groups } : {}),
    ...(user.extra && Object.keys(user.extra).length > 0 ? { extra: user.extra } : {}),
    ...(user.uid ? { uid: user.uid } : {}),
  };
}

/** v1beta1 names one field differently. */
function betaSpec(spec: object): object {
  const { groups, ...rest } = spec as { groups?: readonly string[] };
  return groups ? { ...rest, group: groups } : rest;
}

/** Invalid selectors are left out, which only widens the question. */
function fieldRequirements(text: string | undefined): object | undefined {
  if (!text) return undefined;
  try {
    const requirements = parseFieldSelector(text).map(({ field, op, value }) => ({
      key: field,
      operator: op === "!=" ? "NotIn" : "In",
      values: [value],
    }));
    return requirements.length > 0 ? { requirements } : undefined;
  } catch {
    return undefined;
  }
}

const operators: Readonly<Record<string, string>> = {
  in: "In",
  "=": "In",
  "==": "In",
  notin: "NotIn",
  "!=": "NotIn",
  exists: "Exists",
  "!": "DoesNotExist",
};

function labelRequirements(text: string | undefined): object | undefined {
  if (!text) return undefined;
  try {
    const requirements = parseLabelSelector(text).requirements.flatMap(({ key, operator, values }) => {
      const name = operators[operator];
      return name ? [{ key, operator: name, ...(values.length > 0 ? { values } : {}) }] : [];
    });
    return requirements.length > 0 ? { requirements } : undefined;
  } catch {
    return undefined;
  }
}
