import { createPublicKey, type KeyObject } from "node:crypto";
import { type Clock, isObject } from "../../../../machinery/index.ts";

/** Fetches a JSON document; `ca`: PEM of authorities to trust instead of the system's. */
export type FetchJson = (url: string, ca: string | undefined) => Promise<unknown>;

export interface IssuerKey {
  id: string | undefined;
  key: KeyObject;
}

/** Least time between fetches for unknown key IDs. */
const refetchMs = 10_000;

/** The public keys of one issuer (OpenID Connect Discovery 1.0, RFC 7517), fetched when needed. */
export class IssuerKeys {
  readonly #options: { url: string; discoveryUrl?: string; ca?: string; clock: Clock; fetchJson: FetchJson };
  #keys: readonly IssuerKey[] = [];
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #pending: Promise<void> | undefined;

  constructor(options: {
    url: string;
    discoveryUrl?: string;
    ca?: string;
    clock: Clock;
    fetchJson: FetchJson;
  }) {
    this.#options = options;
  }

  /** Candidate keys of a token; fetches them again when the ID is unknown. Throws when the issuer cannot be reached. */
  async for(keyId: string | undefined): Promise<readonly IssuerKey[]> {
    const known = this.#matching(keyId);
    if (known.length > 0) return known;
    const now = this.#options.clock.monotonic();
    if (now - this.#fetchedAt >= refetchMs || this.#pending) {
      this.#pending ??= this.#fetch().finally(() => {
        this.#pending = undefined;
      });
      await this.#pending;
    }
    return this.#matching(keyId);
  }

  #matching(keyId: string | undefined): IssuerKey[] {
    return this.#keys.filter((each) => keyId === undefined || each.id === undefined || each.id === keyId);
  }

  async #fetch(): Promise<void> {
    const { url, discoveryUrl, ca, clock, fetchJson } = this.#options;
    const from = discoveryUrl ?? `${url.replace(/\/+$/, "")}/.well-known/openid-configuration`;
    const found = await fetchJson(from, ca);
    if (!isObject(found) || found.issuer !== url) {
      throw new Error(
        `oidc: issuer did not match the issuer returned by provider, expected ${JSON.stringify(url)}`,
      );
    }
    const { jwks_uri: jwksUri } = found;
    if (typeof jwksUri !== "string" || !jwksUri.startsWith("https://")) {
      throw new Error("oidc: the provider names no jwks_uri with https");
    }
    const set = await fetchJson(jwksUri, ca);
    const keys = isObject(set) && Array.isArray(set.keys) ? set.keys : [];
    this.#keys = keys.flatMap(readKey);
    this.#fetchedAt = clock.monotonic();
  }
}

/** Ignores keys of unknown types. */
function readKey(jwk: unknown): IssuerKey[] {
  if (!isObject(jwk) || (jwk.use !== undefined && jwk.use !== "sig")) return [];
  try {
    return [
      {
        id: typeof jwk.kid === "string" ? jwk.kid : undefined,
        key: createPublicKey({ key: jwk as never, format: "jwk" }),
      },
    ];
  } catch {
    return [];
  }
}
