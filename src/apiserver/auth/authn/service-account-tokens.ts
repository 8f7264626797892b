import type { Node, Pod, Secret, ServiceAccount } from "../../../api/index.ts";
import { type Clock, goQuote, StatusError } from "../../../machinery/index.ts";
import type { ObjectReader, UserInfo } from "../../auth-contract.ts";
import type { AuthMetrics } from "../../metrics/auth.ts";
import type { Note, TokenVerifier, VerifiedToken } from "./token-verifier.ts";
import { isSignedBy, readToken, type SigningKey, signToken, type VerifyingKey } from "./jwt.ts";

/** An object that a token is bound to. */
export interface BoundObject {
  name: string;
  uid: string;
}

interface Claims {
  aud: string[];
  exp: number;
  iat: number;
  iss: string;
  jti: string;
  nbf: number;
  sub: string;
  "kubernetes.io": {
    namespace: string;
    serviceaccount: BoundObject;
    pod?: BoundObject;
    secret?: BoundObject;
    node?: BoundObject;
    warnafter?: number;
  };
}

/** Claims of legacy tokens in Secrets, which have no audience and no expiry. */
interface LegacyClaims {
  iss: "kubernetes/serviceaccount";
  "kubernetes.io/serviceaccount/namespace": string;
  "kubernetes.io/serviceaccount/secret.name": string;
  "kubernetes.io/serviceaccount/service-account.name": string;
  "kubernetes.io/serviceaccount/service-account.uid": string;
  sub: string;
}

/** Label of Secrets with legacy tokens that were invalidated because they were unused for long (KEP-2799). */
const invalidSince = "kubernetes.io/legacy-token-invalid-since";
/** Prefix of audit annotations. */
const notes = "authentication.k8s.io/";
const legacyIssuer = "kubernetes/serviceaccount";
/** How long the token of a pod works after the pod's deletion time. */
const afterDeletionMs = 60_000;
const maxRemembered = 4096;
const usedEveryMs = 60_000;

export interface TokenRequestSpec {
  namespace: string;
  account: BoundObject;
  audiences: readonly string[];
  seconds: number;
  /** Seconds after which clients should have renewed it, if before its expiry. */
  warnAfterSeconds?: number;
  bound?: { pod?: BoundObject; secret?: BoundObject; node?: BoundObject };
}

export interface ServiceAccountTokensOptions {
  /** New tokens name the first; tokens of all are accepted. */
  issuers: readonly [string, ...string[]];
  /** Audiences that are accepted by default: all issuers if absent. */
  audiences?: readonly string[] | undefined;
  /** The first signs; all verify. */
  keys: readonly [SigningKey, ...VerifyingKey[]];
  clock: Clock;
  /** Generates token IDs. */
  uuid: () => string;
}

const unauthorized = (why: string): StatusError => new StatusError("Unauthorized", why);

const quotedAll = (all: readonly string[]): string => `[${all.map(goQuote).join(" ")}]`;

/** Issues ServiceAccount tokens and verifies them against the current objects. */
export class ServiceAccountTokens implements TokenVerifier {
  readonly issuer: string;
  readonly #issuers: ReadonlySet<string>;
  /** Audiences that are accepted by default. */
  readonly audiences: readonly string[];
  readonly keys: readonly [SigningKey, ...VerifyingKey[]];
  readonly #clock: Clock;
  readonly #uuid: () => string;
  #objects: ObjectReader | undefined;
  #meters: AuthMetrics | undefined;
  #legacyUsed: (secret: Secret) => void = () => {};
  /** When the use of a Secret's token was last reported, by uid. */
  readonly #toldAt = new Map<string, number>();
  /** Tokens with a verified signature. */
  #signed = new Map<string, Claims | LegacyClaims>();

  constructor(options: ServiceAccountTokensOptions) {
    [this.issuer] = options.issuers;
    this.#issuers = new Set(options.issuers);
    this.audiences = options.audiences ?? options.issuers;
    this.keys = options.keys;
    this.#clock = options.clock;
    this.#uuid = options.uuid;
  }

  attach(objects: ObjectReader, meters?: AuthMetrics): void {
    this.#objects = objects;
    this.#meters = meters;
  }

