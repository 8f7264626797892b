import { createPrivateKey, randomInt, randomUUID } from "node:crypto";
import type { ApiTransport } from "../../client/index.ts";
import { type Clock, formatTime, type Logger } from "../../machinery/index.ts";
import type { Authenticator, Authorizer, ObjectReader, UserInfo } from "../auth-contract.ts";
import type { SpecialHandler, WriteGuard } from "../contract.ts";
import { AnonymousRule } from "./authn/anonymous.ts";
import { AudienceAgnostic } from "./authn/audience-agnostic.ts";
import { BootstrapTokens } from "./authn/bootstrap-tokens.ts";
import { CredentialAuthenticator } from "./authn/credential-authenticator.ts";
import { FixedTokens } from "./authn/fixed-tokens.ts";
import { certificatesOf, FrontProxyAuthenticator, type FrontProxyTrust } from "./authn/front-proxy.ts";
import { publicJwk, signingKey } from "./authn/jwt.ts";
import { ServiceAccountTokens } from "./authn/service-account-tokens.ts";
import type { FetchJson } from "./authn/oidc/issuer-keys.ts";
import { TokenUnion } from "./authn/token-union.ts";
import type { TokenVerifier } from "./authn/token-verifier.ts";
import { fillTokenSecrets, isTokenSecret, markUsed } from "./authn/token-secrets.ts";
import { AuthorizerChain, type ChosenLink } from "./authz/chain.ts";
import { keepDoing } from "./loop.ts";
import { reconcileAggregation, reconcileDefaults } from "./rbac/bootstrap.ts";
import { escalationGuards } from "./rbac/escalation.ts";
import { RbacAuthorizer } from "./rbac/rbac-authorizer.ts";
import { rbacGroup } from "./rbac/rule-index.ts";
import { accessReviewHandlers } from "./reviews/access-reviews.ts";
import { identityReviewHandlers } from "./reviews/identity-reviews.ts";
import { type TokenLife, tokenRequestHandler } from "./reviews/token-request.ts";

export interface AuthOptions {
  clock: Clock;
  /** Private keys (PEM) of ServiceAccount tokens: the first signs, all verify. */
  serviceAccountKeys: readonly [string, ...string[]];
  /**
   * Of tokens of ServiceAccounts: the first issues them, those of all are taken. Default
   * `https://kubernetes.default.svc.cluster.local`.
   */
  issuers?: readonly [string, ...string[]];
  /** Whom tokens must be for; default all issuers. */
  audiences?: readonly string[];
  /** Where issuers' keys are said to be; default `/openid/v1/jwks` of the first issuer. */
  jwksUri?: string;
  tokenLife?: TokenLife;
  /**
   * Whether requests without credentials are taken as system:anonymous, where no AuthenticationConfiguration says it, which may not
   * when this does. Default true.
   */
  anonymous?: boolean;
  /** Fixed bearer tokens. */
  tokens?: ReadonlyMap<string, UserInfo>;
  /** PEM of what pods are told to trust: goes into Secrets with tokens. */
  rootCa?: string;
  /** Reads OpenID Connect issuers' documents; absent: over HTTPS. */
  fetchJson?: FetchJson;
  /** Whose word about others is taken. */
  frontProxy?: FrontProxyTrust;
  /** PEM of the authorities of client certificates; needed where TLS accepts front proxies' too. */
  clientCa?: string;
}

/** Everything about who may do what, ready to be handed to `createApiServer`. */
export interface Auth {
  authenticator: Authenticator;
  authorizer: Authorizer;
  special: ReadonlyMap<string, SpecialHandler>;
  guards: ReadonlyMap<string, WriteGuard>;
  documents: ReadonlyMap<string, () => unknown>;
  /** Health checks: whether the default roles are there yet. */
  checks: ReadonlyMap<string, () => void>;
  /**
   * Takes an AuthenticationConfiguration or an AuthorizationConfiguration, decoded from its file, in place of the former
   * one. Rejects with all that is wrong with it, and goes on with the former.
   */
  configureAuthentication(value: unknown): Promise<void>;
  configureAuthorization(value: unknown): Promise<void>;
  /** Whose tokens of accounts are taken; the first issues them. */
  readonly issuers: readonly string[];
  /**
   * Stores and repairs the default roles, then keeps aggregated ones up to date, and Secrets that ask for a token filled,
   * until the signal. `api` is a member of system:masters.
   */
  maintain(context: {
    api: ApiTransport;
    objects: ObjectReader;
    log: Logger;
    signal: AbortSignal;
  }): Promise<void>;
}

