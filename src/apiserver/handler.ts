/** The chain that every request goes through: authentication, flow control, authorization, routing, and then the verb. */
import type { KindDefinition, KubeObject } from "../api/index.ts";
import { emptiedNotes, isReason, StatusError } from "../machinery/index.ts";
import type { Aggregator } from "./aggregation/aggregator.ts";
import { auditIdOf } from "./audit/audit-id.ts";
import type { UserInfo } from "./auth-contract.ts";
import { applyType, mediaType } from "./codec/media-type.ts";
import { checkNamed, negotiate, negotiateError, type Target, wantsPretty } from "./codec/negotiate.ts";
import { protobufType } from "./codec/protobuf/envelope.ts";
import { loadMessages } from "./codec/protobuf/messages.ts";
import type { HandlerRequest, RequestInfo, SpecialHandler, RequestAudit } from "./contract.ts";
import type { Call, Core } from "./core.ts";
import type { Documents } from "./discovery/documents.ts";
import { Deadline, LateError, writeMs } from "./deadline.ts";
import { badRequest, methodNotAllowed, noResource, notFound, notSupported } from "./errors.ts";
import type { FlowControl } from "./flow-control/flow-control.ts";
import { defaultRequestMs, isLasting, timeoutProblem, timeOf } from "./flow-control/lasting.ts";
import type { Passage } from "./flow-control/passage.ts";
import { Follower } from "./follower.ts";
import type { Asked, Gate } from "./gate.ts";
import type { Meters } from "./metrics/meters.ts";
import { checkPlace, checkSpecialPlace } from "./place.ts";
import { specialKey } from "./registry/registry.ts";
import type { ServedResource } from "./registry/resource.ts";
import { parseRequestInfo } from "./request-info.ts";
import { optionsOf, readyBody } from "./ready-body.ts";
import { type Answer, PageError } from "./response.ts";
import { patch } from "./verbs/patch.ts";
import { create } from "./verbs/create.ts";
import { deleteCollection } from "./verbs/deletecollection.ts";
import { remove } from "./verbs/delete.ts";
import { get } from "./verbs/get.ts";
import { list } from "./verbs/list.ts";
import { goTypeOf } from "./registry/go-type.ts";
import { warningHeader } from "./warnings.ts";
import { encoded, encodedError, shaped, withWarnings } from "./verbs/output.ts";
import { offerOf, specialOffer } from "./offers.ts";
import { update } from "./verbs/update.ts";
import { watch } from "./verbs/watch.ts";
import { beginRequestSpan, endRequestSpan, verbAttributes, verbNames } from "./tracing/request-spans.ts";
import type { Span } from "./tracing/span.ts";
import type { Tracer } from "./tracing/tracer.ts";
import { unstoredVerbs } from "./subresources/unstored.ts";
import { serveSpecial } from "./subresources/special.ts";
import { type Served, subresources } from "./subresources/index.ts";

type Verb = (call: Call) => Promise<Answer>;

const verbs: Record<string, Verb> = {
  get,
  list,
  watch,
  create,
  update,
  patch,
  delete: remove,
  deletecollection: deleteCollection,
};

/** Warnings of deprecated kinds. */
const deprecated: Record<string, string> = {
  "/v1/componentstatuses": "v1 ComponentStatus is deprecated in v1.19+",
  "/v1/endpoints": "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
};

/** Methods that resources have. */
const methods = { GET: true, POST: true, PUT: true, PATCH: true, DELETE: true };

export interface HandlerParts {
  core: Core;
  gate: Gate;
  documents: Documents;
  meters: Meters;
  aggregator: Aggregator;
  audit: RequestAudit | undefined;
  /** Undefined: requests are not limited. */
  flowControl: FlowControl | undefined;
  /** Undefined: tracing is off. */
  tracer: Tracer | undefined;
  /** Timeout of requests that are not long-running; default a minute. */
  requestMs?: number;
}

/** What is known of a request so far. */
interface Mark {
  /** It led to an endpoint; others are not counted by metrics. */
  reached: boolean;
  asked: Asked | undefined;
  /** Before impersonation. */
  anonymous: boolean;
  passage: Passage | undefined;
  /** When it was authorized. */
  admitted: number;
  /** Of the whole request, when it is traced. */
  span: Span | undefined;
}

/** Longer answers may be read slowly, and keep their deadline. */
const longBytes = 64 * 1024;

/** Verbs with a time limit of their own (`writeMs`). */
const bounded = new Set(["create", "update", "patch", "delete"]);

