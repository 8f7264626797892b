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

/** A request as the handler chain takes it, whoever carried it here. */
export interface HandlerRequest extends Omit<TransportRequest, "method"> {
  /** Upper case; carriers pass on whatever the client said (HEAD, OPTIONS, ... too). */
  method: string;
  peer: Peer;
  /** A body that has not been taken yet (`takeBody`); `body` has it then. */
  input?: RequestInput | undefined;
  /** What is recorded of it; set by the handler. */
  audit?: AuditTrail;
  /** What is noted of where its time goes; set by the handler where that is done. */
  span?: Span;
  /** By when it is answered; set by the handler. None where it may last as long as its client likes. */
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
  /** Tells the client something beside the answer. */
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
  /** Whatever the method, it is handed on: `verbs` is only what discovery says (proxies). */
  readonly anyMethod?: boolean;
  /** Its type in the schema table, where that does not follow from group, version and kind of a served resource. */
  readonly schema?: string;
  /** Fills in what a body leaves open, before anybody is asked about it. */
  defaults?(object: KubeObject): void;
  /**
   * Throws what is wrong with a body, and fills in what follows from other objects: after those who may change it, before those
   * who may only refuse.
   */
  check?(object: KubeObject, context: Omit<SpecialContext, "object" | "warn">): void | Promise<void>;
  handle(context: SpecialContext): Promise<TransportResponse | KubeObject>;
}

