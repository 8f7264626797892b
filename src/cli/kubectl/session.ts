import { StatusError, type Status } from "../../machinery/index.ts";
import type { ApiTransport, TransportRequest, TransportResponse } from "../../client/index.ts";

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Call {
  query?: Query | undefined;
  body?: unknown;
  contentType?: string;
  accept?: string;
  signal?: AbortSignal | undefined;
}

/** The output, connection and namespace of a kubectl command. */
export interface Output {
  out(text: string): void;
  err(text: string): void;
}

/** A command's connection: JSON requests and responses, errors as StatusError. */
export class Session {
  readonly transport: ApiTransport;
  readonly namespace: string;
  readonly io: Output;
  private readonly timeoutMs: number | undefined;
  constructor(transport: ApiTransport, namespace: string, io: Output, timeoutMs?: number) {
    this.timeoutMs = timeoutMs;
    this.transport = transport;
    this.namespace = namespace;
    this.io = io;
  }

  /** The response stream; throws for an error response. */
  async open(method: TransportRequest["method"], path: string, call: Call = {}): Promise<TransportResponse> {
    const headers: Record<string, string> = {
      accept: call.accept ?? "application/json",
      "user-agent": "kubectl/v1.36 (wherry)",
    };
    const request: TransportRequest = { method, path: path + queryText(call.query), headers };
    if (call.body !== undefined) {
      headers["content-type"] = call.contentType ?? "application/json";
      request.body = Buffer.from(typeof call.body === "string" ? call.body : JSON.stringify(call.body));
    }
    const timer = this.timeoutMs === undefined ? [] : [AbortSignal.timeout(this.timeoutMs)];
    const signals = [...(call.signal ? [call.signal] : []), ...timer];
    if (signals.length > 0) request.signal = AbortSignal.any(signals);
    const response = await this.transport.request(request);
    const warnings = response.headers["warning"];
    if (warnings) for (const text of warningTexts(warnings)) this.io.err(`Warning: ${text}\n`);
    if (response.status < 400) return response;
    throw asError(response.status, await collect(response.body));
  }

  async call<T>(method: TransportRequest["method"], path: string, call: Call = {}): Promise<T> {
    const response = await this.open(method, path, call);
    const text = await collect(response.body);
    return (text === "" ? {} : JSON.parse(text)) as T;
  }

  get<T>(path: string, query?: Query, accept?: string): Promise<T> {
    return this.call<T>("GET", path, { query, ...(accept ? { accept } : {}) });
  }
}

function queryText(query: Query | undefined): string {
  const pairs = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== "");
  if (pairs.length === 0) return "";
  return `?${pairs.map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(String(value))}`).join("&")}`;
}

export async function collect(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

/** RFC 7234 warning headers: `299 - "text"`, several joined with commas, UTF-8 byte by byte. */
function warningTexts(header: string): string[] {
  const text = Buffer.from(header, "latin1").toString("utf8");
  return [...text.matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map((match) =>
    (match[1] ?? "").replace(/\\(.)/g, "$1"),
  );
}

function asError(code: number, text: string): StatusError {
  try {
    const status = JSON.parse(text) as Status;
    if (status.kind === "Status") return StatusError.fromStatus(status);
  } catch {
    // Not JSON: the responder is no API server.
  }
  return new StatusError(code === 401 ? "Unauthorized" : "", text.trim() || `the server answered ${code}`, {
    code,
  });
}

/** Objects of a watch or parts of a log, line by line. */
export async function* lines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
  if (rest !== "") yield rest;
}
