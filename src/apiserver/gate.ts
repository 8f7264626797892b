/** Authentication, impersonation and authorization of a request. */
import type { Clock } from "../machinery/index.ts";
import type { AuthorizationAttributes, Authenticator, Authorizer, UserInfo } from "./auth-contract.ts";
import { Impersonation, wantedUser } from "./auth/authn/impersonation.ts";
import type { AuditTrail, HandlerRequest, RequestInfo } from "./contract.ts";
import { denied } from "./errors.ts";
import type { IdentityMetrics } from "./metrics/identity.ts";
import type { Meters } from "./metrics/meters.ts";
import { requestSelectors } from "./request-selectors.ts";
import { PageError } from "./response.ts";

const anonymousUser: UserInfo = { name: "system:anonymous", groups: ["system:unauthenticated"] };

const isAnonymous = ({ name, groups }: UserInfo): boolean =>
  name === anonymousUser.name || groups.includes("system:unauthenticated");

/** The attributes of a request. `name` is also set when a field selector names the object. */
export type Asked = AuthorizationAttributes & { name: string };

/** `at`: when authentication was done (monotonic). */
export interface Identified {
  asked: Asked;
  at: number;
  /** Before impersonation. */
  anonymous: boolean;
}

export class Gate {
  readonly #clock: Clock;
  readonly #authenticator: Authenticator;
  readonly #authorizer: Authorizer;
  readonly #impersonation: Impersonation;
  readonly #meters: IdentityMetrics;

  constructor(
    clock: Clock,
    authenticator: Authenticator,
    authorizer: Authorizer,
    meters: Pick<Meters, "identity" | "impersonation">,
  ) {
    this.#clock = clock;
    this.#authenticator = authenticator;
    this.#authorizer = authorizer;
    this.#impersonation = new Impersonation(authorizer, {
      now: () => clock.monotonic(),
      meters: meters.impersonation,
    });
    this.#meters = meters.identity;
  }

  /** Authentication and authorization. Throws 401 and 403. */
  async admit(request: HandlerRequest, info: RequestInfo, trail?: AuditTrail): Promise<UserInfo> {
    const { asked, at } = await this.identify(request, info, this.#clock.monotonic(), trail);
    await this.authorize(asked, request.path, at, trail);
    return asked.user;
  }

  /** Authentication and impersonation. `began`: when the request came. Throws 401, 403 and 400. */
  async identify(
    request: HandlerRequest,
    info: RequestInfo,
    began: number,
    trail?: AuditTrail,
  ): Promise<Identified> {
    const user = await this.#authenticate(request, info, began, trail);
    const at = this.#clock.monotonic();
    this.#meters.authenticated(user.name, at - began);
    trail?.spent("authentication", at - began);
    const selectors = requestSelectors(info);
    const attributes = {
      user,
      verb: info.verb,
      apiGroup: info.apiGroup,
      apiVersion: info.apiVersion,
      resource: info.resource,
      subresource: info.subresource,
      namespace: info.namespace,
      ...selectors,
      name: info.name || selectors.name,
      path: info.path,
      isResource: info.isResource,
    };
    const recorded = trail?.received(attributes);
    if (recorded) await recorded;
    const wanted = wantedUser(request.headers ?? {});
    const anonymous = isAnonymous(user);
    if (!wanted) return { asked: attributes, at, anonymous };
    const acting = await this.#impersonation.actAs(wanted, attributes);
    trail?.impersonating(acting.user, acting.constraint);
    const now = this.#clock.monotonic();
    trail?.spent("impersonation", now - at);
    return { asked: { ...attributes, user: acting.user }, at: now, anonymous };
  }

  /** Throws 401. */
  async #authenticate(
    request: HandlerRequest,
    { path }: RequestInfo,
    began: number,
    trail: AuditTrail | undefined,
  ): Promise<UserInfo> {
    const { headers = {}, peer } = request;
    const warn = (text: string): void => void (request.warnings ??= []).push(text);
    const annotate = trail && ((key: string, value: string) => trail.annotate(key, value));
    try {
      return (
        (await this.#authenticator.authenticate({ headers, peer, path, annotate, warn })) ?? anonymousUser
      );
    } catch (error) {
      this.#meters.unknown(this.#clock.monotonic() - began);
      throw error;
    }
  }

  /**
   * `target`: path and query. `since`: the time when it is called; answers the time when it is done. Throws 403, and 500 where an
   * authorizer failed and no other allows it.
   */
  async authorize(asked: Asked, target: string, since: number, trail?: AuditTrail): Promise<number> {
    const decision = await this.#authorizer.authorize(asked);
    const now = this.#clock.monotonic();
    this.#meters.authorized(decision, now - since);
    trail?.spent("authorization", now - since);
    trail?.decided(decision);
    const { allowed, error, reason } = decision;
    if (!allowed && error !== undefined) throw internalError(target, error);
    if (!allowed) throw denied(asked, reason);
    return now;
  }
}

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

const internalError = (target: string, error: string): PageError => {
  const text = `Internal Server Error: ${JSON.stringify(target)}: ${error}\n`;
  return new PageError(
    500,
    text.replaceAll(/[&<>]/g, (each) => entities[each] ?? each),
  );
};
