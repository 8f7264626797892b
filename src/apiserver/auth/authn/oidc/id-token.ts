/** The claims that every ID token has (OpenID Connect Core 1.0, section 2), read as strictly as Go reads them. Pure. */
import { isObject } from "../../../../machinery/index.ts";
import type { Claims } from "./claims.ts";

export interface IdToken {
  audiences: readonly string[];
  /** Seconds since 1970; `undefined`: the token does not say. */
  expires: number | undefined;
  notBefore: number | undefined;
  /** Claims that have to be asked for elsewhere, with the place; "" for those that came along. */
  distributed: ReadonlyMap<string, string>;
}

/** Throws an Error for claims of the wrong types. */
export function readIdToken(claims: Claims): IdToken {
  for (const name of ["iss", "sub", "nonce", "at_hash"]) text(claims[name], name);
  const time = (name: string): number | undefined =>
    claims[name] === undefined ? undefined : seconds(claims[name], name);
  time("iat");
  return {
    audiences: audiencesOf(claims.aud),
    expires: time("exp"),
    notBefore: claims.nbf === null ? undefined : time("nbf"),
    distributed: distributedClaims(claims._claim_names, claims._claim_sources),
  };
}

const malformed = (name: string): Error =>
  new Error(`oidc: failed to unmarshal claims: ${JSON.stringify(name)} has the wrong type`);

/** Go takes null for nothing. */
function text(value: unknown, name: string): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value;
  throw malformed(name);
}

const numberText = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** A number, or the text of one. */
function seconds(value: unknown, name: string): number {
  const found = typeof value === "string" && numberText.test(value) ? Number(value) : value;
  if (typeof found !== "number" || !Number.isFinite(found)) throw malformed(name);
  return Math.trunc(found);
}

function audiencesOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map((each) => text(each, "aud")) : [text(value, "aud")];
}

function distributedClaims(names: unknown, sources: unknown): Map<string, string> {
  const given = membersOf(sources, "_claim_sources").map(([source, value]) => {
    const { endpoint, access_token: token } = Object.fromEntries(membersOf(value, "_claim_sources"));
    text(token, "_claim_sources");
    return [source, text(endpoint, "_claim_sources")] as const;
  });
  const endpoints = new Map(given);
  return new Map(
    membersOf(names, "_claim_names").map(([claim, value]) => {
      const source = text(value, "_claim_names");
      if (source === "") throw new Error("oidc: failed to obtain source from claim name");
      const endpoint = endpoints.get(source);
      if (endpoint === undefined) throw new Error("oidc: source does not exist");
      return [claim, endpoint] as const;
    }),
  );
}

function membersOf(value: unknown, name: string): [string, unknown][] {
  if (value === undefined || value === null) return [];
  if (isObject(value)) return Object.entries(value);
  throw malformed(name);
}
