/** Metrics of authenticators and authorizers: apiserver_authorization_*, authentication_token_cache_*, serviceaccount_*. */
import { AuthorizationWebhookMetrics } from "./authorization-webhooks.ts";
import type { MetricsRegistry } from "./registry.ts";
import { hashOf } from "./encryption.ts";
import { type Counter, defaultBounds, exponentialBounds } from "./values.ts";

/** Buckets of the remaining validity of certificates, in seconds: 0, half an hour, up to a year. */
const hour = 3600;
const day = 24 * hour;
const expirations = [
  0,
  hour / 2,
  hour,
  2 * hour,
  6 * hour,
  12 * hour,
  day,
  2 * day,
  4 * day,
  7 * day,
  30 * day,
  90 * day,
  180 * day,
  360 * day,
];

/** A series that is created on first use. */
function kept(make: () => Counter): () => Counter {
  let counter: Counter | undefined;
  return () => (counter ??= make());
}

/** Final decisions of one authorizer. */
export class DecisionMeters {
  readonly #series: (decision: string) => Counter;
  #allowed: Counter | undefined;
  #denied: Counter | undefined;

  constructor(series: (decision: string) => Counter) {
    this.#series = series;
  }

  allowed(): void {
    (this.#allowed ??= this.#series("allowed")).add();
  }

  denied(): void {
    (this.#denied ??= this.#series("denied")).add();
  }
}

export class AuthMetrics {
  /** Tokens by whether their signature was cached. */
  readonly tokenHits: () => Counter;
  readonly tokenMisses: () => Counter;
  /** Results of signature checks. */
  readonly tokensGood: () => Counter;
  readonly tokensBad: () => Counter;
  /** Service account tokens by kind. */
  readonly valid: Counter;
  readonly stale: Counter;
  readonly legacy: Counter;
  readonly legacyAuto: Counter;
  readonly legacyManual: Counter;
  readonly legacyAutoInvalid: Counter;
  /** Remaining validity of client certificates, in seconds. */
  readonly certificates;
  readonly webhooks: AuthorizationWebhookMetrics;
  /** Operations on the node graph. */
  readonly nodeGraph;
  readonly #tokensOfIssuers;
  readonly #decisions;

  constructor(registry: MetricsRegistry) {
    const counter = (name: string, help: string, labels: string[] = []) =>
      registry.counter({ name, help, stability: "ALPHA", labels });
    const requests = counter("authentication_token_cache_request_total", "Tokens, known or not.", ["status"]);
    const fetches = counter("authentication_token_cache_fetch_total", "Checks of tokens.", ["status"]);
    this.tokenHits = kept(() => requests.with("hit"));
    this.tokenMisses = kept(() => requests.with("miss"));
    this.tokensGood = kept(() => fetches.with("ok"));
    this.tokensBad = kept(() => fetches.with("error"));
    const tokens = (name: string, help: string): Counter =>
      counter(`serviceaccount_${name}_total`, help).with();
    this.valid = tokens("valid_tokens", "Uses of tokens of pods that are renewed in time.");
    this.stale = tokens("stale_tokens", "Uses of tokens of pods that should have been renewed.");
    this.legacy = tokens("legacy_tokens", "Uses of tokens without an end.");
    this.legacyAuto = tokens(
      "legacy_auto_token_uses",
      "Uses of tokens without an end that were made for accounts.",
    );
    this.legacyManual = tokens(
      "legacy_manual_token_uses",
      "Uses of tokens without an end that somebody asked for.",
    );
    this.legacyAutoInvalid = tokens(
      "invalid_legacy_auto_token_uses",
      "Uses of such tokens that are marked as invalid.",
    );
    this.certificates = registry
      .histogram({
        name: "apiserver_client_certificate_expiration_seconds",
        help: "How long certificates of clients are still good.",
        stability: "ALPHA",
        bounds: expirations,
      })
      .with();
    this.nodeGraph = registry.histogram({
      name: "node_authorizer_graph_actions_duration_seconds",
      help: "Time to follow a change of a pod in the graph of nodes.",
      stability: "ALPHA",
      labels: ["operation"],
      bounds: exponentialBounds(0.0001, 2, 12),
    });
    this.#tokensOfIssuers = registry.histogram({
      name: "apiserver_authentication_jwt_authenticator_latency_seconds",
      help: "Time to check a token of an issuer that was not remembered.",
      stability: "ALPHA",
      labels: ["result", "jwt_issuer_hash"],
      bounds: [0.001, ...defaultBounds],
    });
    this.webhooks = new AuthorizationWebhookMetrics(registry);
    this.#decisions = counter("apiserver_authorization_decisions_total", "Decisions of authorizers.", [
      "type",
      "name",
      "decision",
    ]);
  }

  /** A token of an issuer was verified. */
  issuerAsked(issuer: string, good: boolean, ms: number): void {
    this.#tokensOfIssuers.with(good ? "success" : "failure", hashOf(issuer)).observe(ms / 1000);
  }

  decisionsOf(type: string, name: string): DecisionMeters {
    return new DecisionMeters((decision) => this.#decisions.with(type, name, decision));
  }
}
