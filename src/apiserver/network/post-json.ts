import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { resolveKubeconfig } from "../../client/index.ts";
import { trusting } from "../../machinery/index.ts";
import { PostStatusError } from "./retries.ts";
import { onUnaskedUpgrade } from "./unasked-upgrade.ts";

const maxBytes = 1024 * 1024;

/** Sends a document, or the text of one, and gives the body of the answer; rejects without a good one in time. */
export type PostJson = (document: object | string, timeoutMs: number) => Promise<Buffer>;

/** The way to the webhook that a kubeconfig names: its server's URL is the whole address. */
export function postByKubeconfig(file: string): PostJson {
  const { connection } = resolveKubeconfig({ kubeconfig: file }, {});
  const { server, ca, cert, key, token, username, password, tlsServerName, insecureSkipTlsVerify } =
    connection;
  const request = server.startsWith("http://") ? requestHttp : requestHttps;
  const authorization = token
    ? `Bearer ${token}`
    : username
      ? `Basic ${Buffer.from(`${username}:${password ?? ""}`).toString("base64")}`
      : undefined;
  return (document, timeoutMs) =>
    new Promise((resolve, reject) => {
      const body = typeof document === "string" ? document : JSON.stringify(document);
      const signal = AbortSignal.timeout(timeoutMs);
      const call = request(server, {
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
        const chunks: Buffer[] = [];
        let size = 0;
        response.on("data", (chunk: Buffer) => {
          size += chunk.length;
          if (size > maxBytes) call.destroy(new Error("the answer is too large"));
          else chunks.push(chunk);
        });
        response.once("error", reject);
        response.once("end", () => {
          const code = response.statusCode ?? 0;
          // One that goes on until the connection ends looks whole when it is cut.
          if (size > maxBytes || signal.aborted) reject(new Error("the answer was not read to its end"));
          else if (code < 200 || code > 299)
            reject(new PostStatusError(code, response.headers["retry-after"] !== undefined));
          else resolve(Buffer.concat(chunks));
        });
      });
      call.end(body);
    });
}