/** Verbs that write. */
const writing = new Set([...bounded, "deletecollection"]);

export class Handler {
  readonly #core: Core;
  readonly #gate: Gate;
  readonly #follower: Follower;
  readonly #documents: Documents;
  readonly #meters: Meters;
  readonly #aggregator: Aggregator;
  readonly #audit: RequestAudit | undefined;
  readonly #flowControl: FlowControl | undefined;
  readonly #requestMs: number;
  readonly #tracer: Tracer | undefined;

  constructor(parts: HandlerParts) {
    this.#core = parts.core;
    this.#gate = parts.gate;
    this.#follower = new Follower(parts.core.log, parts.meters.requests, parts.flowControl);
    this.#documents = parts.documents;
    this.#meters = parts.meters;
    this.#aggregator = parts.aggregator;
    this.#audit = parts.audit;
    this.#flowControl = parts.flowControl;
    this.#tracer = parts.tracer;
    this.#requestMs = parts.requestMs ?? defaultRequestMs;
  }

  /** Never rejects. */
  async handle(request: HandlerRequest): Promise<Answer> {
    const began = this.#core.clock.monotonic();
    const trail = this.#audit?.begin(request);
    if (trail) request.audit = trail;
    let info: RequestInfo | undefined;
    let answer: Answer;
    const mark: Mark = {
      reached: false,
      asked: undefined,
      anonymous: false,
      passage: undefined,
      admitted: began,
      span: undefined,
    };
    try {
      if (speaksProtobuf(request)) await loadMessages();
      info = readInfo(request);
      const problem = timeoutProblem(info);
      if (problem) throw badRequest(problem);
      answer = await (isLasting(info)
        ? this.#serve(request, info, began, mark)
        : this.#inTime(request, info, began, mark));
      mark.passage?.label(answer);
    } catch (error) {
      answer =
        error instanceof PageError || error instanceof LateError
          ? error.answer
          : encodedError(this.#asStatus(error, info), errorTarget(request, info));
      if (error instanceof LateError && info) {
        const { method, headers } = request;
        this.#meters.requests.terminated(method, headers?.["content-type"], info, info.name, 504);
      } else mark.passage?.label(answer);
    }
    const { asked, passage, admitted } = mark;
    const now = this.#core.clock.monotonic();
    const took = { ms: now - began, authMs: admitted - began, counts: mark.reached };
    this.#follower.follow({ request, info, asked, answer, passage, took, now });
    if (mark.span) endRequestSpan(mark.span, answer);
    if (mark.anonymous || (!asked && answer.status === 401)) answer.unauthenticated = true;
    if (request.warnings) withFormer(request.warnings, answer);
    answer.headers["audit-id"] = trail?.auditId ?? auditIdOf(request);
    return trail ? trail.answered(answer, info) : answer;
  }

  /** Rejects with a LateError when its time is up; the work ends when it next looks at the deadline. */
  async #inTime(request: HandlerRequest, info: RequestInfo, began: number, mark: Mark): Promise<Answer> {
    const deadline = new Deadline(this.#core.clock, began, this.#timeOf(info));
    request.deadline = deadline;
    const answer = await deadline.over(this.#serve(request, info, began, mark), (late, error) =>
      this.#meters.requests.afterTimeout(
        late instanceof LateError ? "timeout-handler" : "rest-handler",
        error !== undefined,
      ),
    );
    // Short ones are sent at once.
    if (!(answer.body instanceof Uint8Array) || answer.body.length > longBytes) answer.deadline = deadline;
    return answer;
  }

  async #serve(request: HandlerRequest, info: RequestInfo, began: number, mark: Mark): Promise<Answer> {
    const { audit } = request;
    const identified = await this.#gate.identify(request, info, began, audit);
    const { asked, at } = identified;
    mark.asked = asked;
    mark.anonymous = identified.anonymous;
    if (this.#tracer)
      mark.span = request.span = beginRequestSpan(this.#tracer, request, info, asked.user, began);
    const passage = this.#pass(info, asked, at);
    mark.passage = passage;
    // A request may spend a quarter of its time in a queue.
    if (passage && !passage.served && !(await passage.turn(this.#timeOf(info) / 4, request.signal))) {
      const { method, headers } = request;
      this.#meters.requests.dropped(method, headers?.["content-type"], info, asked.name, 429);
      return passage.refusal();
    }
    const since = passage?.waitedMs ? this.#core.clock.monotonic() : at;
    if (passage?.waitedMs) audit?.spent("apf-queue-wait", passage.waitedMs);
    mark.admitted = await this.#gate.authorize(asked, request.path, since, audit);
    const extension = this.#aggregator.route(info);
    return extension
      ? this.#aggregator.forward(extension, request, info, asked.user)
      : this.#dispatch(request, info, asked.user, mark);
  }

  #timeOf(info: RequestInfo): number {
    return timeOf(info, this.#requestMs);
  }

  /** Undefined for long-running requests other than watches: they take no seat. */
  #pass(info: RequestInfo, { user, name }: Asked, now: number): Passage | undefined {
    if (!this.#flowControl || (info.verb !== "watch" && isLasting(info))) return undefined;
    return this.#flowControl.admit(info, user, name, now);
  }

  async #dispatch(request: HandlerRequest, info: RequestInfo, user: UserInfo, mark: Mark): Promise<Answer> {
    if (!info.isResource) {
      mark.reached = true;
      return this.#documents.answer(request, info);
    }
    const special = this.#core.registry.special.get(
      specialKey(info.apiGroup, info.resource, info.subresource),
    );
    const resource = this.#core.registry.find(info.apiGroup, info.apiVersion, info.resource);
    if (!special && !resource) throw missing(this.#core.registry.isBuiltIn(info.apiGroup));
    // Only proxies have a path behind the subresource.
    if (/[^/]/.test(info.rest) && info.subresource !== "proxy") throw noResource();
    if ((special && special.version === info.apiVersion) || (special && resource)) {
      return this.#special(special as SpecialHandler, request, info, user, mark);
    }
    if (!resource) throw missing(this.#core.registry.isBuiltIn(info.apiGroup));
    return this.#stored(resource, request, info, user, mark);
  }

  async #stored(
    resource: ServedResource,
    request: HandlerRequest,
    info: RequestInfo,
    user: UserInfo,
    mark: Mark,
  ): Promise<Answer> {
    const { def } = resource;
    checkPlace(def, request.method, info);
    const part = info.subresource === "" ? undefined : subresources(resource, info.subresource);
    if (info.subresource !== "" && !part && !def.type) throw noResource();
    const headed = def.type !== undefined && request.method === "HEAD";
    if (!headed && !Object.hasOwn(methods, request.method))
      throw def.type ? notSupported(def, "") : methodNotAllowed();
    const serve = this.#serving(resource, part, info, mark);
    const offer = offerOf(def, info);
    checkNamed(request.headers?.accept, offer);
    const warnings = this.#deprecations(def, request, info);
    return this.#warned({ request, info, warnings }, async () => {
      const pretty = wantsPretty(info.query, request.headers?.["user-agent"]);
      const target = negotiate(request.headers?.accept, pretty, offer);
      const apply = info.verb === "patch" && mediaType(request.headers?.["content-type"]) === applyType;
      const dryRun = optionsOf(request, info, apply, def);
      if (writing.has(info.verb)) {
        if (hasBody(request)) await readyBody(request, def);
        // All that a write is judged by comes out of the caches: what is there, its namespace, quotas, addresses.
        this.#core.caches.readiness.check();
      }
      const notesBefore = emptiedNotes();
      return serve({
        core: this.#core,
        request,
        info,
        user,
        resource,
        dryRun,
        target,
        warnings,
        notesBefore,
      });
    });
  }

  /** Warnings of a deprecated kind, noted in metrics and the audit event. */
  #deprecations(def: KindDefinition, request: HandlerRequest, info: RequestInfo): string[] {
    const old = def.deprecationWarning ?? deprecated[`${def.group}/${def.version}/${def.plural}`];
    if (!old) return [];
    const removed = /unavailable in v(\d+\.\d+)\+/.exec(old)?.[1] ?? "";
    this.#meters.requests.deprecated(info, removed);
    request.audit?.annotate("k8s.io/deprecated", "true");
    if (removed !== "") request.audit?.annotate("k8s.io/removed-release", removed);
    return [old];
  }

