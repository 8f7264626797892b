/** The audit event of one request, stage by stage. */
import { formatDuration, formatMicroTime, goQuote } from "../../machinery/index.ts";
import { isIP } from "node:net";
import type { KubeObject } from "../../api/index.ts";
import type { AuthorizationAttributes, Decision, UserInfo } from "../auth-contract.ts";
import { decodeBody } from "../codec/decode.ts";
import type { AuditTrail, HandlerRequest, Layer, RequestInfo } from "../contract.ts";
import { type Answer, isAssembly, isPushStream, PageError, pieces } from "../response.ts";
import { type AuditEvent, eventUser, type ObjectReference } from "./event.ts";
import { type AuditConfig, type AuditPolicy, type Level, levels, type Stage } from "./policy.ts";

const longestAgent = 1024;
/** Maximum length of a Status of success. */
const shortBytes = 2048;
/** Long-running subresources, which have the stage ResponseStarted. */
const lastingParts = new Set(["attach", "exec", "log", "portforward", "proxy"]);
/** The latency of slower requests is annotated. */
const slowMs = 500;
const latency = "apiserver.latency.k8s.io/";

export interface TrailContext {
  policy: AuditPolicy;
  now(): number;
  /** Whether it was accepted, in modes that report it; a promise if asynchronous. */
  emit(event: AuditEvent): boolean | Promise<boolean>;
  /** The policy's level of a request. */
  decided(level: string): void;
  /** A request is refused because its RequestReceived event could not be recorded. */
  rejected(): void;
}

type Recorded = Omit<AuditEvent, "stage" | "stageTimestamp">;

export class Trail implements AuditTrail {
  readonly auditId: string;
  readonly #context: TrailContext;
  readonly #request: HandlerRequest;
  readonly #beganAt: number;
  readonly #began: string;
  #config: AuditConfig | undefined;
  #event: Recorded | undefined;
  #lasting = false;
  /** Annotations from before authentication. */
  readonly #early: [key: string, value: string][] = [];
  /** Milliseconds by layer. */
  readonly #spent = new Map<Layer, number>();
  /** Refused before anything could be recorded. */
  #void = false;

  constructor(context: TrailContext, request: HandlerRequest, auditId: string) {
    this.#context = context;
    this.#request = request;
    this.auditId = auditId;
    this.#beganAt = context.now();
    this.#began = formatMicroTime(this.#beganAt);
  }

  received(attributes: AuthorizationAttributes): void | Promise<void> {
    this.#begin(attributes, attributes.user);
    const taken = this.#emit("RequestReceived");
    if (taken === true) return;
    if (taken === false) throw this.#refusal();
    return taken.then((stored) => {
      if (!stored) throw this.#refusal();
    });
  }

