import { Agent, request, type RequestOptions } from "node:https";
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { StatusError } from "../../machinery/index.ts";
import { isCertificateProblem } from "../network/go-errors.ts";
import { onUnaskedUpgrade } from "../network/unasked-upgrade.ts";
import type { KubeletLocation } from "./kubelet-location.ts";

/** The API server's credentials for kubelets; PEM. */
export interface KubeletCredentials {
  cert: string;
  key: string;
  /** Signs the kubelets' serving certificates. */
  ca: string;
}

const connectMs = 10_000;

/** Requests to kubelets with the API server's client certificate. */
export class KubeletClient {
  readonly #agent: Agent;
  readonly #credentials: KubeletCredentials;

  constructor(credentials: KubeletCredentials) {
    this.#credentials = credentials;
    this.#agent = new Agent({ keepAlive: true, maxFreeSockets: 8, timeout: 0 });
  }

  close(): void {
    this.#agent.destroy();
  }

  /** TLS and address; upgrades need a connection of their own. */
  options(location: KubeletLocation, ownConnection: boolean): RequestOptions {
    return {
      host: location.host,
      port: location.port,
      ...this.#credentials,
      // A kubelet's certificate has its node's name, whatever its address.
      ...(isIP(location.host) ? { servername: location.node } : {}),
      agent: ownConnection ? false : this.#agent,
      ...(ownConnection ? { ALPNProtocols: ["http/1.1"] } : {}),
    };
  }

  /**
   * Resolves with the response headers. `trust`: whether the kubelet's certificate is verified. Rejects with errors like
   * ServiceUnavailable when there is no answer.
   */
  get(
    location: KubeletLocation,
    path: string,
    signal?: AbortSignal,
    trust: "verify" | "anybody" = "verify",
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const call = request(
        {
          ...this.options(location, trust === "anybody"),
          ...(trust === "anybody" ? { rejectUnauthorized: false } : {}),
          path,
          method: "GET",
          ...(signal ? { signal } : {}),
        },
        resolve,
      );
      call.setTimeout(connectMs, () => {
        if (call.socket?.connecting) call.destroy(new Error("connection timed out"));
      });
      const failed = (cause: Error): void => reject(unreachable(location, path, cause));
      call.once("error", failed);
      onUnaskedUpgrade(call, failed);
      call.end();
    });
  }
}

/** Whether the kubelet's certificate could not be verified. */
export function isTrustProblem(error: unknown): boolean {
  const { cause } = (error ?? {}) as { cause?: NodeJS.ErrnoException };
  return isCertificateProblem(cause?.code ?? "");
}

/** The client's error for an unreachable kubelet. */
export function unreachable(location: KubeletLocation, path: string, cause: Error): StatusError {
  return new StatusError(
    "InternalError",
    `Get "https://${location.host}:${location.port}${path.split("?")[0]}": ${cause.message}`,
    { cause },
  );
}

/** Reads an error response, cut at 64 KiB, into an error with the same code. */
export async function failureOf(answer: IncomingMessage, what: string): Promise<StatusError> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size > 64 * 1024) break;
  }
  answer.destroy();
  const text = Buffer.concat(chunks).toString("utf8").trim();
  const code = answer.statusCode ?? 500;
  // A redirect would let a kubelet send our credentials elsewhere (CVE-2020-8559): it is an error.
  if (code < 400)
    return new StatusError("InternalError", `unexpected answer ${code} of the kubelet to ${what}`);
  const reason = ({ 400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound" } as const)[
    code as 400
  ];
  // A kubelet that rejects our credentials does not reject the client's.
  if (code === 401 || code === 403)
    return new StatusError("InternalError", `the kubelet refused: ${text || code}`);
  return new StatusError(reason ?? "InternalError", text || `the kubelet answered ${code} to ${what}`, {
    code: reason ? code : 500,
  });
}
