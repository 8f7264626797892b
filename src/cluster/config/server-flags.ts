/** The API server's effective settings as kube-apiserver's flags, for /flagz. */
import { formatDuration } from "../../machinery/index.ts";
import { auditValues } from "./audit-values.ts";
import { authorizationDefaults, tokenWebhookDefaults } from "./authorization-defaults.ts";
import type { ApiServerSettings, OidcSettings } from "./api-server-settings.ts";
import type { ClusterConfig } from "./cluster-config.ts";

/** Addresses of the server and its tokens. */
export interface ServerPlace {
  advertiseAddress: string;
  issuers: readonly string[];
}

const pairs = (values: Readonly<Record<string, string>> = {}): string =>
  Object.entries(values)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join();
const list = (names: readonly string[]): string => `[${names.join(",")}]`;

function authorizationValues({
  authorizationConfig,
  authorizationPolicyFile,
  authorization,
}: ApiServerSettings): Record<string, string | undefined> {
  const {
    modes = authorizationDefaults.modes,
    policyFile = authorizationPolicyFile,
    webhook,
  } = authorization ?? {};
  const { kubeconfig, version, authorizedMs, unauthorizedMs } = { ...authorizationDefaults, ...webhook };
  return {
    "authorization-mode": list(authorizationConfig === undefined ? modes : []),
    "authorization-policy-file": policyFile,
    "authorization-webhook-cache-authorized-ttl": formatDuration(authorizedMs),
    "authorization-webhook-cache-unauthorized-ttl": formatDuration(unauthorizedMs),
    "authorization-webhook-config-file": kubeconfig,
    "authorization-webhook-version": version,
  };
}

const oidcValues = (oidc: Partial<OidcSettings> = {}): Record<string, string | undefined> => ({
  "oidc-ca-file": oidc.caFile,
  "oidc-client-id": oidc.clientId,
  "oidc-groups-claim": oidc.groupsClaim,
  "oidc-groups-prefix": oidc.groupsPrefix,
  "oidc-issuer-url": oidc.issuerUrl,
  "oidc-required-claim": pairs(oidc.requiredClaims),
  "oidc-signing-algs": list(oidc.signingAlgorithms ?? ["RS256"]),
  "oidc-username-claim": oidc.usernameClaim ?? "sub",
  "oidc-username-prefix": oidc.usernamePrefix,
});

const frontProxyValues = (proxy: ApiServerSettings["frontProxy"]): Record<string, string | undefined> => ({
  "requestheader-allowed-names": list(proxy?.allowedNames ?? []),
  "requestheader-client-ca-file": proxy?.caFile,
  "requestheader-extra-headers-prefix": list(proxy?.headers.extra ? ["X-Remote-Extra-"] : []),
  "requestheader-group-headers": list(proxy?.headers.group ? ["X-Remote-Group"] : []),
  "requestheader-uid-headers": list(proxy?.headers.uid ? ["X-Remote-Uid"] : []),
  "requestheader-username-headers": list(proxy?.headers.user ? ["X-Remote-User"] : []),
});

const sniText = ({ cert, key, names }: NonNullable<ApiServerSettings["sniCerts"]>[number]): string =>
  `${cert},${key}${names.length > 0 ? `:${names.join(",")}` : ""}`;

export function serverFlags(
  { apiPort, serviceCidr }: Pick<ClusterConfig, "apiPort" | "serviceCidr">,
  settings: ApiServerSettings,
  { advertiseAddress, issuers }: ServerPlace,
): Map<string, string> {
  const { audit, plugins } = settings;
  const { from, to } = settings.nodePorts ?? { from: 30_000, to: 32_767 };
  const values: Record<string, string | number | boolean | undefined> = {
    "admission-control-config-file": settings.admissionConfig,
    "advertise-address": advertiseAddress,
    ...auditValues(audit),
    "anonymous-auth": settings.anonymous ?? true,
    "external-hostname": settings.externalHostname,
    "tls-cert-file": settings.servingCert?.cert,
    "tls-cipher-suites": list(settings.cipherSuites ?? []),
    "tls-private-key-file": settings.servingCert?.key,
    "tls-sni-cert-key": `[${(settings.sniCerts ?? []).map(sniText).join(";")}]`,
    ...oidcValues(settings.oidc),
    "tls-min-version": settings.minTls?.replace("v", "").replace(".", "").replace("TLS", "VersionTLS"),
    "api-audiences": list(settings.audiences ?? issuers),
    "client-ca-file": settings.clientCaFile,
    "default-not-ready-toleration-seconds": settings.notReadySeconds ?? 300,
    "default-unreachable-toleration-seconds": settings.unreachableSeconds ?? 300,
    "event-ttl": formatDuration(settings.eventTtlMs ?? 3_600_000),
    "min-request-timeout": settings.minRequestSeconds ?? 1800,
    "service-account-extend-token-expiration": settings.extendTokens ?? true,
    "service-account-jwks-uri": settings.jwksUri,
    "service-account-max-token-expiration": formatDuration(settings.maxTokenMs ?? 0),
    "strict-transport-security-directives": list(settings.strictTransport ?? []),
    "authentication-token-webhook-cache-ttl": formatDuration(
      settings.tokenWebhook?.ttlMs ?? tokenWebhookDefaults.ttlMs,
    ),
    "authentication-token-webhook-config-file": settings.tokenWebhook?.kubeconfig,
    "authentication-token-webhook-version": settings.tokenWebhook?.version ?? tokenWebhookDefaults.version,
    "enable-bootstrap-token-auth": settings.bootstrapTokens ?? true,
    ...frontProxyValues(settings.frontProxy),
    "token-auth-file": settings.tokenFile,
    "authentication-config": settings.authenticationConfig,
    "authorization-config": settings.authorizationConfig,
    ...authorizationValues(settings),
    "cors-allowed-origins": list(settings.corsOrigins ?? []),
    "disable-admission-plugins": list(plugins?.disable ?? []),
    "enable-admission-plugins": list(plugins?.enable ?? []),
    "enable-priority-and-fairness": true,
    "encryption-provider-config": settings.encryptionConfig,
    "goaway-chance": settings.goAwayChance ?? 0,
    "http2-max-streams-per-connection": settings.http2MaxStreams ?? 0,
    "logging-format": settings.loggingFormat ?? "json",
    "max-mutating-requests-inflight": settings.maxMutatingRequestsInflight ?? 200,
    "max-requests-inflight": settings.maxRequestsInflight ?? 400,
    profiling: settings.profiling ?? true,
    "request-timeout": formatDuration(settings.requestMs ?? 60_000),
    "runtime-config": pairs(settings.runtimeConfig),
    "secure-port": apiPort,
    "service-account-issuer": list(issuers),
    "service-cluster-ip-range": serviceCidr,
    "service-node-port-range": `${from}-${to}`,
    "shutdown-delay-duration": formatDuration(settings.shutdownDelayMs ?? 0),
    "shutdown-watch-termination-grace-period": formatDuration(settings.shutdownWatchGraceMs ?? 0),
    "livez-grace-period": formatDuration(settings.livezGraceMs ?? 0),
    "service-account-key-file": list(settings.keyFiles ?? []),
    "service-account-signing-key-file": settings.signingKeyFile,
    "shutdown-send-retry-after": settings.shutdownSendRetryAfter ?? false,
    "tracing-config-file": settings.tracingConfig,
    v: settings.verbosity ?? 0,
  };
  return new Map(Object.entries(values).map(([name, value]) => [name, String(value ?? "")]));
}
