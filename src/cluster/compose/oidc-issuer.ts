/** The OpenID Connect issuer of flags, as in an AuthenticationConfiguration. */
import { readFileSync } from "node:fs";
import type { JwtAuthenticatorConfig } from "../../apiserver/index.ts";
import type { OidcSettings } from "../config/api-server-settings.ts";

/** Default of --oidc-signing-algs: the algorithm that OpenID Connect requires of every issuer. */
const defaultAlgorithms: readonly string[] = ["RS256"];

/**
 * Reads the file of its authorities. User names are prefixed by the issuer, unless they are e-mail addresses or a prefix is given
 * (as in kube-apiserver).
 */
export function oidcIssuer(settings: OidcSettings): {
  configuration: object;
  signingAlgorithms: readonly string[];
} {
  const { issuerUrl, clientId, usernameClaim = "sub", usernamePrefix = "", caFile } = settings;
  const { groupsClaim, groupsPrefix = "", requiredClaims = {} } = settings;
  const usual = usernameClaim === "email" ? "" : `${issuerUrl}#`;
  const jwt: JwtAuthenticatorConfig = {
    issuer: {
      url: issuerUrl,
      audiences: [clientId],
      ...(caFile ? { certificateAuthority: readFileSync(caFile, "utf8") } : {}),
    },
    claimMappings: {
      username: {
        claim: usernameClaim,
        prefix: usernamePrefix === "-" ? "" : usernamePrefix || usual,
      },
      ...(groupsClaim ? { groups: { claim: groupsClaim, prefix: groupsPrefix } } : {}),
    },
    claimValidationRules: Object.entries(requiredClaims).map(([claim, requiredValue]) => ({
      claim,
      requiredValue,
    })),
  };
  return {
    configuration: {
      apiVersion: "apiserver.config.k8s.io/v1",
      kind: "AuthenticationConfiguration",
      jwt: [jwt],
    },
    signingAlgorithms: settings.signingAlgorithms ?? defaultAlgorithms,
  };
}
