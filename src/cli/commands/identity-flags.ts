/** Authentication and ServiceAccount token flags, named as in kube-apiserver. */
import { resolve } from "node:path";
import type { ApiServerSettings } from "../../cluster/index.ts";
import { type Flags, type FlagSpec, UsageError } from "../flags.ts";
import { durationOf, fileOf, given } from "./flag-values.ts";

export const identityFlags: readonly FlagSpec[] = [
  {
    long: "authentication-config",
    type: "string",
    help: "AuthenticationConfiguration file: OpenID Connect issuers, anonymous requests; reloaded when it changes",
  },
  {
    long: "token-auth-file",
    type: "string",
    help: "users by bearer token: lines of token,user,uid and groups",
  },
  {
    long: "enable-bootstrap-token-auth",
    type: "boolean",
    help: "accept bootstrap tokens (Secrets in kube-system); default true",
  },
  {
    long: "authentication-token-webhook-config-file",
    type: "string",
    help: "kubeconfig of the webhook for bearer tokens that no other authenticator knows",
  },
  {
    long: "authentication-token-webhook-version",
    type: "string",
    help: "version of the TokenReviews sent to it: v1 or v1beta1; default v1beta1",
  },
  {
    long: "authentication-token-webhook-cache-ttl",
    type: "string",
    help: "how long its answers are cached; 0: not at all; default 2m0s",
  },
  {
    long: "anonymous-auth",
    type: "boolean",
    help: "authenticate requests without credentials as system:anonymous; default true",
  },
  {
    long: "client-ca-file",
    type: "string",
    help: "authorities (PEM) of client certificates, beside the cluster's own, including intermediate ones",
  },
  {
    long: "service-account-issuer",
    type: "list",
    help: "issuers of accepted ServiceAccount tokens; new tokens name the first; may be repeated",
  },
  {
    long: "service-account-signing-key-file",
    type: "string",
    help: "private key (PEM, RSA or P-256) that signs ServiceAccount tokens instead of the cluster's own",
  },
  {
    long: "service-account-key-file",
    type: "list",
    help: "keys (PEM, public or private) whose tokens are accepted, beside the signing key and the cluster's own; may be repeated",
  },
  {
    long: "api-audiences",
    type: "list",
    help: "audiences of ServiceAccount tokens; default all issuers",
  },
  {
    long: "service-account-jwks-uri",
    type: "string",
    help: "JWKS address in the issuer's discovery document",
  },
  {
    long: "service-account-max-token-expiration",
    type: "string",
    help: "longest lifetime of a token, whatever is requested: 1h or more",
  },
  {
    long: "service-account-extend-token-expiration",
    type: "boolean",
    help: "pods' tokens are valid for a year, with warnings after an hour; default true",
  },
];

const hourMs = 3_600_000;

/** Throws a UsageError in kube-apiserver's words. */
export function identitySettings(flags: Flags): ApiServerSettings {
  const maxTokenMs = durationOf(flags, "service-account-max-token-expiration");
  if (maxTokenMs && (maxTokenMs < hourMs || maxTokenMs > 2 ** 32 * 1000))
    throw new UsageError("the service-account-max-token-expiration must be between 1 hour and 2^32 seconds");
  const audiences = flags.list("api-audiences").flatMap((each) => each.split(","));
  const keyFiles = flags.list("service-account-key-file").map((path) => resolve(path));
  const bootstrap = "enable-bootstrap-token-auth";
  const extend = "service-account-extend-token-expiration";
  return given({
    authenticationConfig: fileOf(flags, "authentication-config"),
    bootstrapTokens: flags.has(bootstrap) ? flags.on(bootstrap) : undefined,
    tokenWebhook: webhookOf(flags),
    tokenFile: fileOf(flags, "token-auth-file"),
    anonymous: flags.has("anonymous-auth") ? flags.on("anonymous-auth") : undefined,
    clientCaFile: fileOf(flags, "client-ca-file"),
    issuers: issuersOf(flags.list("service-account-issuer")),
    signingKeyFile: fileOf(flags, "service-account-signing-key-file"),
    keyFiles: keyFiles.length > 0 ? keyFiles : undefined,
    audiences: audiences.length > 0 ? audiences : undefined,
    jwksUri: flags.text("service-account-jwks-uri"),
    maxTokenMs: maxTokenMs === 0 ? undefined : maxTokenMs,
    extendTokens: flags.has(extend) ? flags.on(extend) : undefined,
  });
}

function issuersOf(issuers: readonly string[]): readonly string[] | undefined {
  const name = "service-account-issuer";
  for (const [i, issuer] of issuers.entries()) {
    if (issuer === "") throw new UsageError(`${name} should not be an empty string`);
    const quoted = JSON.stringify(issuer);
    if (issuer.startsWith(":"))
      throw new UsageError(
        `${name} ${quoted} contained a ':' but was not a valid URL: parse ${quoted}: missing protocol scheme`,
      );
    if (issuers.indexOf(issuer) < i) throw new UsageError(`${name} ${quoted} is already specified`);
  }
  return issuers.length > 0 ? issuers : undefined;
}

const webhookVersions = ["v1", "v1beta1"] as const;

/** Without a webhook only its version is checked. */
function webhookOf(flags: Flags): ApiServerSettings["tokenWebhook"] {
  const prefix = "authentication-token-webhook";
  const kubeconfig = fileOf(flags, `${prefix}-config-file`);
  const named = flags.text(`${prefix}-version`) ?? "v1beta1";
  const version = webhookVersions.find((each) => each === named);
  if (!version)
    throw new UsageError(
      `unsupported authentication webhook version ${JSON.stringify(named)}, supported versions are "v1", "v1beta1"`,
    );
  const ttlMs = durationOf(flags, `${prefix}-cache-ttl`);
  return kubeconfig ? given({ kubeconfig, version, ttlMs }) : undefined;
}
