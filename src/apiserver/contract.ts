import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { KubeObject } from "../api/index.ts";
import type { ApiTransport, TransportRequest, TransportResponse } from "../client/index.ts";
import type { Clock, Logger } from "../machinery/index.ts";
import type { Store } from "../store/index.ts";
import type { Deadline } from "./deadline.ts";
import type { ServingTls, TlsTerms } from "./http/certificates.ts";
import type { MetricsRegistry } from "./metrics/registry.ts";
import type { RequestInput } from "./request-input.ts";
import type { Answer } from "./response.ts";
import type { Span } from "./tracing/span.ts";
import type { Tracer } from "./tracing/tracer.ts";
import type { AggregatorOptions } from "./aggregation/options.ts";
import type {
  Authenticator,
  AuthorizationAttributes,
  Authorizer,
  Decision,
  ObjectReader,
  Peer,
  UserInfo,
} from "./auth-contract.ts";

/** A request as the handler gets it from any carrier. */
export interface HandlerRequest extends Omit<TransportRequest, "method"> {
  /** Upper case; any method that the client sent, HEAD and OPTIONS included. */
  method: string;
  peer: Peer;
  /** A body that has not been read yet; `takeBody` reads it into `body`. */
  input?: RequestInput | undefined;
  /** Its audit event; set by the handler. */
  audit?: AuditTrail;
  /** Its trace span; set by the handler when tracing is on. */
  span?: Span;
  /** What authentication has to say, in Warning headers of whatever the answer is. */
  warnings?: string[];
  /** When it times out; set by the handler. Absent for long-running requests. */
  deadline?: Deadline;
}

/** What the URL says (`RequestInfo` of Kubernetes' apiserver). Strings are "" when absent. */
export interface RequestInfo {
  readonly isResource: boolean;
  readonly path: string;
  readonly verb: string;
  readonly apiGroup: string;
  readonly apiVersion: string;
  readonly namespace: string;
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
  /** What follows the subresource, without a leading slash: the path of a proxy request. */
  readonly rest: string;
  readonly query: URLSearchParams;
}

export interface SpecialContext {
  readonly info: RequestInfo;
  readonly user: UserInfo;
  readonly request: HandlerRequest;
  readonly objects: ObjectReader;
  /**
   * The body as an object of the handler's kind: of the right types, without unknown fields, in the namespace of the
   * path. Throws StatusError BadRequest.
   */
  object(): KubeObject;
  /** Adds a Warning header to the answer. */
  readonly warn?: (text: string) => void;
}

/**
 * Serves a subresource or a resource that is not stored. Authentication and authorization ran before; a thrown
 * StatusError becomes the answer. An object that is returned is encoded as the client asked, with 201 for POST, else 200.
 */
export interface SpecialHandler {
  /** What discovery says about it. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  /** Takes every method; `verbs` only serves discovery (proxies). */
  readonly anyMethod?: boolean;
  /** Its type in the schema table, where that does not follow from group, version and kind of a served resource. */
  readonly schema?: string;
  /** Defaults of the body, before admission. */
  defaults?(object: KubeObject): void;
  /** Validates a body and fills in what follows from other objects, between mutating and validating admission. */
  check?(object: KubeObject, context: Omit<SpecialContext, "object" | "warn">): void | Promise<void>;
  handle(context: SpecialContext): Promise<TransportResponse | KubeObject>;
}

/** Takes over a connection that asks for WebSocket or SPDY, after authentication and authorization. */
export interface UpgradeHandler {
  /**
   * Whether the request can be upgraded to `protocol` (in lower case). If not, it is answered as without the upgrade, or is a
   * watch over WebSocket.
   */
  takes(info: RequestInfo, protocol: string): boolean;
  handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    info: RequestInfo,
    user: UserInfo,
    objects: ObjectReader,
  ): void;
}

/** A write as it is about to be stored. */
export interface WriteAttempt {
  readonly operation: "create" | "update" | "delete";
  readonly info: RequestInfo;
  readonly user: UserInfo;
  /** Undefined for a delete. */
  readonly object: KubeObject | undefined;
  readonly old: KubeObject | undefined;
  readonly objects: ObjectReader;
}

/** May refuse a write by throwing a StatusError, after mutating admission and before validation (RBAC's escalation check). */
export interface WriteGuard {
  check(write: WriteAttempt): void | Promise<void>;
}

