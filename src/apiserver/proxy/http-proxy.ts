import { type IncomingMessage, request as httpRequest } from "node:http";
import { type RequestOptions, request as httpsRequest } from "node:https";
import { StatusError } from "../../machinery/index.ts";
import type { TransportResponse } from "../../client/index.ts";
import type { HandlerRequest, RequestInfo, SpecialHandler } from "../contract.ts";
import { lengthHeaders, sendBody } from "../network/outgoing-body.ts";
import { prefixLinks } from "./html-links.ts";
import type { KubeletClient } from "./kubelet-client.ts";
import { locateKubelet } from "./kubelet-location.ts";
import { proxyTarget, splitName } from "./proxy-target.ts";

/** Headers of one connection, not of the message (RFC 9110, 7.6.1), and our caller's credentials. */
const dropped = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "host",
  "authorization",
  "content-length",
  "http2-settings",
  // Pages are looked into; our own answer is compressed by whoever sends it.
  "accept-encoding",
]);

/** The path below `/proxy`, with the query. */
export function restOf(info: RequestInfo): string {
  const query = info.query.toString();
  return `/${info.rest}${query === "" ? "" : `?${query}`}`;
}

/** Everything of the path up to and including `/proxy`. */
function prefixOf(info: RequestInfo): string {
  if (info.rest === "") return info.path.replace(/\/$/, "");
  return info.path.split("/").slice(0, -info.rest.split("/").length).join("/");
}

function forward(
  request: HandlerRequest,
  info: RequestInfo,
  options: RequestOptions & { secure: boolean },
): Promise<TransportResponse> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers ?? {}))
    if (!dropped.has(name) && !name.startsWith(":") && !name.startsWith("impersonate-"))
      headers[name] = value;
  headers["x-forwarded-uri"] = info.path;
  headers["x-forwarded-host"] = request.headers?.["host"] ?? "";
  const body = request.input?.stream() ?? request.body;
  Object.assign(headers, lengthHeaders(body));
  return new Promise((resolve, reject) => {
    const { secure, ...rest } = options;
    const call = (secure ? httpsRequest : httpRequest)({
      ...rest,
      method: request.method,
      path: restOf(info),
      headers,
      ...(request.signal ? { signal: request.signal } : {}),
    });
    call.once("response", (answer) => resolve(responseOf(answer, info)));
    call.on("error", (cause) =>
      reject(
        new StatusError("ServiceUnavailable", `error trying to reach service: ${cause.message}`, { cause }),
      ),
    );
    sendBody(call, body);
  });
}

function responseOf(answer: IncomingMessage, info: RequestInfo): TransportResponse {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(answer.headers))
    if (value !== undefined && !dropped.has(name))
      headers[name] = Array.isArray(value) ? value.join(", ") : value;
  // A redirect within the backend stays below the proxy's path; one elsewhere is not ours to follow.
  const location = headers["location"];
  if (location?.startsWith("/")) headers["location"] = `${prefixOf(info)}${location}`;
  const html = headers["content-type"]?.startsWith("text/html") && headers["content-encoding"] === undefined;
  if (html) return { status: answer.statusCode ?? 502, headers, body: linked(answer, prefixOf(info)) };
  return { status: answer.statusCode ?? 502, headers, body: answer };
}

/** Pages are short; what is longer passes unchanged. */
const maxPage = 4 * 1024 * 1024;

async function* linked(answer: IncomingMessage, prefix: string): AsyncGenerator<Uint8Array> {
  let page: Buffer[] | undefined = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (!page) yield chunk;
    else if (size <= maxPage) page.push(chunk);
    else {
      yield* page;
      yield chunk;
      page = undefined;
    }
  }
  if (page) yield Buffer.from(prefixLinks(Buffer.concat(page).toString("utf8"), prefix));
}

const verbs = ["create", "delete", "get", "patch", "update"];

/** `pods/proxy` and `services/proxy`. */
export function backendProxyHandler(kind: "Pod" | "Service", random: () => number): SpecialHandler {
  return {
    group: "",
    version: "v1",
    kind: `${kind}ProxyOptions`,
    namespaced: true,
    verbs,
    anyMethod: true,
    async handle({ info, objects, request }) {
      const target = proxyTarget(objects, info, random);
      // Links relative to the page work only below a slash.
      if (
        info.rest === "" &&
        !info.path.endsWith("/") &&
        (request.method === "GET" || request.method === "HEAD")
      ) {
        const query = info.query.toString();
        return {
          status: 301,
          headers: { location: `${info.path}/${query === "" ? "" : `?${query}`}` },
          body: (async function* () {})(),
        };
      }
      // A pod's certificate is its own affair, as in Kubernetes.
      return forward(request, info, { ...target, rejectUnauthorized: false, agent: false });
    },
  };
}

/** `nodes/proxy`: the kubelet's own API. */
export function nodeProxyHandler(kubelet: KubeletClient): SpecialHandler {
  return {
    group: "",
    version: "v1",
    kind: "NodeProxyOptions",
    namespaced: false,
    verbs,
    anyMethod: true,
    async handle({ info, objects, request }) {
      const { name, port } = splitName(info.name);
      const location = locateKubelet(objects, name);
      if (port !== "" && Number(port) !== location.port)
        throw new StatusError("BadRequest", `port ${port} of node ${name} is not its kubelet's`);
      return forward(request, info, { secure: true, ...kubelet.options(location, false) });
    },
  };
}