  /** The function that serves the request. What does not exist is refused before anything else of the request is checked. */
  #serving(resource: ServedResource, part: Served | undefined, info: RequestInfo, mark: Mark): Verb {
    const { def } = resource;
    if (info.verb === "watch" && !resource.has("watch")) {
      if (!resource.has("list")) throw methodNotAllowed();
      return () => Promise.reject(notSupported(def, "watch"));
    }
    if (info.subresource !== "") {
      mark.reached = part !== undefined;
      if (part && !part.verbs.includes(info.verb))
        throw def.type ? notSupported(def, info.verb) : methodNotAllowed();
      return part?.serve ?? (() => Promise.reject(notFound(def, info.name)));
    }
    const verb = (unstoredVerbs(resource) ?? verbs)[info.verb];
    // Collections are not replaced, and objects are not created under their own path.
    const nameless = info.name === "" && (info.verb === "update" || info.verb === "patch");
    if (nameless && def.type) throw badRequest("name must be provided");
    // Custom resources may be: their metadata.name counts.
    const misplaced = nameless || (info.name !== "" && info.verb === "create" && !def.type);
    if (!verb || misplaced || !resource.has(info.verb)) throw methodNotAllowed();
    mark.reached = true;
    return verb;
  }

  /** Adds warnings to the answer, also when `serve` fails. */
  async #warned(
    { request, info, warnings }: Pick<Call, "request" | "info" | "warnings">,
    serve: () => Promise<Answer>,
  ): Promise<Answer> {
    if (bounded.has(info.verb)) request.deadline?.bound(writeMs);
    try {
      return withWarnings({ warnings }, await this.#timed(request, info, serve));
    } catch (error) {
      const answer = encodedError(this.#asStatus(error, info), errorTarget(request, info));
      return withWarnings({ warnings }, answer);
    }
  }

  /** Traces the verb. */
  #timed(request: HandlerRequest, info: RequestInfo, serve: () => Promise<Answer>): Promise<Answer> {
    const name = verbNames[info.verb];
    if (!name || !request.span?.context.sampled) return serve();
    const attributes = verbAttributes(request, info);
    const whole = request.span;
    const span = whole.child({ name, kind: "internal", attributes });
    // Spans that begin meanwhile are its children.
    request.span = span;
    return span.over(serve).finally(() => {
      request.span = whole;
    });
  }

  async #special(
    special: SpecialHandler,
    request: HandlerRequest,
    info: RequestInfo,
    user: UserInfo,
    mark: Mark,
  ): Promise<Answer> {
    checkSpecialPlace(special, request.method, info);
    mark.reached = true;
    const warnings: string[] = [];
    return this.#warned({ request, info, warnings }, async () => {
      const pretty = wantsPretty(info.query, request.headers?.["user-agent"]);
      const offer = specialOffer(info);
      const target = offer && negotiate(request.headers?.accept, pretty, offer);
      // Proxies stream the body on, and connections have none.
      if (!isLasting(info) && hasBody(request)) await readyBody(request);
      const result = await serveSpecial(this.#core, special, { request, info, user, warnings });
      if ("status" in result && typeof result.status === "number") return result as Answer;
      const shown = target ?? negotiate(request.headers?.accept, pretty);
      const value = shaped(result as KubeObject, shown, goTypeOf(special));
      return encoded(request.method === "POST" ? 201 : 200, value, shown);
    });
  }

  #asStatus(error: unknown, info: RequestInfo | undefined): StatusError {
    if (error instanceof StatusError) {
      if (isReason(error, "InternalError"))
        this.#core.log.error("request failed", { path: info?.path, error });
      return error;
    }
    this.#core.log.error("request failed", { path: info?.path, error });
    const text = error instanceof Error ? error.message : String(error);
    return new StatusError("InternalError", `Internal error occurred: ${text}`, {
      details: { causes: [{ message: text }] },
      cause: error,
    });
  }
}

