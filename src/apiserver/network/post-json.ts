import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { authorizationSource, NoClusterError, resolveKubeconfig } from "../../client/index.ts";
import { formatDuration, trusting } from "../../machinery/index.ts";
import { type PostAnswer, PostStatusError } from "./retries.ts";
import { onUnaskedUpgrade } from "./unasked-upgrade.ts";

const maxBytes = 1024 * 1024;

/** Posts a document or its text and returns the body of the answer; rejects without a successful one in time. */
export type PostJson = (document: object | string, timeoutMs: number) => Promise<Buffer>;

/** Posts to the webhook of a kubeconfig; the server's URL is the whole address. */
export function postByKubeconfig(file: string): PostJson {
  const { ask } = askByKubeconfig(file);
  return async (document, timeoutMs) => (await ask(document, timeoutMs)).body;
}

export interface Asking {
  /** The URL for a timeout. */
  url(timeoutMs: number): string;
  /** Rejects with PostStatusError for a status other than 2xx. */
  ask(document: object | string, timeoutMs: number): Promise<PostAnswer>;
}

/** Likewise, with status and headers. */
export function askByKubeconfig(file: string): Asking {
  const connection = connectionOf(file);
  const { server, ca, cert, key, tlsServerName, insecureSkipTlsVerify } = connection;
  const url = (timeoutMs: number): string => timed(server, timeoutMs);
  const request = server.startsWith("http://") ? requestHttp : requestHttps;
  // As in client-go, credentials are sent over TLS only.
  const authorizationOf = request === requestHttps ? authorizationSource(connection) : () => undefined;
  const ask: Asking["ask"] = (document, timeoutMs) =>
    new Promise((resolve, reject) => {
      const body = typeof document === "string" ? document : JSON.stringify(document);
      const signal = AbortSignal.timeout(timeoutMs);
      const authorization = authorizationOf();
      const call = request(url(timeoutMs), {
        method: "POST",
        headers: {
          "content-type": "application/json",
          accept: "application/json",
          "content-length": Buffer.byteLength(body),
          ...(authorization ? { authorization } : {}),
        },
        signal,
        ...trusting(ca),
        ...(cert && key ? { cert, key } : {}),
        ...(tlsServerName ? { servername: tlsServerName } : {}),
        ...(insecureSkipTlsVerify ? { rejectUnauthorized: false } : {}),
      });
      call.once("error", reject);
      onUnaskedUpgrade(call, reject);
      call.once("response", (response) => {
        const { headers, statusCode: status = 0 } = response;
        const chunks: Buffer[] = [];
        const answer = (): PostAnswer => ({
          status,
          contentType: headers["content-type"],
          retryAfter: seconds(headers["retry-after"]),
          body: Buffer.concat(chunks),
        });
        let size = 0;
        response.on("data", (chunk: Buffer) => {
          size += chunk.length;
          if (size > maxBytes) call.destroy(new Error("the answer is too large"));
          else chunks.push(chunk);
        });
        response.once("error", reject);
        response.once("end", () => {
          // A body that ends with the connection looks complete when it is aborted.
          if (size > maxBytes || signal.aborted) reject(new Error("the answer was not read to its end"));
          else if (status < 200 || status > 299) reject(new PostStatusError(answer()));
          else resolve(answer());
        });
      });
      call.end(body);
    });
  return { url, ask };
}

/** As in client-go: no trailing slash, and the timeout in the query. */
function timed(server: string, timeoutMs: number): string {
  const { origin, pathname } = new URL(server);
  const path = pathname.replace(/\/+$/, "") || "/";
  return `${origin}${path}${timeoutMs > 0 ? `?timeout=${formatDuration(timeoutMs)}` : ""}`;
}

/** Whole seconds only. */
const seconds = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;

/** A webhook's kubeconfig is none of a cluster that could be brought up. */
function connectionOf(file: string): ReturnType<typeof resolveKubeconfig>["connection"] {
  try {
    return resolveKubeconfig({ kubeconfig: file }, {}).connection;
  } catch (cause) {
    if (!(cause instanceof NoClusterError)) throw cause;
    throw new Error(`invalid configuration: ${file} has no current context`, { cause });
  }
}
