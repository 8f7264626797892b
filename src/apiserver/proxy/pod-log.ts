import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import type { FieldError } from "../../api/index.ts";
import {
  forbidden,
  GoTimeError,
  goQuote,
  invalid,
  parseGoTime,
  StatusError,
  wholeObject,
} from "../../machinery/index.ts";
import { invalid as invalidObject } from "../errors.ts";
import type { ObjectReader } from "../auth-contract.ts";
import type { RequestInfo, SpecialHandler } from "../contract.ts";
import type { PodLogMetrics } from "../metrics/pod-logs.ts";
import { isTrue } from "../request-info.ts";
import { failureOf, isTrustProblem, type KubeletClient } from "./kubelet-client.ts";
import { containerOf, kubeletOfPod, podOf } from "./kubelet-location.ts";
import type { UpgradingClient } from "./tunnel.ts";

const passedOn = ["follow", "previous", "sinceSeconds", "sinceTime", "timestamps", "tailLines", "limitBytes"];

/** The source of logs, and its metrics. */
export interface PodLogs {
  kubelet: KubeletClient;
  meters: PodLogMetrics;
}

/** Throws BadRequest for an invalid number. */
function numberOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  throw new StatusError("BadRequest", `strconv.ParseInt: parsing ${goQuote(text)}: invalid syntax`);
}

/** Throws BadRequest for an invalid time. */
function checkTime(query: URLSearchParams): void {
  try {
    const text = query.get("sinceTime");
    if (text) parseGoTime(text, 0);
  } catch (cause) {
    if (cause instanceof GoTimeError) throw new StatusError("BadRequest", cause.message, { cause });
    throw cause;
  }
}

/** Throws the mistakes of the options, before the pod is looked up. */
function validate(query: URLSearchParams, name: string): void {
  const sinceSeconds = numberOf(query, "sinceSeconds");
  checkTime(query);
  const [tailLines, limitBytes] = [numberOf(query, "tailLines"), numberOf(query, "limitBytes")];
  const errors: FieldError[] = [];
  if (tailLines !== undefined && tailLines < 0)
    errors.push(invalid("tailLines", tailLines, "must be greater than or equal to 0"));
  if (limitBytes !== undefined && limitBytes < 1)
    errors.push(invalid("limitBytes", limitBytes, "must be greater than 0"));
  if (sinceSeconds !== undefined && query.get("sinceTime"))
    errors.push(forbidden(wholeObject, "at most one of `sinceTime` or `sinceSeconds` may be specified"));
  else if (sinceSeconds !== undefined && sinceSeconds < 1)
    errors.push(invalid("sinceSeconds", sinceSeconds, "must be greater than 0"));
  // Choosing a stream is not enabled (PodLogsQuerySplitStreams, KEP-3288).
  if (query.has("stream")) errors.push(forbidden("stream", "may not be specified"));
  if (errors.length > 0) throw invalidObject({ group: "", kind: "PodLogOptions", plural: "" }, name, errors);
}

/** The kubelet's answer; undefined while there is no kubelet. Throws when the pod, the container or the options are invalid. */
async function openLog(
  { kubelet, meters }: PodLogs,
  info: RequestInfo,
  objects: ObjectReader,
  signal: AbortSignal | undefined,
): Promise<IncomingMessage | undefined> {
  const { query } = info;
  const insecure = isTrue(query.get("insecureSkipTLSVerifyBackend"));
  meters.asked(insecure ? "skip_tls_allowed" : "enforce_tls");
  validate(query, info.name);
  const pod = podOf(objects, info.namespace, info.name);
  const container = containerOf(pod, query.get("container") ?? "");
  if (!pod.spec?.nodeName) return undefined;
  const location = kubeletOfPod(objects, pod);
  const wanted = new URLSearchParams();
  for (const name of passedOn) {
    const value = query.get(name);
    if (value !== null) wanted.set(name, value);
  }
  const path = `/containerLogs/${[info.namespace, info.name, container].map(encodeURIComponent).join("/")}?${wanted}`;
  const answer = await kubelet
    .get(location, path, signal, insecure ? "anybody" : "verify")
    .catch((error: unknown) => {
      if (isTrustProblem(error)) meters.distrusted();
      throw error;
    });
  if (answer.statusCode !== 200) throw await failureOf(answer, path);
  return answer;
}

/** `pods/log`: streams the kubelet's answer. */
export function podLogHandler(logs: PodLogs): SpecialHandler {
  return {
    group: "",
    version: "v1",
    kind: "Pod",
    namespaced: true,
    verbs: ["get"],
    async handle({ info, objects, request }) {
      const body = await openLog(logs, info, objects, request.signal);
      const headers: Record<string, string> = { "cache-control": "no-cache, private" };
      if (body) headers["content-type"] = "text/plain";
      return { status: body ? 200 : 204, headers, body: body ?? Readable.from([]) };
    },
  };
}

const webSockets = new WebSocketServer({
  noServer: true,
  perMessageDeflate: false,
  maxPayload: 64 * 1024,
  handleProtocols: (offered) =>
    ["binary.k8s.io", "base64.binary.k8s.io"].find((protocol) => offered.has(protocol)) ?? false,
});

/** The log as WebSocket messages, for browsers. */
export async function logToWebSocket(
  logs: PodLogs,
  client: UpgradingClient,
  info: RequestInfo,
  objects: ObjectReader,
): Promise<void> {
  const gone = new AbortController();
  client.socket.once("close", () => gone.abort());
  const body = (await openLog(logs, info, objects, gone.signal)) ?? [];
  const socket = await new Promise<WebSocket>((resolve) =>
    webSockets.handleUpgrade(client.request, client.socket, client.head, resolve),
  );
  socket.on("error", () => {}); // followed by close
  const base64 = socket.protocol.startsWith("base64.");
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      if (socket.readyState !== socket.OPEN) break;
      await new Promise<void>((resolve) =>
        socket.send(base64 ? chunk.toString("base64") : chunk, { binary: !base64 }, () => resolve()),
      );
    }
  } catch {
    // the client disconnected, or the kubelet's stream failed: either way the log ends
  } finally {
    socket.close(1000);
  }
}