/** Takes over a connection that asks for WebSocket or SPDY, after authentication and authorization. */
export interface UpgradeHandler {
  /**
   * Whether this can become anything else, `protocol` in lower case. What cannot is answered as if nobody had asked, or watched by
   * WebSocket.
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

/** May refuse a write by throwing a StatusError, when nothing changes it any more, before it is validated (RBAC's escalation check). */
export interface WriteGuard {
  check(write: WriteAttempt): void | Promise<void>;
}

/** What the time of a request goes to, by kube-apiserver's names. */
export type Layer =
  | "apf-queue-wait"
  | "authentication"
  | "authorization"
  | "etcd"
  | "impersonation"
  | "mutating-webhook"
  | "validating-webhook";

/** What is recorded of one request as it goes along. */
export interface AuditTrail {
  readonly auditId: string;
  /**
   * Who it is, is known: what is recorded depends on it. A promise where that has to be waited for. Throws or rejects with a
   * PageError where a request that cannot be recorded is not to be served.
   */
  received(attributes: AuthorizationAttributes): void | Promise<void>;
  /** So many milliseconds went to it: said of requests that take long. Of validating webhooks, which run side by side, the longest counts. */
  spent(layer: Layer, ms: number): void;
  /** `constraint`: the verb of the narrow way that allowed it; "" for the plain right to impersonate. */
  impersonating(user: UserInfo, constraint: string): void;
  /**
   * The body was read as this object. `copy`: makes what is recorded of it, where bodies are; it is the recorder's own, without
   * what has happened to the object since.
   */
  requested(object: KubeObject, copy: () => unknown): void;
  decided(decision: Decision): void;
  /** The first word on something counts. */
  annotate(key: string, value: string): void;
  /** Likewise, where bodies of requests are recorded: what is noted may repeat them. */
  annotateBody(key: string, value: string): void;
  /** The answer, which is followed to its end when it is a stream. `info`: undefined when the URL could not be read. */
  answered(answer: Answer, info: RequestInfo | undefined): Answer | Promise<Answer>;
  /** The connection became something else. The returned function says that it is over. */
  upgraded(): () => void;
}

/** The record of requests. */
export interface RequestAudit {
  /** Recorded so far. */
  readonly events?: number;
  /** Requests by how much the policy says is recorded of them. */
  readonly levels?: ReadonlyMap<string, number>;
  /** Events that were lost, by where (`log`, `webhook`, `buffered`, `truncate`). */
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
  /** Where the `kubernetes` Service leads: addresses and port of this server as pods reach it. Absent: the Service is not made. */
  advertise?: { address: string; port: number };
}

/** Of a part of the control plane. */
export interface ComponentState {
  /** `scheduler`, `controller-manager`, `etcd-0` */
  name: string;
  /** What is wrong; undefined when it is well. */
  error?: string | undefined;
}

export interface ShutdownOptions {
  /** How long it serves on while it is no longer ready, so that others can notice: --shutdown-delay-duration. Default 0. */
  delayMs?: number;
  /** How long requests under way may take after that. Default 3000. */
  graceMs?: number;
  /** It listens until requests under way are done, and answers others with 429: --shutdown-send-retry-after. */
  sendRetryAfter?: boolean;
}

/** Seconds. */
export interface TolerationSeconds {
  notReady?: number;
  unreachable?: number;
}

/** Who a server is among others. */
export interface ServerIdentity {
  /** Of the machine. */
  hostname: string;
  /** host:port at which other API servers reach this one; undefined where they do not. */
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
  /** The record of requests; none by default. */
  audit?: RequestAudit;
  /** How this server and extension servers (APIServices with a Service) know one another. */
  aggregation?: AggregatorOptions;
  /** Answers to plain GETs outside the API, by path: `/.well-known/openid-configuration`, `/openid/v1/jwks`. */
  documents?: ReadonlyMap<string, () => unknown>;
  /** Where the server counts too; its own where nobody counted before it was there. */
  metrics?: MetricsRegistry;
  /** Extra checks of /readyz and /livez by name; a thrown error fails the check. */
  checks?: ReadonlyMap<string, () => void | Promise<void>>;
  /** Scheduler and controller manager, as far as they are known of. */
  components?: () => readonly ComponentState[];
  /** host:port where clients from outside find it, which discovery says. Default where it listens. */
  externalAddress?: string;
  /** Who this server is among others; without it there is no Lease, and nothing says since when tokens are noted. */
  identity?: ServerIdentity;
  /** Notes where the time of requests goes. */
  tracer?: Tracer;
  /** How it was started, by names of kube-apiserver's flags: what /flagz says. Without it there is no /flagz. */
  flags?: ReadonlyMap<string, string>;
  /** Whether /debug/pprof/ is served; default true. */
  profiling?: boolean;
  /** How it ends. */
  shutdown?: ShutdownOptions;
  /** How long requests may take that do not last, in milliseconds: --request-timeout. Default a minute. */
  requestMs?: number;
  /**
   * Watches whose client names no time last so long, or up to twice as long: --min-request-timeout. 0: they end behind what they
   * start with. Default 1800.
   */
  minRequestSeconds?: number;
  /** How long events are kept: --event-ttl. 0: for ever. Default an hour. */
  eventTtlSeconds?: number;
  /** Said with every answer: --strict-transport-security-directives. */
  strictTransport?: readonly string[];
  /** How long pods stay on a node that is not ready, or not reachable, unless they say otherwise. Default 300 each. */
  tolerationSeconds?: TolerationSeconds;
  /** Patterns of origins whose pages may read answers: --cors-allowed-origins. */
  corsOrigins?: readonly string[];
  /** Of how many requests of HTTP/2 the connection ends, 0 to 0.02: --goaway-chance. */
  goAwayChance?: number;
  /** Priority and fairness; `false`: nothing is limited. `seats`: requests at once, roughly; default 600. */
  flowControl?: { seats?: number } | false;
  /** `false` leaves out admission plugins (tests). */
  admission?: boolean;
  /** Admission plugins by name, beside or without the default ones. */
  plugins?: { enable?: readonly string[]; disable?: readonly string[] };
  /** Built-in APIs that are turned on or off, by `group/version` or `group/version/resource` (--runtime-config). */
  runtimeConfig?: ReadonlyMap<string, string>;
  /** What plugins are told, by their name (AdmissionConfiguration): what stood there or in the files that it names. */
  pluginConfiguration?: ReadonlyMap<string, unknown>;
}

export interface ListenOptions extends TlsTerms {
  host: string | readonly string[];
  /** 0 takes any free port. */
  port: number;
  tls: ServingTls;
  /** Streams at once of a connection of HTTP/2; 0 or undefined: 100 (--http2-max-streams-per-connection). */
  maxStreams?: number | undefined;
}

export interface ApiServer {
  handle(request: HandlerRequest): Promise<TransportResponse>;
  /** The same-thread carrier. The caller's identity is a client certificate's, and goes through the same chain. */
  localTransport(peer: Peer): ApiTransport;
  /** Serves HTTPS (HTTP/1.1 and HTTP/2 by ALPN). Resolves with the port when it accepts connections. */
  listen(options: ListenOptions): Promise<{ port: number }>;
  /** Connections from now on are served with these certificates. Of named ones there are as many as before. Throws what Node says. */
  renewTls(tls: ServingTls): void;
  readonly objects: ObjectReader;
  /** Ends as `ShutdownOptions` say, and frees the port. The store stays open. */
  close(): Promise<void>;
}
