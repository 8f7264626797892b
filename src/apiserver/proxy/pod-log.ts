import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { StatusError } from "../../machinery/index.ts";
import type { ObjectReader } from "../auth-contract.ts";
import type { RequestInfo, SpecialHandler } from "../contract.ts";
import { failureOf, type KubeletClient } from "./kubelet-client.ts";
import { containerOf, kubeletOfPod, podOf } from "./kubelet-location.ts";

const passedOn = [
  "follow",
  "previous",
  "sinceSeconds",
  "sinceTime",
  "timestamps",
  "tailLines",
  "limitBytes",
  "stream",
];

function validate(query: URLSearchParams, name: string): void {
  const causes: { reason: string; message: string; field: string }[] = [];
  const check = (field: string, least: number): void => {
    const text = query.get(field);
    if (text === null) return;
    const value = Number(text);
    if (!Number.isInteger(value))
      throw new StatusError("BadRequest", `strconv.ParseInt: parsing "${text}": invalid syntax`);
    if (value < least)
      causes.push({
        reason: "FieldValueInvalid",
        message: `Invalid value: ${value}: must be greater than ${least === 0 ? "or equal to 0" : "0"}`,
        field,
      });
  };
  check("tailLines", 0);
  check("limitBytes", 1);
  check("sinceSeconds", 1);
  if (query.has("sinceSeconds") && query.has("sinceTime"))
    causes.push({
      reason: "FieldValueForbidden",
      message: "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified",
      field: "",
    });
  const [cause] = causes;
  if (!cause) return;
  const path = cause.field === "" ? "" : `${cause.field}: `;
  throw new StatusError("Invalid", `PodLogOptions "${name}" is invalid: ${path}${cause.message}`, {
    details: { name, kind: "PodLogOptions", causes },
  });
}

/** The kubelet's answer. Throws when the pod, the container or the options are not right. */
async function openLog(
  kubelet: KubeletClient,
  info: RequestInfo,
  objects: ObjectReader,
  signal: AbortSignal | undefined,
): Promise<IncomingMessage> {
  const { query } = info;
  const pod = podOf(objects, info.namespace, info.name);
  validate(query, info.name);
  const container = containerOf(pod, query.get("container") ?? "");
  const location = kubeletOfPod(objects, pod);
  const wanted = new URLSearchParams();
  for (const name of passedOn) {
    const value = query.get(name);
    if (value !== null) wanted.set(name, value);
  }
  const path = `/containerLogs/${[info.namespace, info.name, container].map(encodeURIComponent).join("/")}?${wanted}`;
  const answer = await kubelet.get(location, path, signal);
  if (answer.statusCode !== 200) throw await failureOf(answer, path);
  return answer;
}

/** `pods/log`: passed through as it comes. */
export function podLogHandler(kubelet: KubeletClient): SpecialHandler {
  return {
    group: "",
    version: "v1",
    kind: "Pod",
    namespaced: true,
    verbs: ["get"],
    async handle({ info, objects, request }) {
      const body = await openLog(kubelet, info, objects, request.signal);
      return { status: 200, headers: { "content-type": "text/plain" }, body };
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

/** The same log in the messages of a WebSocket, for browsers. */
export async function logToWebSocket(
  kubelet: KubeletClient,
  client: { request: IncomingMessage; socket: Duplex; head: Buffer },
  info: RequestInfo,
  objects: ObjectReader,
): Promise<void> {
  const gone = new AbortController();
  client.socket.once("close", () => gone.abort());
  const body = await openLog(kubelet, info, objects, gone.signal);
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
    // the client left, or the kubelet's side broke: either way there is no more
  } finally {
    socket.close(1000);
  }
}