  issue(spec: TokenRequestSpec): { token: string; id: string } {
    const now = Math.floor(this.#clock.now() / 1000);
    const claims: Claims = {
      aud: [...spec.audiences],
      exp: now + spec.seconds,
      iat: now,
      iss: this.issuer,
      jti: this.#uuid(),
      "kubernetes.io": {
        namespace: spec.namespace,
        ...spec.bound,
        serviceaccount: spec.account,
        ...(spec.warnAfterSeconds === undefined ? {} : { warnafter: now + spec.warnAfterSeconds }),
      },
      nbf: now,
      sub: `system:serviceaccount:${spec.namespace}:${spec.account.name}`,
    };
    return { token: signToken(claims, this.keys[0]), id: claims.jti };
  }

  /** Issues a token without expiry, for a Secret. */
  issueLegacy(namespace: string, account: BoundObject, secret: string): string {
    const prefix = "kubernetes.io/serviceaccount/";
    const claims = {
      iss: legacyIssuer,
      [`${prefix}namespace`]: namespace,
      [`${prefix}secret.name`]: secret,
      [`${prefix}service-account.name`]: account.name,
      [`${prefix}service-account.uid`]: account.uid,
      sub: `system:serviceaccount:${namespace}:${account.name}`,
    };
    return signToken(claims, this.keys[0]);
  }

  /** Reports uses of tokens in Secrets; at most once a minute per Secret. */
  onLegacyUse(listener: (secret: Secret) => void): void {
    this.#legacyUsed = listener;
  }

  /**
   * Undefined when it is not one of our tokens. Throws Unauthorized when it is ours but invalid, expired, for another audience,
   * or bound to an object that is gone.
   */
  verify(
    token: string,
    audiences: readonly string[] = this.audiences,
    note: Note = () => {},
  ): VerifiedToken | undefined {
    const claims = this.#claimsOf(token);
    if (!claims) return undefined;
    if (claims.iss === legacyIssuer) return this.#legacy(claims as LegacyClaims, token, audiences, note);
    return this.#bound(claims as Claims, audiences, note);
  }

  #claimsOf(token: string): Claims | LegacyClaims | undefined {
    const known = this.#signed.get(token);
    if (known) {
      this.#meters?.tokenHits().add();
      return known;
    }
    const parsed = readToken(token);
    const claims = parsed?.claims as Claims | LegacyClaims | undefined;
    if (!parsed || !claims || !(this.#issuers.has(claims.iss) || claims.iss === legacyIssuer))
      return undefined;
    this.#meters?.tokenMisses().add();
    if (!isSignedBy(token, parsed.header["alg"], this.keys)) {
      this.#meters?.tokensBad().add();
      throw unauthorized("invalid bearer token");
    }
    this.#meters?.tokensGood().add();
    if (this.#signed.size >= maxRemembered) this.#signed.clear();
    this.#signed.set(token, claims);
    return claims;
  }

  #bound(claims: Claims, audiences: readonly string[], note: Note): VerifiedToken {
    const now = this.#clock.now();
    if (now >= claims.exp * 1000) throw unauthorized("service account token has expired");
    if (now < claims.nbf * 1000 - 60_000) throw unauthorized("service account token is not valid yet");
    const shared = audiences.filter((audience) => claims.aud.includes(audience));
    if (shared.length === 0)
      throw unauthorized(
        `token audiences ${quotedAll(claims.aud)} is invalid for the target audiences ${quotedAll(audiences)}`,
      );
    const own = claims["kubernetes.io"];
    this.#account(own.namespace, own.serviceaccount);
    const extra: Record<string, string[]> = {
      "authentication.kubernetes.io/credential-id": [`JTI=${claims.jti}`],
    };
    const bind = (kind: "pod" | "node", object: BoundObject): void => {
      extra[`authentication.kubernetes.io/${kind}-name`] = [object.name];
      extra[`authentication.kubernetes.io/${kind}-uid`] = [object.uid];
    };
    if (own.pod) {
      this.#alive<Pod>("pods", own.namespace, own.pod);
      bind("pod", own.pod);
    }
    if (own.secret) this.#alive<Secret>("secrets", own.namespace, own.secret);
    if (own.node) {
      // In a pod's token the node is informational; alone, the token is bound to it.
      if (!own.pod) this.#alive<Node>("nodes", undefined, own.node);
      bind("node", own.node);
    }
    if (own.warnafter) {
      const since = now - own.warnafter * 1000;
      this.#meters?.[since > 0 ? "stale" : "valid"].add();
      if (since > 0) {
        const seconds = Math.floor(now / 1000) - own.warnafter;
        note(`${notes}stale-token`, `subject: ${claims.sub}, seconds after warning threshold: ${seconds}`);
      }
    }
    return { user: userOf(own.namespace, own.serviceaccount, extra), audiences: shared };
  }

  #legacy(claims: LegacyClaims, token: string, audiences: readonly string[], note: Note): VerifiedToken {
    const shared = audiences.filter((each) => this.audiences.includes(each));
    if (shared.length === 0) throw unauthorized("token audience is invalid");
    const namespace = claims["kubernetes.io/serviceaccount/namespace"];
    note(`${notes}legacy-token`, claims.sub);
    const account = {
      name: claims["kubernetes.io/serviceaccount/service-account.name"],
      uid: claims["kubernetes.io/serviceaccount/service-account.uid"],
    };
    const secret = this.#objects?.get<Secret>(
      "",
      "secrets",
      namespace,
      claims["kubernetes.io/serviceaccount/secret.name"],
    );
    if (!secret || Buffer.from(secret.data?.["token"] ?? "", "base64").toString() !== token)
      throw unauthorized("token has been invalidated");
    if (secret.metadata?.deletionTimestamp) throw unauthorized("token has been invalidated");
    const owner = this.#account(namespace, account);
    if (secret.metadata?.labels?.[invalidSince]) {
      this.#meters?.legacyAutoInvalid.add();
      note(`${notes}legacy-token-invalidated`, `${secret.metadata.name}/${namespace}`);
      this.#tellUse(secret);
      throw unauthorized(
        `the token in secret ${namespace}/${secret.metadata.name} for service account ${namespace}/${account.name} has been marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the '${invalidSince}' label from the secret to temporarily allow use of this token`,
      );
    }
    const made = owner.secrets?.some(({ name }) => name === secret.metadata?.name) ?? false;
    this.#meters?.legacy.add();
    this.#meters?.[made ? "legacyAuto" : "legacyManual"].add();
    note(`${notes}legacy-token-${made ? "autogenerated" : "manual"}-secret`, secret.metadata?.name ?? "");
    this.#tellUse(secret);
    return { user: userOf(namespace, account, {}), audiences: shared };
  }

