import type { HandlerRequest } from "../contract.ts";
import type { Answer } from "../response.ts";

type Handle = (request: HandlerRequest) => Promise<Answer>;

/** Strict-Transport-Security (--strict-transport-security-directives of kube-apiserver; RFC 6797, 6.1). */
export function withStrictTransport(directives: readonly string[], handle: Handle): Handle {
  if (directives.length === 0) return handle;
  const text = directives.join("; ");
  return async (request) => {
    const answer = await handle(request);
    answer.headers["strict-transport-security"] ??= text;
    return answer;
  };
}
