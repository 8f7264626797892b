/** The chain every request goes through, whoever carried it: who, may they, what, and then the verb. */
import { isReason, StatusError } from "../machinery/index.ts";
import type { Aggregator } from "./aggregation/aggregator.ts";
import { auditIdOf } from "./audit/audit-id.ts";
import type { AuthorizationAttributes, Authenticator, Authorizer, UserInfo } from "./auth-contract.ts";
import { Impersonation, wantedUser } from "./auth/authn/impersonation.ts";
import { mediaType } from "./codec/decode.ts";
import {
  hasProtobuf,
  negotiate,
  negotiateError,
  type Offer,
  type Target,
  wantsPretty,
} from "./codec/negotiate.ts";
import { protobufType } from "./codec/protobuf/envelope.ts";
import { loadMessages } from "./codec/protobuf/messages.ts";
import type { AuditTrail, HandlerRequest, RequestInfo, SpecialHandler, RequestAudit } from "./contract.ts";
import type { Call, Core } from "./core.ts";
import type { Documents } from "./discovery/documents.ts";
import { badRequest, denied, methodNotAllowed, noResource, notFound, notWatched } from "./errors.ts";
import type { FlowControl } from "./flow-control/flow-control.ts";
import { isLasting, waitLimitMs } from "./flow-control/lasting.ts";
import type { Passage } from "./flow-control/passage.ts";
import type { RequestMetrics } from "./metrics/requests.ts";
import { checkPlace, checkSpecialPlace } from "./place.ts";
import { specialKey } from "./registry/registry.ts";
import type { ServedResource } from "./registry/resource.ts";
import { parseRequestInfo } from "./request-info.ts";
import { type Answer, PageError } from "./response.ts";
import { applyType, patch } from "./verbs/patch.ts";
import { readWriteOptions } from "./verbs/write-options.ts";
import { create } from "./verbs/create.ts";
import { deleteCollection } from "./verbs/deletecollection.ts";
import { remove } from "./verbs/delete.ts";
import { get } from "./verbs/get.ts";
import { list } from "./verbs/list.ts";
import { encoded, encodedError, withWarnings } from "./verbs/output.ts";
import { update } from "./verbs/update.ts";
import { watch } from "./verbs/watch.ts";
import { unstoredVerbs } from "./subresources/unstored.ts";
import { serveSpecial } from "./subresources/special.ts";
import { subresources } from "./subresources/index.ts";

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

/** Which transformations each verb can answer with. */
const transformations: Record<string, readonly Target["as"][]> = {
  list: ["object", "table", "partialList"],
  watch: ["object", "table", "partial"],
  deletecollection: ["object"],
};
const objectTransformations: readonly Target["as"][] = ["object", "table", "partial"];

/** Warnings for whoever still uses these. */
const deprecated: Record<string, string> = {
  "/v1/componentstatuses": "v1 ComponentStatus is deprecated in v1.19+",
  "/v1/endpoints": "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
};

/** Methods that resources have. */
const methods = { GET: true, POST: true, PUT: true, PATCH: true, DELETE: true };

/** Requests that take longer are worth a line, as in Kubernetes. */
const slowMs = 500;

const anonymous: UserInfo = { name: "system:anonymous", groups: ["system:unauthenticated"] };

export interface HandlerParts {
  core: Core;
  authenticator: Authenticator;
  authorizer: Authorizer;
  documents: Documents;
  metrics: RequestMetrics;
  aggregator: Aggregator;
  audit: RequestAudit | undefined;
  /** Undefined: nothing is limited. */
  flowControl: FlowControl | undefined;
}

/** Who asks, and for what, once that is known. */
type Asked = AuthorizationAttributes & { name: string };

/** Whether there was something to ask: requests for what does not exist are not counted. */
interface Mark {
  reached: boolean;
}

export class Handler {
  readonly #core: Core;
  readonly #authenticator: Authenticator;
  readonly #authorizer: Authorizer;
  readonly #impersonation: Impersonation;
  readonly #documents: Documents;
  readonly #metrics: RequestMetrics;
  readonly #aggregator: Aggregator;
  readonly #audit: RequestAudit | undefined;
  readonly #flowControl: FlowControl | undefined;

  constructor(parts: HandlerParts) {
    this.#core = parts.core;
    this.#authenticator = parts.authenticator;
    this.#authorizer = parts.authorizer;
    this.#impersonation = new Impersonation(parts.authorizer);
    this.#documents = parts.documents;
    this.#metrics = parts.metrics;
    this.#aggregator = parts.aggregator;
    this.#audit = parts.audit;
    this.#flowControl = parts.flowControl;
  }

