/** Cross-origin resource sharing (--cors-allowed-origins of kube-apiserver; the Fetch standard, 3.2). */
import type { HandlerRequest } from "../contract.ts";
import type { Answer } from "../response.ts";

const permitted = {
  "access-control-allow-methods": "POST, GET, OPTIONS, PUT, DELETE, PATCH",
  "access-control-allow-headers":
    "Content-Type, Content-Length, Accept-Encoding, X-CSRF-Token, Authorization, X-Requested-With, If-Modified-Since",
  "access-control-expose-headers": "Date",
  "access-control-allow-credentials": "true",
};

type Handle = (request: HandlerRequest) => Promise<Answer>;

/**
 * Allows origins that match a pattern to read answers. Preflight requests are answered without authentication. Throws for an
 * invalid pattern.
 */
export function withCors(patterns: readonly string[], handle: Handle): Handle {
  if (patterns.length === 0) return handle;
  const allowed = patterns.map((pattern) => new RegExp(pattern));
  return async (request) => {
    const origin = request.headers?.origin ?? "";
    if (origin === "" || !allowed.some((pattern) => pattern.test(origin))) return handle(request);
    const headers = { "access-control-allow-origin": origin, ...permitted };
    if (request.method === "OPTIONS") return { status: 204, headers, body: new Uint8Array(0) };
    const answer = await handle(request);
    Object.assign(answer.headers, headers);
    return answer;
  };
}
