import { publicJwk } from "./authn/jwt.ts";
import type { ServiceAccountTokens } from "./authn/service-account-tokens.ts";

/** Documents for verifying our ServiceAccount tokens (OpenID Connect Discovery 1.0, 3 and 4), by path. */
export function issuerDocuments(
  { issuer, keys }: Pick<ServiceAccountTokens, "issuer" | "keys">,
  jwksUri = `${issuer}/openid/v1/jwks`,
): ReadonlyMap<string, () => unknown> {
  const discovery = {
    issuer,
    jwks_uri: jwksUri,
    response_types_supported: ["id_token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: [...new Set(keys.map((key) => key.algorithm))],
  };
  return new Map<string, () => unknown>([
    ["/.well-known/openid-configuration", () => discovery],
    ["/openid/v1/jwks", () => ({ keys: keys.map(publicJwk) })],
  ]);
}