/** Parts of a request's latency, by kube-apiserver's names. */
export type Layer =
  | "apf-queue-wait"
  | "authentication"
  | "authorization"
  | "etcd"
  | "impersonation"
  | "mutating-webhook"
  | "validating-webhook";

/** Collects the audit event of one request. */
export interface AuditTrail {
  readonly auditId: string;
  /**
   * The user is known, so the policy's rule can be chosen. Throws or rejects with a PageError for a request that must not be
   * served because it cannot be recorded.
   */
  received(attributes: AuthorizationAttributes): void | Promise<void>;
  /** Latency of a layer, recorded for slow requests. Of validating webhooks, which run in parallel, the longest counts. */
  spent(layer: Layer, ms: number): void;
  /** `constraint`: the verb of constrained impersonation that allowed it (KEP-5284); "" for plain `impersonate`. */
  impersonating(user: UserInfo, constraint: string): void;
  /**
   * The body was read as this object. `copy` is called where bodies are recorded, and returns the object as it was read, for the
   * event alone.
   */
  requested(object: KubeObject, copy: () => unknown): void;
  decided(decision: Decision): void;
  /** The first value of a key is kept. */
  annotate(key: string, value: string): void;
  /** Likewise, but only where request bodies are recorded, since the value may repeat them. */
  annotateBody(key: string, value: string): void;
  /** The answer; a stream is recorded when it ends. `info`: undefined when the URL could not be read. */
  answered(answer: Answer, info: RequestInfo | undefined): Answer | Promise<Answer>;
  /** The connection was upgraded. Call the returned function when it ends. */
  upgraded(): () => void;
}

/** The audit log, as the handler and metrics see it. */
export interface RequestAudit {
  /** Events recorded so far. */
  readonly events?: number;
  /** Requests by audit level. */
  readonly levels?: ReadonlyMap<string, number>;
  /** Lost events by plugin (`log`, `webhook`, `buffered`, `truncate`). */
  readonly errors?: ReadonlyMap<string, number>;
  /** Requests that were refused because they could not be recorded. */
  readonly rejected?: number;
  begin(request: HandlerRequest): AuditTrail;
}

export interface ServiceNetwork {
  /** CIDR of ClusterIPs, e.g. `10.96.0.0/16`. The first address is the `kubernetes` Service's. */
  serviceCidr: string;
  /** Inclusive, default 30000 to 32767. */
  nodePorts?: { from: number; to: number };
  /** The endpoint of the `kubernetes` Service: this server as pods reach it. Absent: the Service is not made. */
  advertise?: { address: string; port: number };
}

/** Health of a part of the control plane. */
export interface ComponentState {
  /** `scheduler`, `controller-manager`, `etcd-0` */
  name: string;
  /** Undefined when healthy. */
  error?: string | undefined;
}

export interface ShutdownOptions {
  /** How long it serves on while `/readyz` already fails: --shutdown-delay-duration. Default 0. */
  delayMs?: number;
  /** How long requests in flight may take after that. Default 3000. */
  graceMs?: number;
  /** Over how long the ends of watches are spread: --shutdown-watch-termination-grace-period. Default 0: all end at once. */
  watchGraceMs?: number;
  /** Listens until requests in flight are done, and answers new ones with 429: --shutdown-send-retry-after. */
  sendRetryAfter?: boolean;
}

/** Seconds. */
export interface TolerationSeconds {
  notReady?: number;
  unreachable?: number;
}

/** One API server among several. */
export interface ServerIdentity {
  /** Host name of the machine. */
  hostname: string;
  /** host:port at which other API servers reach this one, if they do. */
  peerAddress: string | undefined;
}

