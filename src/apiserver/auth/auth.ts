/** Sets up authentication and authorization. */
import { createPrivateKey, createPublicKey, randomInt, randomUUID } from "node:crypto";
import type { Clock } from "../../machinery/index.ts";
import type { Authenticator, Authorizer, UserInfo } from "../auth-contract.ts";
import type { SpecialHandler, WriteGuard } from "../contract.ts";
import { AnonymousRule } from "./authn/anonymous.ts";
import { AudienceAgnostic } from "./authn/audience-agnostic.ts";
import { BootstrapTokens } from "./authn/bootstrap-tokens.ts";
import { CredentialAuthenticator } from "./authn/credential-authenticator.ts";
import { FixedTokens } from "./authn/fixed-tokens.ts";
import { certificatesOf, FrontProxyAuthenticator, type FrontProxyTrust } from "./authn/front-proxy.ts";
import { signingKey, verifyingKey } from "./authn/jwt.ts";
import type { FetchJson } from "./authn/oidc/issuer-keys.ts";
import { ServiceAccountTokens } from "./authn/service-account-tokens.ts";
import { TokenUnion } from "./authn/token-union.ts";
import type { TokenVerifier } from "./authn/token-verifier.ts";
import { type TokenWebhook, WebhookTokens } from "./authn/webhook-tokens.ts";
import type { AbacPolicy } from "./authz/abac.ts";
import { AuthorizerChain } from "./authz/chain.ts";
import type { AuthorizerConfig } from "./authz/config.ts";
import { configureAuthentication, configureAuthorization, useAuthorizers } from "./configure.ts";
import { issuerDocuments } from "./issuer-documents.ts";
import { keepRoles, keepTokenSecrets, type MaintainContext, storeRoles } from "./maintain.ts";
import { escalationGuards } from "./rbac/escalation.ts";
import { RbacAuthorizer } from "./rbac/rbac-authorizer.ts";
import { accessReviewHandlers } from "./reviews/access-reviews.ts";
import { identityReviewHandlers } from "./reviews/identity-reviews.ts";
import { type TokenLife, tokenRequestHandler } from "./reviews/token-request.ts";

export interface AuthOptions {
  clock: Clock;
  /** Private keys (PEM) of ServiceAccount tokens: the first signs, all verify. */
  serviceAccountKeys: readonly [string, ...string[]];
  /** Further public keys (PEM) whose tokens are accepted. */
  verifyingKeys?: readonly string[];
  /**
   * Issuers of ServiceAccount tokens: new tokens name the first, those of all are accepted. Default
   * `https://kubernetes.default.svc.cluster.local`.
   */
  issuers?: readonly [string, ...string[]];
  /** A token must have one of these audiences; default: the issuers. */
  audiences?: readonly string[];
  /** The JWKS address in the discovery document; default `/openid/v1/jwks` of the first issuer. */
  jwksUri?: string;
  tokenLife?: TokenLife;
  /**
   * Whether requests without credentials are authenticated as system:anonymous (--anonymous-auth). If set, an
   * AuthenticationConfiguration must not set it, too.
   */
  anonymous?: boolean;
  /** Used when neither `anonymous` nor an AuthenticationConfiguration sets it; default true. */
  anonymousByDefault?: boolean;
  /** Fixed bearer tokens. */
  tokens?: ReadonlyMap<string, UserInfo>;
  /** Whether bootstrap tokens (Secrets of kube-system) are accepted; default true. */
  bootstrapTokens?: boolean;
  /** Tried last. */
  tokenWebhook?: TokenWebhook;
  /** PEM of the authorities that pods trust: `ca.crt` of Secrets with tokens. */
  rootCa?: string;
  /** Reads the documents of OpenID Connect issuers; default: over HTTPS. */
  fetchJson?: FetchJson;
  /** Front proxies whose X-Remote-User headers are trusted; none by default. */
  frontProxies?: readonly FrontProxyTrust[];
  /** PEM of the authorities of client certificates; needed when TLS accepts those of front proxies, too. */
  clientCa?: string;
}

/** Authentication and authorization, for `createApiServer`. */
export interface Auth {
  authenticator: Authenticator;
  authorizer: Authorizer;
  special: ReadonlyMap<string, SpecialHandler>;
  guards: ReadonlyMap<string, WriteGuard>;
  documents: ReadonlyMap<string, () => unknown>;
  /** A health check that fails until the default roles are stored. */
  checks: ReadonlyMap<string, () => void>;
  /**
   * Replaces the AuthenticationConfiguration or AuthorizationConfiguration, decoded from its file. Rejects with all mistakes and
   * keeps the former one. If given, the algorithms restrict how tokens may be signed.
   */
  configureAuthentication(value: unknown, signingAlgorithms?: readonly string[]): Promise<void>;
  /** `policies`: those of ABAC, needed only when it is among the authorizers. */
  configureAuthorization(value: unknown, policies: () => readonly AbacPolicy[]): Promise<void>;
  /** Replaces the authorizers by valid ones. */
  useAuthorizers(authorizers: readonly AuthorizerConfig[]): Promise<void>;
  /** Issuers of ServiceAccount tokens: new tokens name the first, those of all are accepted. */
  readonly issuers: readonly string[];
  /**
   * Stores and repairs the default roles, then keeps aggregated ones up to date and fills token Secrets until the signal. `api`
   * is a member of system:masters.
   */
  maintain(context: MaintainContext): Promise<void>;
}

