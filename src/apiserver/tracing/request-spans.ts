/** Names and attributes of a request's spans, as in kube-apiserver and otelhttp. */
import type { UserInfo } from "../auth-contract.ts";
import type { HandlerRequest, RequestInfo } from "../contract.ts";
import type { Answer } from "../response.ts";
import type { Attributes, Span } from "./span.ts";
import { readTraceContext } from "./trace-context.ts";
import type { Tracer } from "./tracer.ts";

/** Groups whose trace context is trusted. */
const trusted = new Set(["system:masters", "system:monitoring"]);

/** `GET /api/v1/namespaces/{:namespace}/pods/{:name}/log`; only the method for non-resource requests. */
function requestSpanName(method: string, info: RequestInfo): string {
  if (!info.isResource) return method;
  const { apiGroup, apiVersion, namespace, resource, name, subresource } = info;
  const parts = apiGroup === "" ? ["", "api", apiVersion] : ["", "apis", apiGroup, apiVersion];
  if (namespace !== "") parts.push("namespaces", "{:namespace}");
  parts.push(resource);
  if (name !== "") parts.push("{:name}");
  if (subresource !== "") parts.push(subresource);
  return `${method} ${parts.join("/")}`;
}

/** `began`: monotonic clock. */
export function beginRequestSpan(
  tracer: Tracer,
  request: HandlerRequest,
  info: RequestInfo,
  user: UserInfo,
  began: number,
): Span {
  const { method, headers = {}, path, peer, audit } = request;
  const [host = "", port] = (headers.host ?? "").split(/:(?=\d+$)/);
  const attributes: Attributes = {
    "http.request.method": method,
    "url.scheme": "https",
    "url.path": info.path,
    "http.target": path,
    "server.address": host || undefined,
    "server.port": port === undefined ? undefined : Number(port),
    "network.peer.address": peer.address || undefined,
    "client.address": headers["x-forwarded-for"]?.split(",")[0]?.trim() || peer.address || undefined,
    "user_agent.original": headers["user-agent"],
    "http.request.body.size": request.body?.length,
    "audit-id": audit?.auditId ?? headers["audit-id"],
  };
  const start = {
    name: requestSpanName(method, info),
    kind: "server",
    began: tracer.at(began),
    attributes,
  } as const;
  return tracer.begin(
    start,
    readTraceContext(headers),
    user.groups.some((group) => trusted.has(group)),
  );
}

/** The span of a stream lasts until the stream ends. */
export function endRequestSpan(span: Span, answer: Answer): void {
  const { status, body } = answer;
  const failed = status >= 500 ? "" : undefined;
  const end = (): void => {
    const size = body instanceof Uint8Array ? body.length : undefined;
    span.end({ "http.response.status_code": status, "http.response.body.size": size }, failed);
  };
  if (body instanceof Uint8Array) {
    end();
    return;
  }
  const { over } = answer;
  answer.over = () => {
    over?.();
    end();
  };
}

/** Attributes of a verb's span. */
export function verbAttributes(request: HandlerRequest, info: RequestInfo): Attributes {
  const { headers = {}, peer, audit } = request;
  const scope = info.name !== "" ? "resource" : info.namespace !== "" ? "namespace" : "cluster";
  return {
    accept: headers.accept ?? "",
    "audit-id": audit?.auditId ?? "",
    client: peer.address,
    "api-group": info.apiGroup,
    "api-version": info.apiVersion,
    name: info.name,
    subresource: info.subresource,
    namespace: info.namespace,
    resource: info.resource,
    scope,
    url: info.path,
    "user-agent": headers["user-agent"] ?? "",
    verb: info.verb,
  };
}

/** Names of the spans of verbs; others have none. */
export const verbNames: Readonly<Record<string, string>> = {
  get: "Get",
  list: "List",
  create: "Create",
  update: "Update",
  patch: "Patch",
  delete: "Delete",
  deletecollection: "Delete",
};
