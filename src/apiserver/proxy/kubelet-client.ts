import { Agent, request, type RequestOptions } from "node:https";
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { StatusError } from "../../machinery/index.ts";
import { isCertificateProblem } from "../network/go-errors.ts";
import { onUnaskedUpgrade } from "../network/unasked-upgrade.ts";
import type { KubeletLocation } from "./kubelet-location.ts";

/** How the API server shows itself to kubelets; all PEM. */
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

  /** TLS and address; for an upgrade on a connection of its own. */
  options(location: KubeletLocation, ownConnection: boolean): RequestOptions {
    return {
      host: location.host,
      port: location.port,
      ...this.#credentials,
      // A kubelet's certificate names its node, whatever address it is reached under.
      ...(isIP(location.host) ? { servername: location.node } : {}),
      agent: ownConnection ? false : this.#agent,
      ...(ownConnection ? { ALPNProtocols: ["http/1.1"] } : {}),
    };
  }

  /** Settles with the head of the answer. `trust`: whether the kubelet must show who it is. Rejects with ServiceUnavailable-like errors when nothing answers. */
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

/** Whether a kubelet was not asked because it could not show who it is. */
export function isTrustProblem(error: unknown): boolean {
  const { cause } = (error ?? {}) as { cause?: NodeJS.ErrnoException };
  return isCertificateProblem(cause?.code ?? "");
}

/** The error a client sees when a kubelet cannot be asked. */
export function unreachable(location: KubeletLocation, path: string, cause: Error): StatusError {
  return new StatusError(
    "InternalError",
    `Get "https://${location.host}:${location.port}${path.split("?")[0]}": ${cause.message}`,
    { cause },
  );
}

/** Reads an answer that is not what was hoped for, cut at 64 KiB, and says it as an error with the same code. */
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
  // A redirect would let a kubelet send our credentials elsewhere (CVE-2020-8559): it is an error like any other.
  if (code < 400)
    return new StatusError("InternalError", `unexpected answer ${code} of the kubelet to ${what}`);
  const reason = ({ 400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound" } as const)[
    code as 400
  ];
  // The kubelet not trusting us is no fault of the client's credentials.
  if (code === 401 || code === 403)
    return new StatusError("InternalError", `the kubelet refused: ${text || code}`);
  return new StatusError(reason ?? "InternalError", text || `the kubelet answered ${code} to ${what}`, {
    code: reason ? code : 500,
  });
}
