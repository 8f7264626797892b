/** Proxies requests for groups of extension servers, with the user's name instead of credentials. */
import type { IncomingMessage } from "node:http";
import { StatusError, type Status } from "../../machinery/index.ts";
import type { UserInfo } from "../auth-contract.ts";
import type { HandlerRequest, RequestInfo } from "../contract.ts";
import type { Endpoint } from "../network/service-endpoint.ts";
import { tunnel, type UpgradingClient } from "../proxy/tunnel.ts";
import { type Answer, textAnswer } from "../response.ts";
import { traceHeaders } from "../tracing/trace-context.ts";
import type { Extension } from "./extension.ts";
import { type ExtensionClient, readAll, UnreachableError } from "./extension-client.ts";
import { canTell, connectionNames, forwardedHeaders, isOfConnection } from "../network/forwarded-headers.ts";
import { goErrorText } from "../network/go-errors.ts";
import { escapePath } from "../proxy/backend-path.ts";
import { identityHeaders } from "./identity-headers.ts";

/** All clients request these: a slow server must not block them. */
const discoveryTimeoutMs = 5000;

const unavailable = (): Answer => textAnswer(503, "service unavailable\n");
const unreachable = (text: string): Answer => textAnswer(503, `error trying to reach service: ${text}\n`);

function endpointOf(client: ExtensionClient, extension: Extension): Endpoint | undefined {
  if (!extension.available) return undefined;
  try {
    return client.endpoint(extension);
  } catch {
    return undefined;
  }
}

export async function forward(
  client: ExtensionClient,
  extension: Extension,
  request: HandlerRequest,
  info: RequestInfo,
  user: UserInfo,
): Promise<Answer> {
  const endpoint = endpointOf(client, extension);
  if (!endpoint) return unavailable();
  const isDiscovery = !info.isResource && info.path.split("/").filter((part) => part !== "").length === 3;
  let answer: IncomingMessage;
  const span = request.span?.child({
    name: `HTTP ${request.method}`,
    kind: "client",
    attributes: { "http.request.method": request.method, apiservice: extension.service.name },
  });
  try {
    answer = await client.send(extension, endpoint, {
      method: request.method,
      path: request.path,
      headers: { ...requestHeaders(request, info), ...(span ? traceHeaders(span.context) : {}) },
      body: request.input?.stream() ?? request.body,
      user,
      annotate: request.audit && ((key, value) => request.audit?.annotate(key, value)),
      signal: endOf(request),
      ...(isDiscovery ? { timeoutMs: discoveryTimeoutMs } : {}),
    });
    span?.end({ "http.response.status_code": answer.statusCode });
  } catch (error) {
    span?.end({}, (error as Error).message);
    if (error instanceof UnreachableError) return unreachable(error.message);
    throw error;
  }
  return answerOf(answer, request.method);
}

/** Aborts when the client disconnects or the deadline passes. */
function endOf({ signal, deadline }: HandlerRequest): AbortSignal | undefined {
  if (!deadline) return signal;
  return signal ? AbortSignal.any([signal, deadline.signal]) : deadline.signal;
}

function requestHeaders(request: HandlerRequest, info: RequestInfo): Record<string, string> {
  const given = request.headers ?? {};
  return {
    ...forwardedHeaders(given, request.peer),
    "x-forwarded-uri": escapePath(info.path),
    "x-forwarded-host": given.host ?? "",
    "x-forwarded-proto": "https",
  };
}

function answerOf(answer: IncomingMessage, method: string): Answer {
  const status = answer.statusCode ?? 502;
  // A redirect could send clients to any server with the API server's authority.
  if (status >= 300 && status <= 399 && answer.headers.location !== undefined) {
    // The body may be endless.
    answer.destroy();
    const text = "the backend attempted to redirect this request, which is not permitted";
    return { status: 502, headers: {}, body: Buffer.from(text) };
  }
  if (!canTell(status)) {
    answer.destroy();
    return textAnswer(502, `the backend answered with the status ${status}\n`);
  }
  const headers: Record<string, string> = {};
  const named = connectionNames(answer.headers.connection);
  for (const [name, value] of Object.entries(answer.headers)) {
    if (value === undefined || (isOfConnection(name, named) && name !== "content-length")) continue;
    headers[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  if (method === "HEAD" || status === 204 || status === 304) {
    answer.resume();
    return { status, headers, body: nothing() };
  }
  return { status, headers, body: answer, asIs: true };
}

// biome-ignore lint: an empty body is a body
async function* nothing(): AsyncGenerator<Uint8Array> {}

/** Joins an upgraded connection (WebSocket, SPDY) with one to the extension server. */
export function forwardUpgrade(
  client: ExtensionClient,
  extension: Extension,
  from: UpgradingClient,
  user: UserInfo,
): void {
  const endpoint = endpointOf(client, extension);
  if (!endpoint) throw new StatusError("ServiceUnavailable", "service unavailable");
  const options = client.options(extension, endpoint, true);
  tunnel(
    from,
    { secure: true, options, path: from.request.url ?? "/", headers: identityHeaders(user) },
    refusal,
    (cause) =>
      new StatusError(
        "ServiceUnavailable",
        goErrorText(cause, `${endpoint.host}:${endpoint.port}`, options.servername ?? ""),
      ),
  );
}

/** The extension server's reason for not upgrading. */
async function refusal(answer: IncomingMessage): Promise<StatusError> {
  const code = answer.statusCode ?? 502;
  if (code < 400)
    return new StatusError("ServiceUnavailable", `invalid upgrade response: status code ${code}`);
  const text = (await readAll(answer, 64 * 1024)).toString("utf8").trim();
  try {
    const status = JSON.parse(text) as Status;
    if (status.kind === "Status") return StatusError.fromStatus(status);
  } catch {
    // Plain text.
  }
  return new StatusError("", text || `the server answered ${code}`, { code });
}
