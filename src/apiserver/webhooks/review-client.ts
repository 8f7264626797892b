/** Posts reviews to webhooks. */
import type { IncomingMessage } from "node:http";
import { type Agent, request } from "node:https";
import { isIP } from "node:net";
import { TLSSocket } from "node:tls";
import { gunzipSync } from "node:zlib";
import type { ObjectReader } from "../auth-contract.ts";
import { goErrorText, type SeenCertificate } from "../network/go-errors.ts";
import type { Deadline } from "../deadline.ts";
import type { RestClientMetrics } from "../metrics/rest-client.ts";
import type { Annotate } from "../metrics/x509.ts";
import { type Target, targetOf, type WebhookAddress } from "./address.ts";
import { Agents } from "./agents.ts";
import type { CredentialsFor, WebhookCredentials } from "./credentials.ts";
import { type HttpAnswer, readAnswer, WebhookCallError } from "./answers.ts";

/** Larger answers are refused ... */
const maxAnswerBytes = 32 * 1024 * 1024;
/** ... and so are answers much larger than the request. */
const maxFreeBytes = 8 * 1024 * 1024;
const maxGrowth = 4;
/** Limit of retries after Retry-After. */
const maxRetries = 10;

export class ReviewClient {
  readonly #objects: ObjectReader;
  readonly #random: () => number;
  readonly #watch: PostWatch | undefined;
  readonly #credentials: CredentialsFor | undefined;
  readonly #agents = new Agents();

  /** `credentials`: by webhook; may be undefined for some. */
  constructor(objects: ObjectReader, random: () => number, watch?: PostWatch, credentials?: CredentialsFor) {
    this.#credentials = credentials;
    this.#objects = objects;
    this.#random = random;
    this.#watch = watch;
  }

  close(): void {
    this.#agents.close();
  }

  /** Drops connections of other CA bundles. */
  keepOnly(bundles: ReadonlySet<string>): void {
    this.#agents.keepOnly(bundles);
  }

  async #counted(call: Posting): Promise<HttpAnswer> {
    const watch = this.#watch;
    if (!watch) return send(call);
    const began = watch.now();
    let answer: HttpAnswer | undefined;
    try {
      answer = await send(call);
      return answer;
    } catch (error) {
      watch.meters.x509.refused((error as Error).message, hostOf(call.target.authority), call.annotate);
      throw error;
    } finally {
      const { authority } = call.target;
      const took = watch.now() - began;
      watch.meters.posted(authority, answer?.status, took, call.body.length, answer?.body.length ?? 0);
    }
  }

  /** The parsed answer, before the deadline and the timeout. Rejects with WebhookCallError. */
  async post(
    address: WebhookAddress,
    body: object,
    timeoutSeconds: number,
    { deadline, headers, annotate }: PostOptions = {},
  ): Promise<unknown> {
    const timeoutMs = Math.min(timeoutSeconds * 1000, Math.max(Math.ceil(deadline?.leftMs ?? Infinity), 1));
    const timeout = AbortSignal.timeout(timeoutMs);
    const target = targetOf(address, this.#objects, this.#random);
    const call: Posting = {
      target,
      agent: this.#agents.of(address.caBundle ?? ""),
      path: `${target.path}?timeout=${Math.ceil(timeoutMs / 1000)}s`,
      body: Buffer.from(JSON.stringify(body)),
      headers,
      credentials: this.#credentials && credentialsFor(this.#credentials, target),
      annotate,
      signal: deadline ? AbortSignal.any([timeout, deadline.signal]) : timeout,
    };
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#counted(call);
      const { status, retryAfter } = answer;
      const patience = status === 429 || status >= 500 ? retryAfter : undefined;
      if (patience === undefined || attempt > maxRetries) return readAnswer(answer);
      await pause(Math.min(patience * 1000, timeoutMs), call.signal);
    }
  }
}

/** Metrics of posts. */
export interface PostWatch {
  /** Monotonic clock, in milliseconds. */
  now(): number;
  meters: RestClientMetrics;
}

export interface PostOptions {
  deadline?: Pick<Deadline, "leftMs" | "signal"> | undefined;
  /** Trace context. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** Adds audit annotations to the request. */
  annotate?: Annotate | undefined;
}

interface Posting {
  target: Target;
  agent: Agent;
  /** With the query. */
  path: string;
  body: Buffer;
  headers: Readonly<Record<string, string>> | undefined;
  credentials: WebhookCredentials | undefined;
  annotate: Annotate | undefined;
  signal: AbortSignal;
}

