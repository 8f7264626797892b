/** Calls of the API server to webhooks: a review is posted, a review comes back. */
import { Agent, request } from "node:https";
import type { ObjectReader } from "../auth-contract.ts";
import { resolveServiceEndpoint } from "../network/service-endpoint.ts";

/** Where a webhook is: at an URL, or behind a Service of the cluster. */
export interface WebhookAddress {
  url?: string;
  service?: { namespace: string; name: string; path?: string; port?: number };
  /** Base64 of PEM certificates that sign the webhook's; the machine's own authorities when absent. */
  caBundle?: string;
}

/** More is no review. */
const maxAnswerBytes = 3 * 1024 * 1024;

interface Target {
  /** As it is shown in errors. */
  url: URL;
  host: string;
  port: number;
  serverName: string;
}

/** Something was wrong on the way or with the answer; the text is Go's. */
export class WebhookCallError extends Error {}

export class ReviewClient {
  readonly #objects: ObjectReader;
  readonly #random: () => number;
  /** Connections stay open between calls; one agent per authority, since trust is the agent's. */
  readonly #agents = new Map<string, Agent>();

  constructor(objects: ObjectReader, random: () => number) {
    this.#objects = objects;
    this.#random = random;
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  /** The parsed answer. Rejects with WebhookCallError. */
  async post(address: WebhookAddress, body: object, timeoutSeconds: number): Promise<unknown> {
    const target = this.#target(address, timeoutSeconds);
    const text = await this.#send(target, address.caBundle ?? "", JSON.stringify(body), timeoutSeconds);
    try {
      return JSON.parse(text) as unknown;
    } catch (cause) {
      const message = `couldn't get version/kind; json parse error: ${(cause as Error).message}`;
      throw new WebhookCallError(message, { cause });
    }
  }

  #target(address: WebhookAddress, timeoutSeconds: number): Target {
    const { service } = address;
    if (!service) {
      const url = new URL(address.url ?? "");
      url.searchParams.set("timeout", `${timeoutSeconds}s`);
      return {
        url,
        host: url.hostname.replace(/^\[|\]$/g, ""),
        port: Number(url.port || 443),
        serverName: url.hostname,
      };
    }
    const port = service.port ?? 443;
    const name = `${service.name}.${service.namespace}.svc`;
    const path = service.path?.startsWith("/") ? service.path : `/${service.path ?? ""}`;
    const url = new URL(`https://${name}${path}`);
    url.port = String(port);
    url.searchParams.set("timeout", `${timeoutSeconds}s`);
    const { namespace } = service;
    try {
      const endpoint = resolveServiceEndpoint(this.#objects, namespace, service.name, port, this.#random);
      return { url, ...endpoint, serverName: name };
    } catch (cause) {
      // The original looks the Service up when it dials, so its error is one of the post.
      const shown = JSON.stringify(shownUrl(url, port));
      throw new WebhookCallError(`Post ${shown}: ${(cause as Error).message}`, { cause });
    }
  }

  #agent(caBundle: string): Agent {
    let agent = this.#agents.get(caBundle);
    if (!agent) {
      const ca = caBundle === "" ? undefined : Buffer.from(caBundle, "base64").toString();
      agent = new Agent({ keepAlive: true, ...(ca === undefined ? {} : { ca }) });
      this.#agents.set(caBundle, agent);
    }
    return agent;
  }

  #send(target: Target, caBundle: string, body: string, timeoutSeconds: number): Promise<string> {
    const { url, host, port, serverName } = target;
    const shown = `Post ${JSON.stringify(shownUrl(url, port))}: `;
    return new Promise((resolve, reject) => {
      const fail = (why: string, cause?: unknown): void =>
        reject(new WebhookCallError(`${shown}${why}`, { cause }));
      const call = request(
        {
          method: "POST",
          host,
          port,
          path: url.pathname + url.search,
          servername: /^[\d.]+$|:/.test(serverName) ? "" : serverName,
          agent: this.#agent(caBundle),
          headers: {
            host: url.host,
            "content-type": "application/json",
            accept: "application/json, */*",
            "user-agent": "kube-apiserver-admission",
            "content-length": Buffer.byteLength(body),
          },
          signal: AbortSignal.timeout(timeoutSeconds * 1000),
        },
        (response) => {
          const parts: Buffer[] = [];
          let size = 0;
          response.on("data", (part: Buffer) => {
            size += part.length;
            if (size > maxAnswerBytes) {
              response.destroy();
              fail(`the answer is larger than ${maxAnswerBytes} bytes`);
            } else parts.push(part);
          });
          response.on("end", () => {
            const status = response.statusCode ?? 0;
            if (status >= 200 && status < 300) resolve(Buffer.concat(parts).toString());
            else reject(new WebhookCallError(refusal(status)));
          });
          response.on("error", (cause) => fail(reasonOf(cause, host, port), cause));
        },
      );
      call.on("error", (cause) => fail(reasonOf(cause, host, port), cause));
      call.end(body);
    });
  }
}

/** Go shows the port of a Service even when it is the usual one. */
function shownUrl(url: URL, port: number): string {
  return url.port === "" && url.hostname.endsWith(".svc")
    ? url.href.replace(url.host, `${url.hostname}:${port}`)
    : url.href;
}

const refusal = (status: number): string =>
  status === 404
    ? "the server could not find the requested resource"
    : status >= 300 && status < 400
      ? `the server answered with status code ${status} and redirects are not followed`
      : `an error on the server ("") has prevented the request from succeeding`;

function reasonOf(error: Error, host: string, port: number): string {
  const { code = "" } = error as NodeJS.ErrnoException;
  if (error.name === "TimeoutError" || error.name === "AbortError") return "context deadline exceeded";
  const address = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  switch (code) {
    case "ECONNREFUSED":
      return `dial tcp ${address}: connect: connection refused`;
    case "EHOSTUNREACH":
      return `dial tcp ${address}: connect: no route to host`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `dial tcp: lookup ${host}: no such host`;
    case "ECONNRESET":
      return "EOF";
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "CERT_SIGNATURE_FAILURE":
      return "tls: failed to verify certificate: x509: certificate signed by unknown authority";
    case "CERT_HAS_EXPIRED":
      return "tls: failed to verify certificate: x509: certificate has expired or is not yet valid";
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return `tls: failed to verify certificate: x509: certificate is not valid for ${host}`;
    default:
      return error.message;
  }
}