export function createAuth(options: AuthOptions): Auth {
  const [first, ...others] = options.serviceAccountKeys;
  const load = (pem: string) => signingKey(createPrivateKey(pem));
  const ownIssuers = options.issuers ?? ["https://kubernetes.default.svc.cluster.local"];
  const [issuer] = ownIssuers;
  const tokens = new ServiceAccountTokens({
    issuers: ownIssuers,
    audiences: options.audiences,
    keys: [load(first), ...others.map(load)],
    clock: options.clock,
    uuid: randomUUID,
  });
  const fixed = new FixedTokens(options.tokens ?? new Map());
  const issuers = new TokenUnion([]);
  const agnostic = (verifier: TokenVerifier) => new AudienceAgnostic(verifier, tokens.audiences);
  const union = new TokenUnion([
    agnostic(fixed),
    tokens,
    agnostic(new BootstrapTokens(options.clock)),
    agnostic(issuers),
  ]);
  const anonymous = new AnonymousRule();
  const saidAnonymous = options.anonymous === undefined ? undefined : { enabled: options.anonymous };
  anonymous.use(saidAnonymous);
  const rbac = new RbacAuthorizer();
  const authorizer = new AuthorizerChain(rbac, () => options.clock.monotonic());
  let rolesStored = false;
  return {
    issuers: ownIssuers,
    authenticator: new CredentialAuthenticator({
      tokens: union,
      anonymous,
      now: () => options.clock.now(),
      ...(options.frontProxy ? { frontProxy: new FrontProxyAuthenticator(options.frontProxy) } : {}),
      ...(options.frontProxy && options.clientCa
        ? { clientAuthorities: certificatesOf(options.clientCa) }
        : {}),
    }),
    authorizer,
    special: new Map([
      [
        "serviceaccounts/token",
        tokenRequestHandler(tokens, authorizer, () => options.clock.now(), options.tokenLife),
      ],
      ...accessReviewHandlers(authorizer, rbac),
      ...identityReviewHandlers(union, tokens.audiences, () => options.clock.now()),
    ]),
    guards: new Map(escalationGuards(rbac, authorizer)),
    documents: new Map<string, () => unknown>([
      [
        "/.well-known/openid-configuration",
        () => ({
          issuer,
          jwks_uri: options.jwksUri ?? `${issuer}/openid/v1/jwks`,
          response_types_supported: ["id_token"],
          subject_types_supported: ["public"],
          id_token_signing_alg_values_supported: [...new Set(tokens.keys.map((key) => key.algorithm))],
        }),
      ],
      ["/openid/v1/jwks", () => ({ keys: tokens.keys.map(publicJwk) })],
    ]),
    checks: new Map([
      [
        "poststarthook/rbac/bootstrap-roles",
        () => {
          if (!rolesStored) throw new Error("not finished");
        },
      ],
    ]),
    async configureAuthentication(value) {
      const { readAuthenticationConfig } = await import("./authn/oidc/config.ts");
      const { fetchJson } = await import("./authn/oidc/fetch-json.ts");
      const { JwtTokens } = await import("./authn/oidc/jwt-tokens.ts");
      const { expressionCompiler } = await import("./expressions.ts");
      const compile = await expressionCompiler();
      const config = readAuthenticationConfig(value, ownIssuers, compile);
      if (config.anonymous && saidAnonymous)
        throw new Error(
          "anonymous: Forbidden: --anonymous-auth flag cannot be set when anonymous field is configured in authentication configuration file",
        );
      const { clock } = options;
      const fetch = options.fetchJson ?? fetchJson;
      issuers.use(
        config.jwt.map(
          (each) =>
            new JwtTokens({
              config: each,
              compile,
              clock,
              fetchJson: fetch,
              meters: () => authorizer.meters,
            }),
        ),
      );
      anonymous.use(config.anonymous ?? saidAnonymous);
    },
    async configureAuthorization(value) {
      const { readAuthorizationConfig } = await import("./authz/config.ts");
      const { askByKubeconfig } = await import("./authz/ask-webhook.ts");
      const { WebhookAuthorizer } = await import("./authz/webhook-authorizer.ts");
      const { expressionCompiler } = await import("./expressions.ts");
      const compile = await expressionCompiler();
      const meters = () => authorizer.meters?.webhooks;
      const { clock } = options;
      const random = (): number => randomInt(1000) / 1000;
      const links = readAuthorizationConfig(value, compile).map(({ type, name, webhook }): ChosenLink => {
        if (type !== "Webhook" || !webhook) return { type: type as Exclude<typeof type, "Webhook">, name };
        const ask = askByKubeconfig(webhook.connectionInfo.kubeConfigFile ?? "");
        return {
          type,
          name,
          webhook: new WebhookAuthorizer(webhook, { name, clock, random, ask, compile, meters }),
        };
      });
      authorizer.use(links);
    },
    async maintain(context) {
      const { api, objects, log, signal } = context;
      await reconcileDefaults(api, objects);
      await reconcileAggregation(api, objects);
      rbac.index.dropDefaults();
      rolesStored = true;
      const secrets = { api, objects, tokens, rootCa: options.rootCa };
      tokens.onLegacyUse((secret) => {
        const day = formatTime(options.clock.now()).slice(0, 10);
        markUsed(api, secret, day).catch((error: unknown) => {
          if (!signal.aborted) log.warn("the use of a token could not be marked", { error });
        });
      });
      const around = { objects, log, signal, clock: options.clock };
      const roles = { group: rbacGroup, resource: "clusterroles", concerns: () => true };
      const tokenSecrets = { group: "", resource: "secrets", concerns: isTokenSecret };
      await Promise.all([
        keepDoing({ ...roles, act: () => reconcileAggregation(api, objects) }, around),
        keepDoing({ ...tokenSecrets, act: () => fillTokenSecrets(secrets) }, around),
      ]);
    },
  };
}
