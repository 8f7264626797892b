import { type Clock, StatusError } from "../../../../machinery/index.ts";
import type { UserInfo } from "../../../auth-contract.ts";
import type { AuthMetrics } from "../../../metrics/auth.ts";
import { readToken } from "../jwt.ts";
import { type TokenVerifier, type VerifiedToken, withEverybody } from "../token-verifier.ts";
import { type Claims, userMapper } from "./claims.ts";
import type { CompileExpression } from "../../expressions.ts";
import type { JwtAuthenticatorConfig } from "./config.ts";
import { type FetchJson, IssuerKeys } from "./issuer-keys.ts";
import { type IdToken, readIdToken } from "./id-token.ts";
import { isSigned } from "./signature.ts";

/** How long a valid signature is cached. */
const rememberMs = 10_000;
const maxRemembered = 4096;
/** Clock skew that `nbf` may have. */
const leewayMs = 60_000;

export interface JwtTokensOptions {
  config: JwtAuthenticatorConfig;
  compile: CompileExpression;
  clock: Clock;
  fetchJson: FetchJson;
  /** Allowed signing algorithms; default: all supported ones. */
  algorithms?: readonly string[] | undefined;
  /** Metrics; undefined before the server starts. */
  meters?: () => AuthMetrics | undefined;
}

/** ID tokens of one OpenID Connect issuer. */
export class JwtTokens implements TokenVerifier {
  readonly #config: JwtAuthenticatorConfig;
  readonly #clock: Clock;
  readonly #keys: IssuerKeys;
  readonly #algorithms: readonly string[] | undefined;
  readonly #userOf: (claims: Claims) => UserInfo;
  readonly #meters: (() => AuthMetrics | undefined) | undefined;
  readonly #known = new Map<string, { user: UserInfo; until: number }>();

  constructor({ config, compile, clock, fetchJson, algorithms, meters }: JwtTokensOptions) {
    const { url, discoveryURL, certificateAuthority } = config.issuer;
    this.#config = config;
    this.#clock = clock;
    this.#algorithms = algorithms;
    this.#meters = meters;
    this.#userOf = userMapper(config, compile);
    this.#keys = new IssuerKeys({
      url,
      clock,
      fetchJson,
      ...(discoveryURL ? { discoveryUrl: discoveryURL } : {}),
      ...(certificateAuthority ? { ca: certificateAuthority } : {}),
    });
  }

  verify(token: string): VerifiedToken | undefined | Promise<VerifiedToken | undefined> {
    const parsed = readToken(token);
    const claims = parsed?.claims as Claims | undefined;
    if (!parsed || claims?.iss !== this.#config.issuer.url) return undefined;
    const known = this.#known.get(token);
    if (known && this.#clock.now() < known.until) return { user: known.user };
    return this.#timed(this.#check(token, parsed.header, claims));
  }

  async #timed(checked: Promise<VerifiedToken>): Promise<VerifiedToken> {
    const began = this.#clock.monotonic();
    let good = false;
    try {
      const verified = await checked;
      good = true;
      return verified;
    } finally {
      this.#meters?.()?.issuerAsked(this.#config.issuer.url, good, this.#clock.monotonic() - began);
    }
  }

  async #check(token: string, header: Record<string, unknown>, claims: Claims): Promise<VerifiedToken> {
    const now = this.#clock.now();
    const idToken = this.#read(claims);
    const expires = (idToken.expires ?? 0) * 1000;
    if (idToken.expires === undefined || expires < now)
      throw unauthorized("oidc: verify token: oidc: token is expired");
    if (idToken.notBefore !== undefined && now + leewayMs < idToken.notBefore * 1000)
      throw unauthorized("oidc: verify token: oidc: current time before the nbf (not before) time");
    const { audiences } = idToken;
    if (!this.#config.issuer.audiences.some((each) => audiences.includes(each))) {
      throw unauthorized(
        `oidc: expected audience in ${JSON.stringify(this.#config.issuer.audiences)} got ${JSON.stringify(audiences)}`,
      );
    }
    if (this.#algorithms && !this.#algorithms.includes(String(header.alg))) {
      const expected = this.#algorithms.map((each) => JSON.stringify(each)).join(" ");
      throw unauthorized(
        `oidc: verify token: oidc: id token signed with unsupported algorithm, expected [${expected}] got ${JSON.stringify(header.alg)}`,
      );
    }
    const keyId = typeof header.kid === "string" ? header.kid : undefined;
    let user: UserInfo;
    try {
      const keys = await this.#keys.for(keyId);
      const signed = isPlain(header.crit) && keys.some(({ key }) => isSigned(token, header.alg, key));
      if (!signed) throw new Error("oidc: verify token: failed to verify signature");
      this.#checkGroups(claims, idToken);
      user = withEverybody(this.#userOf(claims));
    } catch (error) {
      throw unauthorized((error as Error).message);
    }
    if (this.#known.size >= maxRemembered) this.#known.clear();
    this.#known.set(token, { user, until: Math.min(expires, now + rememberMs) });
    return { user };
  }

  #read(claims: Claims): IdToken {
    try {
      return readIdToken(claims);
    } catch (error) {
      throw unauthorized(`oidc: verify token: ${(error as Error).message}`);
    }
  }

  /** Groups that another server would have to be asked for are not left out. */
  #checkGroups(claims: Claims, { distributed }: IdToken): void {
    const { claim = "" } = this.#config.claimMappings.groups ?? {};
    const endpoint = Object.hasOwn(claims, claim) ? "" : distributed.get(claim);
    if (claim !== "" && endpoint)
      throw new Error(
        `oidc: could not expand distributed claims: ${JSON.stringify(claim)} of ${endpoint} is not asked for`,
      );
  }
}

/** A header may name no extension that has to be understood: none is. */
const isPlain = (critical: unknown): boolean =>
  critical === undefined || critical === null || (Array.isArray(critical) && critical.length === 0);

const unauthorized = (why: string): StatusError => new StatusError("Unauthorized", why);