  /** Never rejects. */
  async handle(given: HandlerRequest): Promise<Answer> {
    const began = this.#core.clock.monotonic();
    const trail = this.#audit?.begin(given);
    const request = trail ? { ...given, audit: trail } : given;
    let admitted = began;
    let info: RequestInfo | undefined;
    let asked: Asked | undefined;
    let passage: Passage | undefined;
    let answer: Answer;
    const mark: Mark = { reached: false };
    try {
      if (speaksProtobuf(request)) await loadMessages();
      info = readInfo(request);
      asked = await this.#identify(request, info, trail);
      passage = this.#pass(info, asked);
      if (passage && !passage.served && !(await passage.turn(waitLimitMs(info), request.signal))) {
        this.#metrics.dropped(request.method, request.headers?.["content-type"], info, asked.name, 429);
        answer = passage.refusal();
      } else {
        await this.#authorize(asked, trail);
        admitted = this.#core.clock.monotonic();
        const extension = this.#aggregator.route(info);
        answer = extension
          ? await this.#aggregator.forward(extension, request, info, asked.user)
          : await this.#dispatch(request, info, asked.user, mark);
      }
    } catch (error) {
      answer =
        error instanceof PageError
          ? error.answer
          : encodedError(this.#asStatus(error, info), errorTarget(request, info));
    }
    passage?.label(answer);
    const tookMs = this.#core.clock.monotonic() - began;
    if (info && asked) this.#follow(request, info, asked, answer, passage, mark.reached ? tookMs : undefined);
    if (tookMs >= slowMs) this.#slow(request, info, answer, tookMs, admitted - began);
    answer.headers["audit-id"] = trail?.auditId ?? auditIdOf(given);
    return trail ? trail.answered(answer, info) : answer;
  }

  /** Counts it; requests that last, and streams, are followed to their end. `ms` is absent for what is not counted. */
  #follow(
    { method, headers }: HandlerRequest,
    info: RequestInfo,
    { name }: Asked,
    answer: Answer,
    passage: Passage | undefined,
    ms: number | undefined,
  ): void {
    const contentType = headers?.["content-type"];
    const bytes = answer.body instanceof Uint8Array ? answer.body.length : undefined;
    if (ms !== undefined) {
      const othersMs = passage?.waitedMs ?? 0;
      this.#metrics.observe({ method, contentType, info, name, code: answer.status, ms, othersMs, bytes });
    }
    // A watch has begun by now, and takes no seat any more.
    if (bytes !== undefined || info.verb === "watch") passage?.over();
    if (bytes !== undefined) return;
    const lasting = isLasting(info) ? this.#metrics.lasting(method, contentType, info, name) : undefined;
    const forget = info.verb === "watch" ? this.#flowControl?.watching(info, name) : undefined;
    lasting?.add(1);
    let over = false;
    answer.over = () => {
      if (over) return;
      over = true;
      passage?.over();
      forget?.();
      lasting?.add(-1);
    };
  }