  /** Mode `blocking-strict`: refuses requests that cannot be recorded. */
  #refusal(): PageError {
    this.#void = true;
    this.#context.rejected();
    const text = `Internal Server Error: ${goQuote(this.#request.path)}: failed to store audit event\n`;
    const shown = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
    return new PageError(500, shown);
  }

  spent(layer: Layer, ms: number): void {
    const before = this.#spent.get(layer) ?? 0;
    this.#spent.set(layer, layer === "validating-webhook" ? Math.max(before, ms) : before + ms);
  }

  impersonating(user: UserInfo, constraint: string): void {
    if (!this.#event) return;
    this.#event.impersonatedUser = eventUser(user);
    if (constraint !== "") this.#event.authenticationMetadata = { impersonationConstraint: constraint };
  }

  requested({ metadata = {} }: KubeObject, copy: () => unknown): void {
    const event = this.#event;
    if (!event || event.level === "None") return;
    // The URL of a creation does not have the object's name.
    const ref = (event.objectRef ??= {});
    for (const name of ["name", "namespace", "uid", "resourceVersion"] as const)
      if (metadata[name]) ref[name] ??= metadata[name];
    if (this.#records("Request")) event.requestObject = this.#trimmed(copy());
  }

  decided({ allowed, reason, error }: Decision): void {
    if (!allowed && error !== undefined) {
      this.annotate("authorization.k8s.io/reason", "internal error");
      return;
    }
    this.annotate("authorization.k8s.io/decision", allowed ? "allow" : "forbid");
    this.annotate("authorization.k8s.io/reason", reason);
  }

  annotate(key: string, value: string): void {
    if (this.#event) (this.#event.annotations ??= {})[key] ??= value;
    else this.#early.push([key, value]);
  }

  annotateBody(key: string, value: string): void {
    if (this.#records("Request")) this.annotate(key, value);
  }

  #records(level: Level): boolean {
    return levels.indexOf(this.#config?.level ?? "None") >= levels.indexOf(level);
  }

  answered(answer: Answer, info: RequestInfo | undefined): Answer | Promise<Answer> {
    if (this.#void) return answer;
    if (!this.#event) return this.#unauthenticated(answer, info);
    if (this.#config?.level === "None") return answer;
    this.#note(answer, info);
    const started = this.#lasting ? this.#emit("ResponseStarted") : true;
    if (answer.body instanceof Uint8Array) {
      const complete = this.#emit("ResponseComplete");
      return typeof started === "boolean" && typeof complete === "boolean"
        ? answer
        : Promise.all([started, complete]).then(() => answer);
    }
    const followed = this.#followed(answer);
    return typeof started === "boolean" ? followed : started.then(() => followed);
  }

  /** Records the end of a streamed answer. */
  #followed(answer: Answer): Answer {
    const { body } = answer;
    if (body instanceof Uint8Array) return answer;
    let complete = false;
    const done = (): void => {
      if (!complete) void this.#emit("ResponseComplete");
      complete = true;
    };
    if (isPushStream(body)) {
      return {
        ...answer,
        body: {
          start(sink) {
            const stop = body.start({
              write: (chunk) => sink.write(chunk),
              writeParts: (parts) => sink.writeParts(parts),
              end() {
                done();
                sink.end();
              },
              get backlog() {
                return sink.backlog;
              },
              whenTaken: (callback) => sink.whenTaken(callback),
            });
            return () => {
              done();
              stop();
            };
          },
        },
      };
    }
    // The body may never be read.
    const over = (): void => {
      answer.over?.();
      done();
    };
    if (!isAssembly(body)) return { ...answer, over, body: followed(body, done) };
    // A streamed list, passed through when its body is not recorded.
    if (!this.#records("RequestResponse")) return { ...answer, over };
    const gathered: Uint8Array[] = [];
    const finished = (): void => {
      const said = bodyOf({ ...answer, body: Buffer.concat(gathered) });
      if (isKind(said) && this.#event) this.#event.responseObject = this.#trimmed(said);
      done();
    };
    return { ...answer, over, body: followed(pieces(body), finished, (piece) => gathered.push(piece)) };
  }

  upgraded(): () => void {
    if (!this.#event || this.#config?.level === "None") return () => {};
    this.#event.responseStatus = { metadata: {}, code: 101 };
    void this.#emit("ResponseStarted");
    return () => void this.#emit("ResponseComplete");
  }

  #begin(attributes: Omit<AuthorizationAttributes, "user">, user: UserInfo | undefined): void {
    const { headers = {}, path } = this.#request;
    this.#config = this.#context.policy.evaluate({ ...attributes, user });
    this.#context.decided(this.#config.level);
    const sourceIPs = sourcesOf(this.#request);
    const agent = headers["user-agent"] ?? "";
    const { isResource, resource, namespace, name, apiGroup, apiVersion, subresource } = attributes;
    const objectRef: ObjectReference = Object.fromEntries(
      Object.entries({ resource, namespace, name, apiGroup, apiVersion, subresource }).filter(
        ([, value]) => value !== "",
      ),
    );
    this.#lasting = attributes.verb === "watch" || lastingParts.has(subresource);
    this.#event = {
      kind: "Event",
      apiVersion: "audit.k8s.io/v1",
      level: this.#config.level,
      auditID: this.auditId,
      requestURI: path,
      verb: attributes.verb,
      user: user ? eventUser(user) : {},
      ...(sourceIPs.length > 0 ? { sourceIPs } : {}),
      ...(agent === ""
        ? {}
        : {
            userAgent: agent.length > longestAgent ? `${agent.slice(0, longestAgent)}...TRUNCATED` : agent,
          }),
      ...(isResource ? { objectRef } : {}),
      requestReceivedTimestamp: this.#began,
    };
    for (const [key, value] of this.#early) this.annotate(key, value);
  }

  /** The status and, by level, both bodies. */
  #note(answer: Answer, info: RequestInfo | undefined): void {
    const event = this.#event as Recorded;
    const whole = this.#records("RequestResponse");
    const said = whole || mayBeStatus(answer) ? bodyOf(answer) : undefined;
    const status = isStatus(said) ? said : undefined;
    const { kind: _kind, apiVersion: _version, ...rest } = status ?? { metadata: {} };
    event.responseStatus = { ...rest, code: answer.status };
    if (info?.verb === "patch" && info.isResource && this.#records("Request")) {
      const given = this.#patch();
      if (given !== undefined) event.requestObject = given;
    }
    // A proxied answer is not the server's own, unless the proxy failed.
    if (whole && isKind(said) && (status || !this.#lasting)) event.responseObject = this.#trimmed(said);
  }

  /** As sent; undefined when it cannot be parsed. */
  #patch(): unknown {
    const { headers, body } = this.#request;
    const type = headers?.["content-type"];
    try {
      return decodeBody(body, type?.replace(/application\/[\w.-]+\+(json|yaml)/, "application/$1"))?.value;
    } catch {
      return undefined;
    }
  }

  #trimmed(value: unknown): unknown {
    if (!this.#config?.omitManagedFields) return value;
    const bare = (object: unknown): unknown => {
      const { metadata } = (object ?? {}) as KubeObject;
      if (!metadata?.managedFields) return object;
      const { managedFields: _gone, ...rest } = metadata;
      return { ...(object as object), metadata: rest };
    };
    const { items, rows } = (value ?? {}) as { items?: unknown[]; rows?: { object?: unknown }[] };
    if (Array.isArray(items)) return { ...(value as object), items: items.map(bare) };
    if (!Array.isArray(rows)) return bare(value);
    return { ...(value as object), rows: rows.map((row) => ({ ...row, object: bare(row.object) })) };
  }

  /** Without a user, only the stage that Kubernetes records for failed authentication. */
  #unauthenticated(answer: Answer, info: RequestInfo | undefined): Answer | Promise<Answer> {
    if (!info || answer.status !== 401) return answer;
    this.#begin(info, undefined);
    if (this.#config?.level !== "None") this.#note(answer, info);
    const taken = this.#emit("ResponseStarted");
    return typeof taken === "boolean" ? answer : taken.then(() => answer);
  }

  /** Annotates the latency of a slow request by layer. */
  #noteLatency(): void {
    const total = this.#context.now() - this.#beganAt;
    if (total <= slowMs || this.#spent.size === 0) return;
    for (const [layer, ms] of this.#spent) if (ms > 0) this.annotate(latency + layer, formatDuration(ms));
    this.annotate(`${latency}total`, formatDuration(total));
  }

  #emit(stage: Stage): boolean | Promise<boolean> {
    const event = this.#event;
    if (!event || !this.#config || this.#config.level === "None" || this.#config.omitStages.has(stage))
      return true;
    if (stage === "ResponseComplete") this.#noteLatency();
    const { requestURI, verb, user, impersonatedUser, authenticationMetadata, ...rest } = event;
    const { level, auditID, kind, apiVersion, annotations, requestReceivedTimestamp, ...bodies } = rest;
    const { responseStatus, requestObject, responseObject, ...between } = bodies;
    return this.#context.emit({
      kind,
      apiVersion,
      level,
      auditID,
      stage,
      requestURI,
      verb,
      user,
      ...(impersonatedUser ? { impersonatedUser } : {}),
      ...(authenticationMetadata ? { authenticationMetadata } : {}),
      ...between,
      ...(responseStatus ? { responseStatus } : {}),
      ...(requestObject === undefined ? {} : { requestObject }),
      ...(responseObject === undefined ? {} : { responseObject }),
      requestReceivedTimestamp,
      stageTimestamp: stage === "RequestReceived" ? this.#began : formatMicroTime(this.#context.now()),
      ...(annotations ? { annotations } : {}),
    });
  }
}

/** `seen`: gets each chunk. */
async function* followed(
  body: AsyncIterable<Uint8Array>,
  done: () => void,
  seen?: (piece: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of body) {
      seen?.(piece);
      yield piece;
    }
  } finally {
    done();
  }
}

/** Other bodies (a list of paths, a version) are not recorded. */
const isKind = (value: unknown): boolean =>
  typeof (value as { kind?: unknown } | undefined)?.kind === "string";

const isStatus = (value: unknown): value is Record<string, unknown> =>
  (value as { kind?: string } | undefined)?.kind === "Status";

/** Whether to parse an answer for a Status: failures and short bodies. */
const mayBeStatus = ({ status, body }: Answer): boolean =>
  status >= 400 || (body instanceof Uint8Array && body.length < shortBytes);

function bodyOf({ body, headers }: Answer): unknown {
  if (!(body instanceof Uint8Array)) return undefined;
  try {
    return decodeBody(body, headers["content-type"]?.split(";")[0])?.value;
  } catch {
    return undefined;
  }
}

/** The client's addresses: forwarded ones and the peer. */
function sourcesOf({ headers = {}, peer }: HandlerRequest): string[] {
  const forwarded = (headers["x-forwarded-for"] ?? "")
    .split(",")
    .map((each) => each.trim())
    .filter((each) => isIP(each) !== 0);
  const real = headers["x-real-ip"]?.trim() ?? "";
  if (isIP(real) !== 0 && !forwarded.includes(real)) forwarded.push(real);
  const address = peer.address.replace(/^::ffff:/, "");
  if (address !== "" && forwarded.at(-1) !== address) forwarded.push(address);
  return forwarded;
}
