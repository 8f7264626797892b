import { X509Certificate } from "node:crypto";
import { StatusError } from "../../../machinery/index.ts";
import type { AuthMetrics } from "../../metrics/auth.ts";
import type { Authenticator, Credentials, ObjectReader, Peer, UserInfo } from "../../auth-contract.ts";
import type { AnonymousRule } from "./anonymous.ts";
import { type FrontProxyAuthenticator, isIssuedBy } from "./front-proxy.ts";
import type { TokenVerifier } from "./token-verifier.ts";
import { webSocketToken } from "./websocket-token.ts";
import { withEverybody } from "./token-verifier.ts";

type Certificate = NonNullable<Peer["certificate"]>;

/** The user of a client certificate: the common name, with the organizations as groups. */
function certificateUser({ commonName, organizations, fingerprint }: Certificate): UserInfo {
  return withEverybody({
    name: commonName,
    groups: [...organizations],
    ...(fingerprint
      ? { extra: { "authentication.kubernetes.io/credential-id": [`X509SHA256=${fingerprint}`] } }
      : {}),
  });
}

const extraSpace =
  "the provided Authorization header contains extra space before the bearer token, and is ignored";

/** The second word; two spaces before it make it empty. */
function bearerToken({ headers, warn }: Credentials): string | undefined {
  const [scheme, token, ...rest] = headers["authorization"]?.trim().split(" ") ?? [];
  if (scheme?.toLowerCase() !== "bearer") return undefined;
  if (token === "" && rest.length > 0) warn?.(extraSpace);
  return token || undefined;
}

export interface CredentialOptions {
  tokens: TokenVerifier;
  /** Absent: requests without credentials are anonymous. */
  anonymous?: AnonymousRule;
  frontProxies?: readonly FrontProxyAuthenticator[];
  /**
   * Authorities of client certificates, when TLS accepts those of front proxies, too; absent: every accepted certificate is a
   * client's.
   */
  clientAuthorities?: readonly X509Certificate[];
  /** Milliseconds since the epoch; absent: the remaining validity of certificates is not measured. */
  now?: () => number;
}

/** Cached result for a certificate. */
interface Known {
  /** null: not a client certificate. */
  user: UserInfo | null;
  /** Expiry in milliseconds since the epoch; NaN when unknown. */
  until: number;
}

/** Authenticates by front proxy headers, client certificate or bearer token; the first that succeeds counts. */
export class CredentialAuthenticator implements Authenticator {
  readonly #options: CredentialOptions;
  /** The same certificate gives the same UserInfo object, since decisions are cached per object. */
  #users = new Map<string, Known>();
  #meters: AuthMetrics | undefined;

  constructor(options: CredentialOptions) {
    this.#options = options;
  }

  attach(objects: ObjectReader, meters?: AuthMetrics): void {
    this.#meters = meters;
    this.#options.tokens.attach?.(objects, meters);
  }

  authenticate(request: Credentials): UserInfo | undefined | Promise<UserInfo | undefined> {
    const { certificate } = request.peer;
    if (certificate) {
      for (const proxy of this.#options.frontProxies ?? []) {
        const behind = proxy.authenticate(request);
        if (behind) return withEverybody(behind);
      }
      const user = this.#remembered(certificate);
      if (user) return user;
    }
    const token = bearerToken(request) ?? webSocketToken(request.headers);
    // Other schemes are anonymous, as in Kubernetes.
    if (token === undefined) return this.#nobody(request.path ?? "");
    try {
      const found = this.#options.tokens.verify(token, undefined, request.annotate);
      if (found instanceof Promise) return found.then((late) => late?.user ?? refuse(), refuse);
      return found?.user ?? refuse();
    } catch (cause) {
      return refuse(cause);
    }
  }

  #nobody(path: string): undefined {
    if (this.#options.anonymous?.allows(path) === false) refuse();
  }

  #remembered(certificate: Certificate): UserInfo | undefined {
    const key =
      certificate.fingerprint ?? JSON.stringify([certificate.commonName, ...certificate.organizations]);
    let known = this.#users.get(key);
    if (known === undefined) {
      if (this.#users.size > 1000) this.#users.clear();
      const { clientAuthorities } = this.#options;
      const foreign =
        clientAuthorities !== undefined &&
        certificate.der !== undefined &&
        !isIssuedBy(certificate.der, clientAuthorities);
      const { der } = certificate;
      known = {
        user: foreign ? null : certificateUser(certificate),
        until: der === undefined ? Number.NaN : Date.parse(new X509Certificate(der).validTo),
      };
      this.#users.set(key, known);
    }
    const { user, until } = known;
    const { now } = this.#options;
    if (user && now && this.#meters && !Number.isNaN(until))
      this.#meters.certificates.observe((until - now()) / 1000);
    return user ?? undefined;
  }
}

/** The client is not told why. */
function refuse(cause?: unknown): never {
  throw new StatusError("Unauthorized", "Unauthorized", { cause });
}
