/** What is recorded of one request, stage by stage. */
import { isIP } from "node:net";
import type { KubeObject } from "../../api/index.ts";
import type { AuthorizationAttributes, Decision, UserInfo } from "../auth-contract.ts";
import { decodeBody } from "../codec/decode.ts";
import type { AuditTrail, HandlerRequest, RequestInfo } from "../contract.ts";
import { type Answer, isAssembly, isPushStream, pieces } from "../response.ts";
import { type AuditEvent, eventUser, microTime, type ObjectReference } from "./event.ts";
import { type AuditConfig, type AuditPolicy, levels, type Stage } from "./policy.ts";

const longestAgent = 1024;
/** Requests that last: their answer's beginning is a stage of its own. */
const lastingParts = new Set(["attach", "exec", "log", "portforward", "proxy"]);

export interface TrailContext {
  policy: AuditPolicy;
  now(): number;
  emit(event: AuditEvent): void;
  /** The policy has said how much is recorded of a request. */
  decided(level: string): void;
}

type Recorded = Omit<AuditEvent, "stage" | "stageTimestamp">;

export class Trail implements AuditTrail {
  readonly auditId: string;
  readonly #context: TrailContext;
  readonly #request: HandlerRequest;
  readonly #began: string;
  #config: AuditConfig | undefined;
  #event: Recorded | undefined;
  #lasting = false;

  constructor(context: TrailContext, request: HandlerRequest, auditId: string) {
    this.#context = context;
    this.#request = request;
    this.auditId = auditId;
    this.#began = microTime(context.now());
  }

  received(attributes: AuthorizationAttributes): void {
    this.#begin(attributes, attributes.user);
    this.#emit("RequestReceived");
  }

  impersonating(user: UserInfo): void {
    if (this.#event) this.#event.impersonatedUser = eventUser(user);
  }

  decided({ allowed, reason }: Decision): void {
    this.annotate("authorization.k8s.io/decision", allowed ? "allow" : "forbid");
    this.annotate("authorization.k8s.io/reason", reason);
  }

  annotate(key: string, value: string): void {
    if (this.#event) (this.#event.annotations ??= {})[key] ??= value;
  }

  annotateBody(key: string, value: string): void {
    const level = this.#config?.level ?? "None";
    if (levels.indexOf(level) >= levels.indexOf("Request")) this.annotate(key, value);
  }

  answered(answer: Answer, info: RequestInfo | undefined): Answer {
    if (!this.#event) return this.#unauthenticated(answer, info);
    if (this.#config?.level === "None") return answer;
    this.#note(answer, info);
    const { body } = answer;
    if (body instanceof Uint8Array) {
      if (this.#lasting) this.#emit("ResponseStarted");
      this.#emit("ResponseComplete");
      return answer;
    }
    if (this.#lasting) this.#emit("ResponseStarted");
    let complete = false;
    const done = (): void => {
      if (!complete) this.#emit("ResponseComplete");
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
    return { ...answer, body: followed(isAssembly(body) ? pieces(body) : body, done) };
  }

  upgraded(): () => void {
    if (!this.#event || this.#config?.level === "None") return () => {};
    this.#event.responseStatus = { metadata: {}, code: 101 };
    this.#emit("ResponseStarted");
    return () => this.#emit("ResponseComplete");
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
  }

  /** Status and, as far as the level asks for them, both bodies. */
  #note(answer: Answer, info: RequestInfo | undefined): void {
    const event = this.#event as Recorded;
    const level = levels.indexOf(event.level);
    const said = this.#lasting ? undefined : bodyOf(answer);
    const status = said as { kind?: string; metadata?: object } | undefined;
    if (status?.kind === "Status") {
      const { kind: _kind, apiVersion: _version, ...rest } = status as Record<string, unknown>;
      event.responseStatus = { ...rest, code: answer.status };
    } else event.responseStatus = { metadata: {}, code: answer.status };
    if (!info?.isResource) return;
    const given = this.#given();
    this.#refer(given as KubeObject | undefined, info);
    if (level >= levels.indexOf("Request") && given !== undefined) event.requestObject = this.#trimmed(given);
    if (level >= levels.indexOf("RequestResponse") && said !== undefined)
      event.responseObject = this.#trimmed(said);
  }

  /** The body as it was sent; undefined for one that cannot be read. */
  #given(): unknown {
    const { headers, body } = this.#request;
    const type = headers?.["content-type"];
    try {
      return decodeBody(body, type?.replace(/application\/[\w.-]+\+(json|yaml)/, "application/$1"))?.value;
    } catch {
      return undefined;
    }
  }

  /** A creation's URL does not say what is created. */
  #refer(given: KubeObject | undefined, info: RequestInfo): void {
    const ref = this.#event?.objectRef;
    if (!ref || (info.verb !== "create" && info.verb !== "update")) return;
    const { name, namespace, uid, resourceVersion } = given?.metadata ?? {};
    if (name) ref.name ??= name;
    if (namespace) ref.namespace ??= namespace;
    if (uid) ref.uid ??= uid;
    if (resourceVersion) ref.resourceVersion ??= resourceVersion;
  }

  #trimmed(value: unknown): unknown {
    if (!this.#config?.omitManagedFields) return value;
    const bare = (object: unknown): unknown => {
      const { metadata } = (object ?? {}) as KubeObject;
      if (!metadata?.managedFields) return object;
      const { managedFields: _gone, ...rest } = metadata;
      return { ...(object as object), metadata: rest };
    };
    const list = value as { items?: unknown[] } | undefined;
    return Array.isArray(list?.items) ? { ...list, items: list.items.map(bare) } : bare(value);
  }

  /** Nobody knows who it is; that somebody tried is worth a line. */
  #unauthenticated(answer: Answer, info: RequestInfo | undefined): Answer {
    if (!info || answer.status !== 401) return answer;
    this.#begin(info, undefined);
    const event = this.#event as unknown as Recorded;
    const tried = [
      ...(this.#request.headers?.authorization === undefined ? [] : ["bearer"]),
      ...(this.#request.peer.certificate ? ["x509"] : []),
    ];
    const message =
      tried.length === 0
        ? "Authentication failed, no credentials provided"
        : `Authentication failed, attempted: ${tried.join(", ")}`;
    event.responseStatus = { metadata: {}, status: "Failure", message, reason: "Unauthorized", code: 401 };
    this.#emit("ResponseStarted");
    return answer;
  }

  #emit(stage: Stage): void {
    const event = this.#event;
    if (!event || !this.#config || this.#config.level === "None" || this.#config.omitStages.has(stage))
      return;
    const { requestURI, verb, user, level, auditID, kind, apiVersion, ...rest } = event;
    const { annotations, requestReceivedTimestamp, ...between } = rest;
    this.#context.emit({
      kind,
      apiVersion,
      level,
      auditID,
      stage,
      requestURI,
      verb,
      user,
      ...between,
      requestReceivedTimestamp,
      stageTimestamp: microTime(this.#context.now()),
      ...(annotations ? { annotations } : {}),
    });
  }
}

async function* followed(body: AsyncIterable<Uint8Array>, done: () => void): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } finally {
    done();
  }
}

function bodyOf({ body, headers }: Answer): unknown {
  if (!(body instanceof Uint8Array)) return undefined;
  try {
    return decodeBody(body, headers["content-type"]?.split(";")[0])?.value;
  } catch {
    return undefined;
  }
}

/** Everybody the request says it came through, and who brought it. */
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
