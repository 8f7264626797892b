import type { AuditFiles } from "../../apiserver/index.ts";
import type { LoggingFormat } from "../../machinery/index.ts";

/** Who is asked in turn what a request may do. */
export interface AuthorizationSettings {
  modes: readonly ("AlwaysAllow" | "AlwaysDeny" | "ABAC" | "Webhook" | "RBAC" | "Node")[];
  /** Policies of mode ABAC. */
  policyFile?: string;
  /** Whom mode Webhook asks. */
  webhook?: {
    kubeconfig: string;
    version: "v1" | "v1beta1";
    /** How long permissions and refusals are remembered, in milliseconds; 0: not at all. Default five minutes and half a minute. */
    authorizedMs?: number;
    unauthorizedMs?: number;
  };
}

/** An OpenID Connect issuer whose tokens are accepted. */
export interface OidcSettings {
  issuerUrl: string;
  /** The audience that tokens must name. */
  clientId: string;
  /** Default `sub`. */
  usernameClaim?: string;
  /** `-`: none; absent or "": the issuer and `#`, but nothing before e-mail addresses. */
  usernamePrefix?: string;
  groupsClaim?: string;
  groupsPrefix?: string;
  requiredClaims?: Readonly<Record<string, string>>;
  /** Default RS256 alone. */
  signingAlgorithms?: readonly string[];
  /** PEM of the authorities of its certificate; default the system's. */
  caFile?: string;
}

/** What an API server is told besides its place in a cluster, as flags of kube-apiserver tell it. Plain data; files by absolute paths. */
export interface ApiServerSettings {
  /** AuthenticationConfiguration, AuthorizationConfiguration and EncryptionConfiguration; followed as they change. */
  authenticationConfig?: string;
  authorizationConfig?: string;
  /** Policies of ABAC, if the AuthorizationConfiguration names it. */
  authorizationPolicyFile?: string;
  /** In place of an AuthorizationConfiguration. */
  authorization?: AuthorizationSettings;
  /** In place of an AuthenticationConfiguration. */
  oidc?: OidcSettings;
  encryptionConfig?: string;
  /** The record of requests. */
  audit?: AuditFiles;
  /** Admission plugins beside or without the default ones. */
  plugins?: { enable: string[]; disable: string[] };
  /** Built-in APIs that are turned on or off, by `group/version` or `group/version/resource`. */
  runtimeConfig?: Readonly<Record<string, string>>;
  /** AdmissionConfiguration: what plugins are told; read once. */
  admissionConfig?: string;
  /** Reading and writing requests at once, which flow control shares out. */
  maxRequestsInflight?: number;
  maxMutatingRequestsInflight?: number;
  /** TracingConfiguration: where it tells of the time that requests take. */
  tracingConfig?: string;
  /** Whether it is profiled for who asks (/debug/pprof/); default true. */
  profiling?: boolean;
  /** How much is logged, as klog counts: from 4 on also what is of use to who looks for mistakes. */
  verbosity?: number;
  /** How the process writes its log; absent: as JSON of its own. */
  loggingFormat?: LoggingFormat;
  /** How long a request may take that does not last, in milliseconds. */
  requestMs?: number;
  /** Lines of tokens and their users. */
  tokenFile?: string;
  /** Whether bootstrap tokens are accepted; default true. */
  bootstrapTokens?: boolean;
  /** Who is asked about tokens that nobody else knows; its word is remembered for so many milliseconds. */
  tokenWebhook?: { kubeconfig: string; version: "v1" | "v1beta1"; ttlMs?: number };
  /** PEM of further authorities of client certificates. */
  clientCaFile?: string;
  /** Front proxies beside the cluster's own: PEM of their authorities, common names (none: all), and which X-Remote-* headers are read. */
  frontProxy?: {
    caFile: string;
    allowedNames: readonly string[];
    headers: { user: boolean; group: boolean; uid: boolean; extra: boolean };
  };
  /** Of tokens of ServiceAccounts: the first issues them, those of all are taken; and whom they are for. */
  issuers?: readonly string[];
  audiences?: readonly string[];
  /** Where issuers' keys are said to be. */
  jwksUri?: string;
  /** The longest that a token lasts, in milliseconds. */
  maxTokenMs?: number;
  /** Whether requests without credentials are taken as system:anonymous. */
  anonymous?: boolean;
  /** Files of the certificate that it is served with instead of the cluster's own; followed as they change. */
  servingCert?: { cert: string; key: string };
  /** Likewise for clients that ask for these names; without names those of the certificate. */
  sniCerts?: readonly { cert: string; key: string; names: readonly string[] }[];
  /** Cipher suites of TLS 1.2, by Go's names. */
  cipherSuites?: readonly string[];
  /** Where clients from outside find it, with or without a port. */
  externalHostname?: string;
  /** Older versions of TLS are not spoken. */
  minTls?: "TLSv1.2" | "TLSv1.3";
  /** Whether pods' tokens are good for a year. */
  extendTokens?: boolean;
  /** Watches last so long, or up to twice as long; seconds. */
  minRequestSeconds?: number;
  /** How long events are kept, in milliseconds. */
  eventTtlMs?: number;
  /** Directives of Strict-Transport-Security. */
  strictTransport?: readonly string[];
  /** How long pods stay on nodes that are not ready, or not reachable; seconds. */
  notReadySeconds?: number;
  unreachableSeconds?: number;
  /** Patterns of origins whose pages may read answers in browsers. */
  corsOrigins?: readonly string[];
  /** Of how many requests of HTTP/2 the connection ends, 0 to 0.02. */
  goAwayChance?: number;
  /** Streams at once of a connection of HTTP/2; 0: 100. */
  http2MaxStreams?: number;
  /** How long it serves on while it is no longer ready, in milliseconds. */
  shutdownDelayMs?: number;
  /** Over how long the ends of watches are spread, in milliseconds. */
  shutdownWatchGraceMs?: number;
  /** How long after its start /livez ignores start-up steps that are not done, in milliseconds. */
  livezGraceMs?: number;
  /** Ports of Services on nodes, inclusive. */
  nodePorts?: { from: number; to: number };
  /** PEM: the private key of new tokens of ServiceAccounts, and further keys whose tokens are accepted. */
  signingKeyFile?: string;
  keyFiles?: readonly string[];
  /** It answers 429 until requests under way are done. */
  shutdownSendRetryAfter?: boolean;
}
