import type { IncomingMessage } from "node:http";
import { Agent, request as httpsRequest, type RequestOptions } from "node:https";
import { isIP } from "node:net";
import { isObject, surveyJson, trusting } from "../../machinery/index.ts";
import type { ObjectReader, UserInfo } from "../auth-contract.ts";
import { type Endpoint, resolveServiceEndpoint } from "../network/service-endpoint.ts";
import type { Extension } from "./extension.ts";
import type { Annotate, X509Metrics } from "../metrics/x509.ts";
import { checkServerIdentity, goErrorText } from "../network/go-errors.ts";
import { lengthHeaders, type OutgoingBody, sendBody } from "../network/outgoing-body.ts";
import { onUnaskedUpgrade } from "../network/unasked-upgrade.ts";
import { maxDepth } from "../webhooks/answers.ts";
import { identityHeaders } from "./identity-headers.ts";
import type { FrontProxyCertificate } from "./options.ts";

export interface ExtensionRequest {
  method: string;
  /** With the query. */
  path: string;
  user: UserInfo;
  headers?: Readonly<Record<string, string>>;
  body?: OutgoingBody | undefined;
  signal?: AbortSignal | undefined;
  /** Until the response headers; no timeout by default. */
  timeoutMs?: number;
  /** Audit annotations of the request on whose behalf it is. */
  annotate?: Annotate | undefined;
}

/** There was no answer; the message is Go's. */
export class UnreachableError extends Error {}

const repeatable = new Set(["GET", "HEAD", "OPTIONS"]);

/** HTTP client of extension servers, with keep-alive. */
export class ExtensionClient {
  readonly #objects: ObjectReader;
  readonly #certificate: FrontProxyCertificate | undefined;
  readonly #random: () => number;
  readonly #agent = new Agent({ keepAlive: true, maxFreeSockets: 16 });

  readonly #meters: X509Metrics | undefined;

  constructor(
    objects: ObjectReader,
    certificate: FrontProxyCertificate | undefined,
    random: () => number,
    meters?: X509Metrics,
  ) {
    this.#meters = meters;
    this.#objects = objects;
    this.#certificate = certificate;
    this.#random = random;
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Throws StatusErrors when there is none. */
  endpoint({ service }: Extension): Endpoint {
    return resolveServiceEndpoint(this.#objects, service.namespace, service.name, service.port, this.#random);
  }

  /** Address and TLS; upgrades need a connection of their own. */
  options(extension: Extension, { host, port }: Endpoint, ownConnection = false): RequestOptions {
    const { service, ca, insecure } = extension;
    return {
      host,
      port,
      servername: `${service.name}.${service.namespace}.svc`,
      ...trusting(ca),
      rejectUnauthorized: !insecure,
      checkServerIdentity,
      ...this.#certificate,
      agent: ownConnection ? false : this.#agent,
      ...(ownConnection ? { ALPNProtocols: ["http/1.1"] } : {}),
    };
  }

  /** The response headers; read the body, or discard it with `resume`. */
  async send(extension: Extension, endpoint: Endpoint, wanted: ExtensionRequest): Promise<IncomingMessage> {
    const options = this.options(extension, endpoint);
    try {
      return await once(options, wanted);
    } catch (error) {
      // The server may close an idle connection just when it is reused.
      const repeats = repeatable.has(wanted.method) && !wanted.body;
      if (!(error instanceof StaleError) || !repeats) throw this.#worded(error, options, wanted);
    }
    try {
      return await once({ ...options, agent: false }, wanted);
    } catch (error) {
      throw this.#worded(error, options, wanted);
    }
  }

  #worded(error: unknown, options: RequestOptions, { annotate }: ExtensionRequest): Error {
    const worded = wording(error, options);
    this.#meters?.refused(worded.message, options.servername ?? "", annotate);
    return worded;
  }
}

class StaleError extends Error {}

function wording(error: unknown, { host, port, servername }: RequestOptions): Error {
  const shown = isIP(String(host)) === 6 ? `[${host}]` : host;
  const cause = error instanceof StaleError ? error.cause : error;
  return new UnreachableError(goErrorText(cause, `${shown}:${port}`, servername ?? ""), { cause });
}

function once(options: RequestOptions, wanted: ExtensionRequest): Promise<IncomingMessage> {
  const { method, path, user, headers, body, signal, timeoutMs } = wanted;
  return new Promise((resolve, reject) => {
    const call = httpsRequest({
      ...options,
      method,
      path,
      headers: {
        ...headers,
        ...identityHeaders(user),
        ...lengthHeaders(body),
      },
      ...(signal ? { signal } : {}),
    });
    // Real time, whichever clock the server uses.
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(
            () => call.destroy(Object.assign(new Error("timeout"), { name: "TimeoutError" })),
            timeoutMs,
          );
    call.once("response", (answer) => {
      clearTimeout(timer);
      resolve(answer);
    });
    onUnaskedUpgrade(call, (error) => {
      clearTimeout(timer);
      reject(error);
    });
    call.on("error", (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      const stale = call.reusedSocket && error.code === "ECONNRESET";
      reject(stale ? new StaleError("stale connection", { cause: error }) : error);
    });
    sendBody(call, body);
  });
}

/** Reads the body; more than `limit` bytes are an error. */
export async function readAll(answer: IncomingMessage, limit = 32 * 1024 * 1024): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw new UnreachableError("http: request body too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Parses a document, which must be an object of limited depth, since it is merged into the server's own. */
export function readDocument(bytes: Buffer): Record<string, unknown> {
  const text = bytes.toString();
  if (surveyJson(text).depth > maxDepth) throw new UnreachableError("the document is too deep");
  const value: unknown = JSON.parse(text);
  if (!isObject(value)) throw new UnreachableError("the document is no object");
  return value;
}
