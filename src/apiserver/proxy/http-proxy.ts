import { type IncomingMessage, request as httpRequest } from "node:http";
import { type RequestOptions, request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import { StatusError } from "../../machinery/index.ts";
import type { TransportResponse } from "../../client/index.ts";
import type { HandlerRequest, RequestInfo, SpecialHandler } from "../contract.ts";
import { canTell, connectionNames, forwardedHeaders, isOfConnection } from "../network/forwarded-headers.ts";
import { goErrorText } from "../network/go-errors.ts";
import { lengthHeaders, sendBody } from "../network/outgoing-body.ts";
import { onUnaskedUpgrade } from "../network/unasked-upgrade.ts";
import type { ObjectReader } from "../auth-contract.ts";
import { backendPath, escapePath, movedLocation } from "./backend-path.ts";
import { prefixLinks } from "./html-links.ts";
import type { KubeletClient } from "./kubelet-client.ts";
import { type KubeletLocation, locateKubelet } from "./kubelet-location.ts";
import { type Allows, checkHost, portOf, proxyTarget, splitName } from "./proxy-target.ts";

/** The path up to and including `/proxy`. */
function prefixOf(info: RequestInfo): string {
  if (info.rest === "") return info.path.replace(/\/$/, "");
  return info.path.split("/").slice(0, -info.rest.split("/").length).join("/");
}

interface Backend {
  info: RequestInfo;
  /** The dialled address. */
  address: string;
  /** The host in the client's request. */
  asked: string;
}

function forward(
  request: HandlerRequest,
  info: RequestInfo,
  options: RequestOptions & { secure: boolean },
): Promise<TransportResponse> {
  const headers = forwardedHeaders(request.headers ?? {}, request.peer);
  // Pages are rewritten; the answer is compressed later.
  delete headers["accept-encoding"];
  const path = backendPath(info.rest, request.path);
  headers["x-forwarded-uri"] = `${escapePath(prefixOf(info))}${path.split("?", 1)[0]}`;
  const asked = request.headers?.["host"] ?? "";
  if (asked !== "") headers["x-forwarded-host"] = asked;
  const body = request.input?.stream() ?? request.body;
  Object.assign(headers, lengthHeaders(body));
  const shown = isIP(options.host ?? "") === 6 ? `[${options.host}]` : options.host;
  const address = `${shown}:${options.port}`;
  return new Promise((resolve, reject) => {
    const { secure, ...rest } = options;
    const call = (secure ? httpsRequest : httpRequest)({
      ...rest,
      method: request.method,
      path,
      headers,
      ...(request.signal ? { signal: request.signal } : {}),
    });
    call.once("response", (answer) => {
      const { statusCode = 0 } = answer;
      if (canTell(statusCode)) return resolve(responseOf(answer, { info, address, asked }));
      answer.destroy();
      const why = `error trying to reach service: ${address} answered with the status ${statusCode}`;
      return reject(new StatusError("", why, { code: 502 }));
    });
    const failed = (cause: Error): void => {
      const why = goErrorText(cause, address, options.host ?? "");
      reject(new StatusError("ServiceUnavailable", `error trying to reach service: ${why}`, { cause }));
    };
    call.on("error", failed);
    onUnaskedUpgrade(call, failed);
    sendBody(call, body);
  });
}

function responseOf(answer: IncomingMessage, { info, address, asked }: Backend): TransportResponse {
  const headers: Record<string, string> = {};
  const named = connectionNames(answer.headers.connection);
  for (const [name, value] of Object.entries(answer.headers))
    if (value !== undefined && !isOfConnection(name, named))
      headers[name] = Array.isArray(value) ? value.join(", ") : value;
  const { location } = headers;
  if (location !== undefined) headers.location = movedLocation(location, prefixOf(info), address, asked);
  const html =
    location === undefined &&
    headers["content-type"]?.startsWith("text/html") &&
    headers["content-encoding"] === undefined;
  if (html) return { status: answer.statusCode ?? 502, headers, body: linked(answer, prefixOf(info)) };
  return { status: answer.statusCode ?? 502, headers, body: answer };
}

/** Longer pages pass unchanged. */
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

/** Relative links of a page need a trailing slash. */
function redirectToRoot(request: HandlerRequest, info: RequestInfo): TransportResponse | undefined {
  const { method, path } = request;
  if (info.rest !== "" || info.path.endsWith("/") || (method !== "GET" && method !== "HEAD"))
    return undefined;
  const mark = path.indexOf("?");
  const location = `${escapePath(info.path)}/${mark < 0 ? "" : path.slice(mark)}`;
  return { status: 301, headers: { location }, body: (async function* () {})() };
}

/** `pods/proxy` and `services/proxy`. */
export function backendProxyHandler(
  kind: "Pod" | "Service",
  allows: Allows,
  random: () => number,
): SpecialHandler {
  return {
    group: "",
    version: "v1",
    kind: `${kind}ProxyOptions`,
    namespaced: true,
    verbs,
    anyMethod: true,
    async handle({ info, objects, request }) {
      const target = proxyTarget(objects, info, allows, random);
      // Pods' certificates are not verified, as in Kubernetes.
      return (
        redirectToRoot(request, info) ??
        forward(request, info, { ...target, rejectUnauthorized: false, agent: false })
      );
    },
  };
}

/** The target of a request for a node: its kubelet, or another port. Throws StatusError. */
export async function nodeTarget(
  kubelet: KubeletClient,
  objects: ObjectReader,
  info: RequestInfo,
  allows: Allows,
  ownConnection = false,
): Promise<{ secure: boolean; location: KubeletLocation; options: RequestOptions }> {
  const { scheme, name, port } = splitName(info.name, "node");
  const location = locateKubelet(objects, name);
  await checkHost(location.host, allows);
  if (port === "" || Number(port) === location.port)
    return { secure: true, location, options: kubelet.options(location, ownConnection) };
  // The kubelet's credentials are sent to the kubelet only.
  const { host } = location;
  const options = { host, port: portOf(port), rejectUnauthorized: false, agent: false } as const;
  return { secure: scheme === "https", location, options };
}

/** `nodes/proxy` */
export function nodeProxyHandler(kubelet: KubeletClient, allows: Allows): SpecialHandler {
  return {
    group: "",
    version: "v1",
    kind: "NodeProxyOptions",
    namespaced: false,
    verbs,
    anyMethod: true,
    async handle({ info, objects, request }) {
      const { secure, options } = await nodeTarget(kubelet, objects, info, allows);
      return redirectToRoot(request, info) ?? forward(request, info, { secure, ...options });
    },
  };
}
