/** Flags of an OpenID Connect issuer, named as in kube-apiserver. */
import { type ApiServerSettings, checkSigningAlgorithms } from "../../cluster/index.ts";
import { type Flags, type FlagSpec, UsageError } from "../flags.ts";
import { fileOf, given } from "./flag-values.ts";

export const oidcFlags: readonly FlagSpec[] = [
  {
    long: "oidc-issuer-url",
    type: "string",
    help: "OpenID Connect issuer (https) whose ID tokens are accepted; not beside --authentication-config",
  },
  { long: "oidc-client-id", type: "string", help: "required audience of the issuer's tokens" },
  { long: "oidc-username-claim", type: "string", help: "claim with the user name; default sub" },
  {
    long: "oidc-username-prefix",
    type: "string",
    help: "prefix of user names; -: none; default the issuer and #, except for e-mail addresses",
  },
  {
    long: "oidc-groups-claim",
    type: "string",
    help: "claim with the user's groups: a string or a list",
  },
  { long: "oidc-groups-prefix", type: "string", help: "prefix of groups" },
  {
    long: "oidc-required-claim",
    type: "list",
    help: "CLAIM=VALUE required in the issuer's tokens; may be repeated",
  },
  {
    long: "oidc-signing-algs",
    type: "list",
    help: "accepted signing algorithms: RS256, RS384, RS512, ES256, ES384, ES512, PS256, PS384, PS512; default RS256",
  },
  {
    long: "oidc-ca-file",
    type: "string",
    help: "authorities (PEM) of the issuer's certificate; default the system's",
  },
];

/** Undefined when none of the flags is given. Throws a UsageError in kube-apiserver's words. */
export function oidcOf(flags: Flags): ApiServerSettings["oidc"] {
  if (!oidcFlags.some(({ long }) => flags.has(long))) return undefined;
  if (flags.has("authentication-config"))
    throw new UsageError("authentication-config file and oidc-* flags are mutually exclusive");
  const issuerUrl = flags.text("oidc-issuer-url");
  const clientId = flags.text("oidc-client-id");
  if (!issuerUrl || !clientId)
    throw new UsageError(
      "oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set",
    );
  const requiredClaims = flags.list("oidc-required-claim").map(claimOf);
  return given({
    issuerUrl,
    clientId,
    usernameClaim: flags.text("oidc-username-claim"),
    usernamePrefix: flags.text("oidc-username-prefix"),
    groupsClaim: flags.text("oidc-groups-claim"),
    groupsPrefix: flags.text("oidc-groups-prefix"),
    requiredClaims: requiredClaims.length > 0 ? Object.fromEntries(requiredClaims) : undefined,
    signingAlgorithms: algorithms(flags.list("oidc-signing-algs").flatMap((each) => each.split(","))),
    caFile: fileOf(flags, "oidc-ca-file"),
  });
}

function claimOf(pair: string): [string, string] {
  const at = pair.indexOf("=");
  if (at < 0)
    throw new UsageError(
      `invalid argument "${pair}" for "--oidc-required-claim" flag: malformed pair, expect string=string`,
    );
  return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
}

function algorithms(names: readonly string[]): readonly string[] | undefined {
  if (names.length === 0) return undefined;
  try {
    checkSigningAlgorithms(names);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  return names;
}
