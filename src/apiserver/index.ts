export * from "./audit/options.ts";
export { readAdmissionConfiguration } from "./admission/config/admission-configuration.ts";
export { checkFeatureGates } from "./metrics/check-gates.ts";
export { checkRuntimeConfig } from "./registry/served.ts";
export { checkPlugins } from "./admission/plugin-names.ts";
export { readTokenFile } from "./auth/authn/token-file.ts";
export type { TokenWebhook } from "./auth/authn/webhook-tokens.ts";
export { askByKubeconfig } from "./network/post-json.ts";
export { hasCertificates } from "./auth/authn/front-proxy.ts";
export type { JwtAuthenticatorConfig } from "./auth/authn/oidc/config.ts";
export { type AbacPolicy, readPolicies } from "./auth/authz/abac.ts";
export type { AuthorizerConfig } from "./auth/authz/config.ts";
export { checkSigningAlgorithms } from "./auth/authn/oidc/signature.ts";
export { checkCipherSuites, opensslCiphers } from "./http/cipher-suites.ts";
export type { NamedPair, ServingPair, ServingTls } from "./http/certificates.ts";
export * from "./auth/index.ts";
export * from "./auth-contract.ts";
export * from "./contract.ts";
export * from "./proxy/index.ts";
export { type StartupMetrics, startupMetrics } from "./metrics/startup.ts";
export { createApiServer } from "./server.ts";

export type { Tracing } from "./tracing/open.ts";

/** Tracing; loaded only when it is configured. */
export const openTracing = async (
  ...given: Parameters<typeof import("./tracing/open.ts").openTracing>
): Promise<ReturnType<typeof import("./tracing/open.ts").openTracing>> =>
  (await import("./tracing/open.ts")).openTracing(...given);

/** The audit log; loaded only when it is configured. */
export const openAudit = async (
  ...given: Parameters<typeof import("./audit/open.ts").openAudit>
): ReturnType<typeof import("./audit/open.ts").openAudit> =>
  (await import("./audit/open.ts")).openAudit(...given);

/** Encryption at rest; loaded only when it is configured. */
export const openEncryption = async (
  ...given: Parameters<typeof import("./encryption/open.ts").openEncryption>
): Promise<ReturnType<typeof import("./encryption/open.ts").openEncryption>> =>
  (await import("./encryption/open.ts")).openEncryption(...given);
