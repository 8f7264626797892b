/** Replaces the authentication and authorization configurations. */
import { randomInt } from "node:crypto";
import type { Clock } from "../../machinery/index.ts";
import type { AnonymousRule } from "./authn/anonymous.ts";
import type { AuthenticationConfig } from "./authn/oidc/config.ts";
import type { FetchJson } from "./authn/oidc/issuer-keys.ts";
import type { TokenUnion } from "./authn/token-union.ts";
import type { AbacPolicy } from "./authz/abac.ts";
import type { AuthorizerChain, ChosenLink } from "./authz/chain.ts";
import type { AuthorizerConfig } from "./authz/config.ts";

export interface ConfiguredAuthentication {
  clock: Clock;
  /** Issuers of ServiceAccount tokens, whose names OpenID Connect issuers must not have. */
  issuers: readonly string[];
  /** Verifies the tokens of the configured OpenID Connect issuers. */
  oidcTokens: TokenUnion;
  anonymous: AnonymousRule;
  /** --anonymous-auth; undefined when the flag is not set. */
  anonymousFlag: AuthenticationConfig["anonymous"];
  anonymousDefault: NonNullable<AuthenticationConfig["anonymous"]>;
  /** Its metrics are known when the server starts. */
  authorizer: AuthorizerChain;
  /** Default: over HTTPS. */
  fetchJson?: FetchJson | undefined;
}

/**
 * `value`: an AuthenticationConfiguration. `algorithms`: allowed for tokens; undefined: all supported ones. Throws all mistakes,
 * without changing anything.
 */
export async function configureAuthentication(
  value: unknown,
  at: ConfiguredAuthentication,
  algorithms?: readonly string[],
): Promise<void> {
  const { readAuthenticationConfig } = await import("./authn/oidc/config.ts");
  const { fetchJson: overHttps } = await import("./authn/oidc/fetch-json.ts");
  const { JwtTokens } = await import("./authn/oidc/jwt-tokens.ts");
  const { expressionCompiler } = await import("./expressions.ts");
  const compile = await expressionCompiler();
  const { clock, authorizer, anonymousFlag, fetchJson = overHttps } = at;
  const { anonymous, jwt } = readAuthenticationConfig(value, at.issuers, compile);
  if (anonymous && anonymousFlag)
    throw new Error(
      "anonymous: Forbidden: --anonymous-auth flag cannot be set when anonymous field is configured in authentication configuration file",
    );
  const meters = () => authorizer.meters;
  const common = { compile, clock, fetchJson, meters, algorithms };
  at.oidcTokens.use(jwt.map((config) => new JwtTokens({ config, ...common })));
  at.anonymous.use(anonymous ?? anonymousFlag ?? at.anonymousDefault);
}

type ConfiguredAuthorization = Pick<ConfiguredAuthentication, "authorizer" | "clock">;

/** `value`: an AuthorizationConfiguration; `policies`: those of ABAC. Throws all mistakes, without changing anything. */
export async function configureAuthorization(
  value: unknown,
  policies: () => readonly AbacPolicy[],
  at: ConfiguredAuthorization,
): Promise<void> {
  const { readAuthorizationConfig } = await import("./authz/config.ts");
  const { expressionCompiler } = await import("./expressions.ts");
  await useAuthorizers(readAuthorizationConfig(value, await expressionCompiler(), policies), at);
}

/** Replaces the authorizers. */
export async function useAuthorizers(
  authorizers: readonly AuthorizerConfig[],
  { authorizer, clock }: ConfiguredAuthorization,
): Promise<void> {
  const { AbacAuthorizer } = await import("./authz/abac.ts");
  const { connectByKubeconfig } = await import("./authz/ask-webhook.ts");
  const { WebhookAuthorizer } = await import("./authz/webhook-authorizer.ts");
  const { expressionCompiler } = await import("./expressions.ts");
  const compile = await expressionCompiler();
  const meters = () => authorizer.meters?.webhooks;
  const random = (): number => randomInt(1000) / 1000;
  const links = authorizers.map(({ type, name, webhook, policies = [] }): ChosenLink => {
    if (type === "ABAC") return { type, name, authorizer: new AbacAuthorizer(policies) };
    if (type !== "Webhook" || !webhook) return { type: type as Exclude<typeof type, "Webhook">, name };
    const connection = connectByKubeconfig(webhook.connectionInfo.kubeConfigFile ?? "");
    const options = { name, clock, random, ...connection, compile, meters };
    return { type, name, authorizer: new WebhookAuthorizer(webhook, options) };
  });
  authorizer.use(links);
}