/** Rejects like a failed call when the files cannot be read. */
function credentialsFor(credentials: CredentialsFor, { authority }: Target): WebhookCredentials | undefined {
  const target = /:\d+$/.test(authority) ? authority : `${authority}:443`;
  try {
    return credentials(target);
  } catch (cause) {
    throw new WebhookCallError((cause as Error).message, { cause });
  }
}

/** Without the port. */
const hostOf = (authority: string): string => authority.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");

/** The server closed an idle connection before it answered. */
class StaleError extends Error {}

async function send(call: Posting): Promise<HttpAnswer> {
  for (;;) {
    try {
      return await once(call);
    } catch (error) {
      // Another idle connection may be closed, too; a new one is not.
      if (!(error instanceof StaleError)) throw error;
    }
  }
}

function once({ target, agent, path, body, headers, credentials, signal }: Posting): Promise<HttpAnswer> {
  const { authority, serverName } = target;
  const failed = (why: string, cause: unknown): WebhookCallError =>
    new WebhookCallError(`Post ${JSON.stringify(`https://${authority}${path}`)}: ${why}`, { cause });
  return new Promise((resolve, reject) => {
    let endpoint: { host: string; port: number };
    try {
      endpoint = target.endpoint();
    } catch (cause) {
      reject(failed((cause as Error).message, cause));
      return;
    }
    const { host, port } = endpoint;
    let seen: SeenCertificate | undefined;
    let answered = false;
    const call = request(
      {
        method: "POST",
        host,
        port,
        path,
        servername: isIP(serverName) === 0 ? serverName : "",
        agent,
        ...(credentials?.cert && credentials.key ? { cert: credentials.cert, key: credentials.key } : {}),
        headers: {
          ...headers,
          ...credentials?.headers,
          host: authority,
          "user-agent": "kube-apiserver-admission",
          "content-length": body.length,
          accept: "application/json, */*",
          "content-type": "application/json",
          "accept-encoding": "gzip",
        },
        signal,
      },
      (response) => {
        answered = true;
        const most = Math.min(maxFreeBytes + maxGrowth * body.length, maxAnswerBytes);
        read(response, signal, most).then(resolve, reject);
      },
    );
    // No upgrade was requested: client-go treats it like other answers; proxies use `onUnaskedUpgrade`.
    call.once("upgrade", ({ statusCode = 0, headers }, socket) => {
      socket.destroy();
      const contentType = headers["content-type"];
      resolve({ status: statusCode, contentType, retryAfter: undefined, body: Buffer.alloc(0) });
    });
    call.once("socket", (socket) => {
      // The certificate is no longer available once it is refused.
      if (socket instanceof TLSSocket && !call.reusedSocket)
        socket.prependOnceListener("secure", () => {
          seen = socket.getPeerCertificate();
        });
    });
    call.on("error", (cause: NodeJS.ErrnoException) => {
      // Later errors are reported to the reader of the body.
      if (answered) return;
      if (call.reusedSocket && (cause.code === "ECONNRESET" || cause.code === "EPIPE"))
        reject(new StaleError("stale connection", { cause }));
      else {
        const address = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
        reject(failed(goErrorText(cause, address, serverName, seen), cause));
      }
    });
    call.end(body);
  });
}

async function read(response: IncomingMessage, signal: AbortSignal, most: number): Promise<HttpAnswer> {
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const part of response as AsyncIterable<Buffer>) {
      size += part.length;
      if (size > most) throw new Error("http: request body too large");
      parts.push(part);
    }
    // A body that ends with the connection looks complete when it is aborted.
    signal.throwIfAborted();
    const { headers, statusCode = 0 } = response;
    const seconds = headers["retry-after"];
    return {
      status: statusCode,
      contentType: headers["content-type"],
      retryAfter: seconds !== undefined && /^\d+$/.test(seconds) ? Number(seconds) : undefined,
      body: unpacked(Buffer.concat(parts), headers["content-encoding"], most),
    };
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = signal.aborted ? deadline : code === "ECONNRESET" ? "unexpected EOF" : message;
    throw new WebhookCallError(
      `unexpected error when reading response body. Please retry. Original error: ${why}`,
      { cause },
    );
  }
}

const unpacked = (body: Buffer, encoding: string | undefined, most: number): Buffer =>
  encoding === "gzip" ? gunzipSync(body, { maxOutputLength: most }) : body;

const deadline = "context deadline exceeded";

/** Rejects when the signal aborts first. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const expired = (cause?: unknown): void => {
      clearTimeout(timer);
      reject(new WebhookCallError(deadline, { cause }));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", expired);
      resolve();
    }, ms);
    if (signal.aborted) expired();
    else signal.addEventListener("abort", expired, { once: true });
  });
}