/** Warnings that come before those of the answer. */
function withFormer(warnings: readonly string[], { headers }: Answer): void {
  const former = warningHeader(warnings);
  if (former) headers.warning = headers.warning ? `${former}, ${headers.warning}` : former;
}

const hasBody = ({ input, body }: HandlerRequest): boolean => input !== undefined || body !== undefined;

const speaksProtobuf = ({ headers }: HandlerRequest): boolean =>
  headers !== undefined &&
  ((headers.accept?.includes(protobufType) ?? false) ||
    (headers["content-type"]?.includes(protobufType) ?? false));

function errorTarget({ headers }: HandlerRequest, info: RequestInfo | undefined): Target {
  const pretty = info !== undefined && wantsPretty(info.query, headers?.["user-agent"]);
  return negotiateError(headers?.accept, pretty);
}

function readInfo(request: HandlerRequest): RequestInfo {
  try {
    return parseRequestInfo(request.method, request.path);
  } catch (cause) {
    if (cause instanceof URIError) throw new PageError(400, "400 Bad Request");
    throw cause;
  }
}

/** Kubernetes answers for an unknown group in plain text, and for anything unknown in a group with a Status. */
function missing(groupServed: boolean): Error {
  return groupServed ? noResource() : new PageError(404, "404 page not found\n");
}