  /** Says where the time went. An answer that is a stream has only begun by now. */
  #slow(
    { method, path, headers, peer, audit }: HandlerRequest,
    info: RequestInfo | undefined,
    { status, body }: Answer,
    tookMs: number,
    authMs: number,
  ): void {
    this.#core.log.info("slow request", {
      method,
      path,
      verb: info?.verb,
      status,
      client: peer.address,
      userAgent: headers?.["user-agent"],
      auditId: audit?.auditId,
      totalMs: Math.round(tookMs),
      authMs: Math.round(authMs),
      servingMs: Math.round(tookMs - authMs),
      bytes: body instanceof Uint8Array ? body.length : undefined,
    });
  }

  /** Authentication and authorization. Throws 401 and 403. */
  async admitUser(request: HandlerRequest, info: RequestInfo, trail?: AuditTrail): Promise<UserInfo> {
    const asked = await this.#identify(request, info, trail);
    await this.#authorize(asked, trail);
    return asked.user;
  }

  /** Who it is, be it by impersonation. Throws 401, 403 and 400. */
  async #identify(request: HandlerRequest, info: RequestInfo, trail?: AuditTrail): Promise<Asked> {
    const found = await this.#authenticator.authenticate({
      headers: request.headers ?? {},
      peer: request.peer,
      path: info.path,
    });
    const user = found ?? anonymous;
    const { query } = info;
    const fieldSelector = query.get("fieldSelector");
    // A list of exactly one name is authorized by that name, as in Kubernetes.
    const oneName =
      info.name === "" && fieldSelector
        ? /(?:^|,)metadata\.name==?([^,]+)(?:,|$)/.exec(fieldSelector)?.[1]
        : undefined;
    const attributes = {
      user,
      verb: info.verb,
      apiGroup: info.apiGroup,
      apiVersion: info.apiVersion,
      resource: info.resource,
      subresource: info.subresource,
      namespace: info.namespace,
      name: info.name || (oneName ?? ""),
      path: info.path,
      isResource: info.isResource,
      ...(fieldSelector ? { fieldSelector } : {}),
      ...(query.get("labelSelector") ? { labelSelector: query.get("labelSelector") as string } : {}),
    };
    trail?.received(attributes);
    const wanted = wantedUser(request.headers ?? {});
    if (!wanted) return attributes;
    const acting = await this.#impersonation.actAs(wanted, attributes);
    trail?.impersonating(acting);
    return { ...attributes, user: acting };
  }

  /** Throws 403. */
  async #authorize(asked: Asked, trail?: AuditTrail): Promise<void> {
    const decision = await this.#authorizer.authorize(asked);
    trail?.decided(decision);
    if (!decision.allowed) throw denied(asked, decision.reason);
  }

  /** Connections to pods last as long as they like: they take no seat. */
  #pass(info: RequestInfo, { user, name }: Asked): Passage | undefined {
    if (!this.#flowControl || (info.verb !== "watch" && isLasting(info))) return undefined;
    return this.#flowControl.admit(info, user, name);
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
    // Only what is behind a proxy has a path of its own.
    if (info.rest !== "" && info.subresource !== "proxy") throw noResource();
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
    if (!Object.hasOwn(methods, request.method)) throw methodNotAllowed();
    const apply = info.verb === "patch" && mediaType(request.headers?.["content-type"]) === applyType;
    const dryRun = readWriteOptions(info.verb, info.query, apply);
    const call: Call = {
      core: this.#core,
      request,
      info,
      user,
      resource,
      dryRun,
      target: negotiate(
        request.headers?.accept,
        wantsPretty(info.query, request.headers?.["user-agent"]),
        offerOf(resource, info),
      ),
      warnings: [],
    };
    const old = def.deprecationWarning ?? deprecated[`${def.group}/${def.version}/${def.plural}`];
    if (old) call.warnings.push(old);
    if (info.verb === "watch" && !resource.has("watch"))
      return this.#warned(call, () => Promise.reject(notWatched(def)));
    if (info.subresource !== "") {
      const serve = subresources(resource, info.subresource);
      if (!serve && !def.type) throw noResource();
      mark.reached = serve !== undefined;
      return this.#warned(call, serve ?? (() => Promise.reject(notFound(def, info.name))));
    }
    const verb = (unstoredVerbs(resource) ?? verbs)[info.verb];
    // Collections are not replaced, and objects are not created under their own path.
    const nameless = info.name === "" && (info.verb === "update" || info.verb === "patch");
    if (nameless && def.type) throw badRequest("name must be provided");
    // But for custom resources, whose own name counts.
    const misplaced = nameless || (info.name !== "" && info.verb === "create" && !def.type);
    if (!verb || misplaced || !resource.has(info.verb)) throw methodNotAllowed();
    mark.reached = true;
    return this.#warned(call, verb);
  }

  /** Warnings go out with failures too. */
  async #warned(call: Call, verb: Verb): Promise<Answer> {
    try {
      return withWarnings(call, await verb(call));
    } catch (error) {
      return withWarnings(
        call,
        encodedError(this.#asStatus(error, call.info), errorTarget(call.request, call.info)),
      );
    }
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
    try {
      const result = await serveSpecial(this.#core, special, { request, info, user, warnings });
      if ("status" in result && typeof result.status === "number")
        return withWarnings({ warnings }, result as Answer);
      const pretty = wantsPretty(info.query, request.headers?.["user-agent"]);
      const target = negotiate(request.headers?.accept, pretty);
      return withWarnings({ warnings }, encoded(request.method === "POST" ? 201 : 200, result, target));
    } catch (error) {
      const answer = encodedError(this.#asStatus(error, info), errorTarget(request, info));
      return withWarnings({ warnings }, answer);
    }
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

const speaksProtobuf = ({ headers }: HandlerRequest): boolean =>
  headers !== undefined &&
  ((headers.accept?.includes(protobufType) ?? false) ||
    (headers["content-type"]?.includes(protobufType) ?? false));

function errorTarget({ headers }: HandlerRequest, info: RequestInfo | undefined): Target {
  const pretty = info !== undefined && wantsPretty(info.query, headers?.["user-agent"]);
  return negotiateError(headers?.accept, pretty);
}

/** What the endpoint of a stored resource can answer with. */
function offerOf({ def }: ServedResource, { verb, name }: RequestInfo): Offer {
  const isList = verb === "list" || verb === "deletecollection";
  const group = def.group === "" ? "core" : def.group.split(".")[0];
  return {
    transformations: transformations[verb] ?? objectTransformations,
    protobuf: hasProtobuf(def),
    families: def.type !== undefined,
    streams: name === "" && (verb === "list" || verb === "watch"),
    goType: hasProtobuf(def)
      ? `*${group}.${isList ? def.listKind : def.kind}`
      : `*unstructured.Unstructured${isList ? "List" : ""}`,
  };
}

function readInfo(request: HandlerRequest): RequestInfo {
  try {
    return parseRequestInfo(request.method, request.path);
  } catch (cause) {
    if (cause instanceof URIError) throw new PageError(400, "400 Bad Request");
    throw cause;
  }
}

/** A group nobody serves is a plain page in Kubernetes; anything below a group is a Status. */
function missing(groupServed: boolean): Error {
  return groupServed ? noResource() : new PageError(404, "404 page not found\n");
}
