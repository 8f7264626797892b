import type { AuditFiles } from "../../apiserver/index.ts";
import type { LoggingFormat } from "../../machinery/index.ts";

/** Authorizers in order. */
export interface AuthorizationSettings {
  modes: readonly ("AlwaysAllow" | "AlwaysDeny" | "ABAC" | "Webhook" | "RBAC" | "Node")[];
  /** Policies of mode ABAC. */
  policyFile?: string;
  /** The webhook of mode Webhook. */
  webhook?: {
    kubeconfig: string;
    version: "v1" | "v1beta1";
    /** How long permissions and denials are cached, in milliseconds; 0: not at all. Default five minutes and half a minute. */
    authorizedMs?: number;
    unauthorizedMs?: number;
  };
}

/** An OpenID Connect issuer whose tokens are accepted. */
export interface OidcSettings {
  issuerUrl: string;
  /** Required audience of tokens. */
  clientId: string;
  /** Default `sub`. */
  usernameClaim?: string;
  /** `-`: none; absent or "": the issuer and `#`, except for e-mail addresses. */
  usernamePrefix?: string;
  groupsClaim?: string;
  groupsPrefix?: string;
  requiredClaims?: Readonly<Record<string, string>>;
  /** Default RS256 alone. */
  signingAlgorithms?: readonly string[];
  /** PEM of the authorities of its certificate; default the system's. */
  caFile?: string;
}

/**
 * Settings of an API server besides its place in a cluster, as in kube-apiserver's flags. Plain data; files by absolute paths.
 */
export interface ApiServerSettings {
  /** AuthenticationConfiguration, AuthorizationConfiguration and EncryptionConfiguration; reloaded when they change. */
  authenticationConfig?: string;
  authorizationConfig?: string;
  /** Policies of ABAC, if the AuthorizationConfiguration names it. */
  authorizationPolicyFile?: string;
  /** Instead of an AuthorizationConfiguration. */
  authorization?: AuthorizationSettings;
  /** Instead of an AuthenticationConfiguration. */
  oidc?: OidcSettings;
  encryptionConfig?: string;
  /** The audit log. */
  audit?: AuditFiles;
  /** Enabled and disabled admission plugins. */
  plugins?: { enable: string[]; disable: string[] };
  /** Built-in APIs enabled or disabled, by `group/version` or `group/version/resource`. */
  runtimeConfig?: Readonly<Record<string, string>>;
  /** AdmissionConfiguration; read once. */
  admissionConfig?: string;
  /** Concurrent read-only and mutating requests, divided by flow control. */
  maxRequestsInflight?: number;
  maxMutatingRequestsInflight?: number;
  /** TracingConfiguration. */
  tracingConfig?: string;
  /** Whether profiles are served (/debug/pprof/); default true. */
  profiling?: boolean;
  /** Log verbosity, as in klog: from 4 on with debug messages. */
  verbosity?: number;
  /** Format of the log; absent: wherry's own JSON. */
  loggingFormat?: LoggingFormat;
  /** Timeout of requests that are not long-running, in milliseconds. */
  requestMs?: number;
  /** Users by bearer token. */
  tokenFile?: string;
  /** Whether bootstrap tokens are accepted; default true. */
  bootstrapTokens?: boolean;
  /** The webhook for unknown tokens; its answers are cached for `ttlMs` milliseconds. */
  tokenWebhook?: { kubeconfig: string; version: "v1" | "v1beta1"; ttlMs?: number };
  /** PEM of further authorities of client certificates. */
  clientCaFile?: string;
  /**
   * Front proxies beside the cluster's own: PEM of their authorities, common names (none: all), and the X-Remote-* headers to
   * read.
   */
  frontProxy?: {
    caFile: string;
    allowedNames: readonly string[];
    headers: { user: boolean; group: boolean; uid: boolean; extra: boolean };
  };
  /** Issuers and audiences of ServiceAccount tokens: new tokens name the first issuer, tokens of all are accepted. */
  issuers?: readonly string[];
  audiences?: readonly string[];
  /** JWKS address in discovery. */
  jwksUri?: string;
  /** Maximum lifetime of a token, in milliseconds. */
  maxTokenMs?: number;
  /** Whether requests without credentials are authenticated as system:anonymous. */
  anonymous?: boolean;
  /** Files of a serving certificate instead of the cluster's own; reloaded when they change. */
  servingCert?: { cert: string; key: string };
  /** Likewise for these server names; without names, those in the certificate. */
  sniCerts?: readonly { cert: string; key: string; names: readonly string[] }[];
  /** Cipher suites of TLS 1.2, by Go's names. */
  cipherSuites?: readonly string[];
  /** Address for external clients, with or without a port. */
  externalHostname?: string;
  /** Minimum version of TLS. */
  minTls?: "TLSv1.2" | "TLSv1.3";
  /** Whether pods' tokens are valid for a year. */
  extendTokens?: boolean;
  /** Watches last this long, or up to twice as long; seconds. */
  minRequestSeconds?: number;
  /** How long events are kept, in milliseconds. */
  eventTtlMs?: number;
  /** Directives of Strict-Transport-Security. */
  strictTransport?: readonly string[];
  /** How long pods tolerate nodes that are not ready, or unreachable; seconds. */
  notReadySeconds?: number;
  unreachableSeconds?: number;
  /** Patterns of allowed CORS origins. */
  corsOrigins?: readonly string[];
  /** Probability that an HTTP/2 request ends its connection, 0 to 0.02. */
  goAwayChance?: number;
  /** Concurrent streams of an HTTP/2 connection; 0: 100. */
  http2MaxStreams?: number;
  /** How long it keeps serving at shutdown while it is not ready, in milliseconds. */
  shutdownDelayMs?: number;
  /** Time over which the ends of watches are spread, in milliseconds. */
  shutdownWatchGraceMs?: number;
  /** How long after its start /livez ignores unfinished post-start hooks, in milliseconds. */
  livezGraceMs?: number;
  /** Node ports of Services, inclusive. */
  nodePorts?: { from: number; to: number };
  /** PEM: the private key for new ServiceAccount tokens, and further keys whose tokens are accepted. */
  signingKeyFile?: string;
  keyFiles?: readonly string[];
  /** Whether it answers 429 at shutdown until requests in flight are done. */
  shutdownSendRetryAfter?: boolean;
}