  #tellUse(secret: Secret): void {
    const uid = secret.metadata?.uid ?? "";
    const now = this.#clock.monotonic();
    if (now - (this.#toldAt.get(uid) ?? Number.NEGATIVE_INFINITY) < usedEveryMs) return;
    if (this.#toldAt.size >= maxRemembered) this.#toldAt.clear();
    this.#toldAt.set(uid, now);
    this.#legacyUsed(secret);
  }

  #account(namespace: string, account: BoundObject): ServiceAccount {
    const stored = this.#objects?.get<ServiceAccount>("", "serviceaccounts", namespace, account.name);
    if (!stored || stored.metadata?.uid !== account.uid)
      throw unauthorized(`serviceaccounts "${account.name}" not found`);
    return stored;
  }

  #alive<T extends Pod | Secret | Node>(
    resource: string,
    namespace: string | undefined,
    bound: BoundObject,
  ): void {
    const stored = this.#objects?.get<T>("", resource, namespace, bound.name);
    if (!stored || stored.metadata?.uid !== bound.uid)
      throw unauthorized(
        `${resource} "${bound.name}" not found: the service account token has been invalidated`,
      );
    const deleted = stored.metadata?.deletionTimestamp;
    if (deleted && this.#clock.now() > Date.parse(deleted) + afterDeletionMs)
      throw unauthorized("service account token has been invalidated");
  }
}

function userOf(namespace: string, account: BoundObject, extra: Record<string, string[]>): UserInfo {
  return {
    name: `system:serviceaccount:${namespace}:${account.name}`,
    uid: account.uid,
    groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
    ...(Object.keys(extra).length > 0 ? { extra } : {}),
  };
}
