import { createPrivateKey, randomUUID } from "node:crypto";
import type { ApiTransport } from "../../client/index.ts";
import type { Clock, Logger } from "../../machinery/index.ts";
import type {
  AuthorizationAttributes,
  Authenticator,
  Authorizer,
  Decision,
  ObjectReader,
  UserInfo,
} from "../auth-contract.ts";
import type { SpecialHandler, WriteGuard } from "../contract.ts";
import { BootstrapTokens } from "./authn/bootstrap-tokens.ts";
import { CredentialAuthenticator } from "./authn/credential-authenticator.ts";
import { FixedTokens } from "./authn/fixed-tokens.ts";
import { certificatesOf, FrontProxyAuthenticator, type FrontProxyTrust } from "./authn/front-proxy.ts";
import { publicJwk, signingKey } from "./authn/jwt.ts";
import { ServiceAccountTokens } from "./authn/service-account-tokens.ts";
import { TokenUnion } from "./authn/token-union.ts";
import { NodeAuthorizer } from "./node/node-authorizer.ts";
import { reconcileAggregation, reconcileDefaults } from "./rbac/bootstrap.ts";
import { escalationGuards } from "./rbac/escalation.ts";
import { RbacAuthorizer } from "./rbac/rbac-authorizer.ts";
import { partMay } from "./parts.ts";
import { rbacGroup } from "./rbac/rule-index.ts";
import { accessReviewHandlers } from "./reviews/access-reviews.ts";
import { identityReviewHandlers } from "./reviews/identity-reviews.ts";
import { tokenRequestHandler } from "./reviews/token-request.ts";

export interface AuthOptions {
  clock: Clock;
  /** Private keys (PEM) of ServiceAccount tokens: the first signs, all verify. */
  serviceAccountKeys: readonly [string, ...string[]];
  /** Default `https://kubernetes.default.svc.cluster.local`. */
  issuer?: string;
  /** Fixed bearer tokens. */
  tokens?: ReadonlyMap<string, UserInfo>;
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
  /** Stores and repairs the default roles, then keeps aggregated ones up to date until the signal. `api` is a member of system:masters. */
  maintain(context: {
    api: ApiTransport;
    objects: ObjectReader;
    log: Logger;
    signal: AbortSignal;
  }): Promise<void>;
}

/** Members of system:masters may do everything; nodes what concerns them; all others what RBAC grants. */
class ChainAuthorizer implements Authorizer {
  readonly #node = new NodeAuthorizer();
  readonly #rbac: RbacAuthorizer;

  constructor(rbac: RbacAuthorizer) {
    this.#rbac = rbac;
  }

  attach(objects: ObjectReader): void {
    this.#node.attach(objects);
    this.#rbac.attach(objects);
  }

  authorize(request: AuthorizationAttributes): Decision {
    if (request.user.groups.includes("system:masters")) return { allowed: true, reason: "" };
    const node = this.#node.authorize(request);
    if (node.allowed) return node;
    if (partMay(request)) return { allowed: true, reason: "" };
    const rbac = this.#rbac.authorize(request);
    return rbac.allowed || node.reason === "" ? rbac : node;
  }
}

export function createAuth(options: AuthOptions): Auth {
  const [first, ...others] = options.serviceAccountKeys;
  const load = (pem: string) => signingKey(createPrivateKey(pem));
  const issuer = options.issuer ?? "https://kubernetes.default.svc.cluster.local";
  const tokens = new ServiceAccountTokens({
    issuer,
    keys: [load(first), ...others.map(load)],
    clock: options.clock,
    uuid: randomUUID,
  });
  const fixed = new FixedTokens(options.tokens ?? new Map());
  const union = new TokenUnion([fixed, tokens, new BootstrapTokens(options.clock)]);
  const rbac = new RbacAuthorizer();
  const authorizer = new ChainAuthorizer(rbac);
  return {
    authenticator: new CredentialAuthenticator({
      tokens: union,
      ...(options.frontProxy ? { frontProxy: new FrontProxyAuthenticator(options.frontProxy) } : {}),
      ...(options.frontProxy && options.clientCa
        ? { clientAuthorities: certificatesOf(options.clientCa) }
        : {}),
    }),
    authorizer,
    special: new Map([
      ["serviceaccounts/token", tokenRequestHandler(tokens, () => options.clock.now())],
      ...accessReviewHandlers(authorizer, rbac),
      ...identityReviewHandlers(union, issuer, () => options.clock.now()),
    ]),
    guards: new Map(escalationGuards(rbac, authorizer)),
    documents: new Map<string, () => unknown>([
      [
        "/.well-known/openid-configuration",
        () => ({
          issuer,
          jwks_uri: `${issuer}/openid/v1/jwks`,
          response_types_supported: ["id_token"],
          subject_types_supported: ["public"],
          id_token_signing_alg_values_supported: [...new Set(tokens.keys.map((key) => key.algorithm))],
        }),
      ],
      ["/openid/v1/jwks", () => ({ keys: tokens.keys.map(publicJwk) })],
    ]),
    async maintain({ api, objects, log, signal }) {
      await reconcileDefaults(api, objects);
      rbac.index.dropDefaults();
      let wake: () => void = () => {};
      let changed = true;
      const stop = objects.onChange(rbacGroup, "clusterroles", () => {
        changed = true;
        wake();
      });
      signal.addEventListener("abort", () => wake(), { once: true });
      try {
        while (!signal.aborted) {
          if (!changed) await new Promise<void>((resolve) => (wake = resolve));
          changed = false;
          if (signal.aborted) break;
          try {
            await reconcileAggregation(api, objects);
          } catch (error) {
            if (signal.aborted) break;
            log.warn("aggregating cluster roles failed", { error });
            await options.clock.sleep(1000, signal).catch(() => {});
            changed = true;
          }
        }
      } finally {
        stop();
      }
    },
  };
}