type Issuers = readonly [string, ...string[]];
const defaultIssuers: Issuers = ["https://kubernetes.default.svc.cluster.local"];

export function createAuth(options: AuthOptions): Auth {
  const { clock, issuers = defaultIssuers } = options;
  const now = (): number => clock.now();
  const accountTokens = serviceAccountTokens(options, issuers);
  const oidcTokens = new TokenUnion([]);
  const tokens = allTokens(options, accountTokens, oidcTokens);
  const anonymous = new AnonymousRule();
  const anonymousFlag = options.anonymous === undefined ? undefined : { enabled: options.anonymous };
  const anonymousDefault = { enabled: options.anonymousByDefault ?? true };
  anonymous.use(anonymousFlag ?? anonymousDefault);
  const rbac = new RbacAuthorizer();
  const authorizer = new AuthorizerChain(rbac, () => clock.monotonic());
  const { fetchJson } = options;
  const rules = { anonymous, anonymousFlag, anonymousDefault };
  const configured = { clock, issuers, oidcTokens, ...rules, authorizer, fetchJson };
  let rolesStored = false;
  const checkRoles = (): void => {
    if (!rolesStored) throw new Error("not finished");
  };
  return {
    issuers,
    authenticator: createAuthenticator(options, tokens, anonymous),
    authorizer,
    special: new Map([
      ["serviceaccounts/token", tokenRequestHandler(accountTokens, authorizer, now, options.tokenLife)],
      ...accessReviewHandlers(authorizer),
      ...identityReviewHandlers(tokens, accountTokens.audiences, now),
    ]),
    guards: new Map(escalationGuards(rbac, authorizer)),
    documents: issuerDocuments(accountTokens, options.jwksUri),
    checks: new Map([["poststarthook/rbac/bootstrap-roles", checkRoles]]),
    configureAuthentication: (value, algorithms) => configureAuthentication(value, configured, algorithms),
    configureAuthorization: (value, policies) => configureAuthorization(value, policies, configured),
    useAuthorizers: (authorizers) => useAuthorizers(authorizers, configured),
    async maintain(context) {
      await storeRoles(context);
      rbac.index.dropDefaults();
      rolesStored = true;
      await Promise.all([
        keepRoles(context, clock),
        keepTokenSecrets(context, clock, accountTokens, options.rootCa),
      ]);
    },
  };
}

function serviceAccountTokens(options: AuthOptions, issuers: Issuers): ServiceAccountTokens {
  const [first, ...others] = options.serviceAccountKeys;
  const load = (pem: string) => signingKey(createPrivateKey(pem));
  const signer = load(first);
  const verifying = (options.verifyingKeys ?? []).map((pem) => verifyingKey(createPublicKey(pem)));
  // The signer's public key may be among those, too.
  const known = new Set([signer.id]);
  const further = [...others.map(load), ...verifying].filter(({ id }) => {
    const isNew = !known.has(id);
    known.add(id);
    return isNew;
  });
  return new ServiceAccountTokens({
    issuers,
    audiences: options.audiences,
    keys: [signer, ...further],
    clock: options.clock,
    uuid: randomUUID,
  });
}

/** All token verifiers in order. Only those of ServiceAccounts check audiences themselves. */
function allTokens(options: AuthOptions, accounts: ServiceAccountTokens, oidc: TokenVerifier): TokenUnion {
  const agnostic = (verifier: TokenVerifier) => new AudienceAgnostic(verifier, accounts.audiences);
  return new TokenUnion([
    agnostic(new FixedTokens(options.tokens ?? new Map())),
    accounts,
    ...(options.bootstrapTokens === false ? [] : [agnostic(new BootstrapTokens(options.clock))]),
    agnostic(oidc),
    ...(options.tokenWebhook ? [webhookTokens(options.tokenWebhook, options.clock, accounts)] : []),
  ]);
}

const webhookTokens = (
  webhook: TokenWebhook,
  clock: Clock,
  { audiences }: ServiceAccountTokens,
): WebhookTokens => new WebhookTokens({ ...webhook, clock, audiences, random: () => randomInt(1000) / 1000 });

function createAuthenticator(
  { clock, frontProxies = [], clientCa }: AuthOptions,
  tokens: TokenUnion,
  anonymous: AnonymousRule,
): CredentialAuthenticator {
  return new CredentialAuthenticator({
    tokens,
    anonymous,
    now: () => clock.now(),
    frontProxies: frontProxies.map((each) => new FrontProxyAuthenticator(each)),
    ...(frontProxies.length > 0 && clientCa ? { clientAuthorities: certificatesOf(clientCa) } : {}),
  });
}