export interface ApiServerOptions {
  store: Store;
  clock: Clock;
  log: Logger;
  /** 0 <= x < 1; names and UIDs. */
  random: () => number;
  authenticator: Authenticator;
  authorizer: Authorizer;
  /**
   * Keyed `plural[.group][/subresource]`: `pods/log`, `serviceaccounts/token`, `tokenreviews.authentication.k8s.io`,
   * `localsubjectaccessreviews.authorization.k8s.io`.
   */
  special?: ReadonlyMap<string, SpecialHandler>;
  upgrades?: UpgradeHandler;
  /** By `plural[.group]`, e.g. `clusterrolebindings.rbac.authorization.k8s.io`. */
  guards?: ReadonlyMap<string, WriteGuard>;
  network?: ServiceNetwork;
  /** The audit log; none by default. */
  audit?: RequestAudit;
  /** How this server and extension servers (APIServices with a Service) authenticate each other. */
  aggregation?: AggregatorOptions;
  /** Answers to plain GETs outside the API, by path: `/.well-known/openid-configuration`, `/openid/v1/jwks`. */
  documents?: ReadonlyMap<string, () => unknown>;
  /** Metrics that were counted before the server existed; a new registry by default. */
  metrics?: MetricsRegistry;
  /** Extra checks of /readyz and /livez by name; a thrown error fails the check. */
  checks?: ReadonlyMap<string, () => void | Promise<void>>;
  /** Scheduler and controller manager, for `componentstatuses`. */
  components?: () => readonly ComponentState[];
  /** host:port for clients outside, told by discovery. Default: the listening address. */
  externalAddress?: string;
  /** Without it the server has no Lease, and no ConfigMap about the tracking of legacy tokens. */
  identity?: ServerIdentity;
  /** Traces requests. */
  tracer?: Tracer;
  /** Flags and values for /flagz, by kube-apiserver's names. Without it there is no /flagz. */
  flags?: ReadonlyMap<string, string>;
  /** Serves /debug/pprof/; default true. */
  profiling?: boolean;
  /** Graceful termination. */
  shutdown?: ShutdownOptions;
  /** How long after the start /livez ignores start-up steps that are not done: --livez-grace-period. Default 0. */
  livezGraceMs?: number;
  /** Timeout of requests that are not long-running, in milliseconds: --request-timeout. Default a minute. */
  requestMs?: number;
  /**
   * Watches without `timeoutSeconds` last this long to twice as long: --min-request-timeout. 0: they end after their initial
   * events. Default 1800.
   */
  minRequestSeconds?: number;
  /** How long events are kept: --event-ttl. 0: for ever. Default an hour. */
  eventTtlSeconds?: number;
  /** The header Strict-Transport-Security of every answer: --strict-transport-security-directives. */
  strictTransport?: readonly string[];
  /** How long pods without such tolerations stay on a node that is not ready or unreachable. Default 300 each. */
  tolerationSeconds?: TolerationSeconds;
  /** Patterns of allowed origins: --cors-allowed-origins. */
  corsOrigins?: readonly string[];
  /** Probability that an HTTP/2 request ends its connection, 0 to 0.02: --goaway-chance. */
  goAwayChance?: number;
  /** Priority and fairness; `false` turns it off. `seats`: concurrent requests, roughly; default 600. */
  flowControl?: { seats?: number } | false;
  /** `false` leaves out admission plugins (tests). */
  admission?: boolean;
  /** Names of admission plugins to add to the default ones or to leave out. */
  plugins?: { enable?: readonly string[]; disable?: readonly string[] };
  /** Built-in APIs to turn on or off, by `group/version` or `group/version/resource`: --runtime-config. */
  runtimeConfig?: ReadonlyMap<string, string>;
  /** Configuration of admission plugins by name, from an AdmissionConfiguration or the files that it names. */
  pluginConfiguration?: ReadonlyMap<string, unknown>;
}

export interface ListenOptions extends TlsTerms {
  host: string | readonly string[];
  /** 0: any free port. */
  port: number;
  tls: ServingTls;
  /** Concurrent streams of an HTTP/2 connection; 0 or undefined: 100 (--http2-max-streams-per-connection). */
  maxStreams?: number | undefined;
}

export interface ApiServer {
  handle(request: HandlerRequest): Promise<TransportResponse>;
  /** The same-thread carrier. The caller is authenticated by `peer`'s certificate and goes through the same chain. */
  localTransport(peer: Peer): ApiTransport;
  /** Serves HTTPS (HTTP/1.1 and HTTP/2 by ALPN). Resolves with the port when it accepts connections. */
  listen(options: ListenOptions): Promise<{ port: number }>;
  /** Serves new connections with these certificates; the number of named ones must not change. Throws Node's errors. */
  renewTls(tls: ServingTls): void;
  readonly objects: ObjectReader;
  /** Ends as `ShutdownOptions` say, and frees the port. The store stays open. */
  close(): Promise<void>;
}
