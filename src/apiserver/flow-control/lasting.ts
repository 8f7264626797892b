import { parseDuration } from "../../machinery/index.ts";
import type { RequestInfo } from "../contract.ts";

const lastingSubresources = new Set(["attach", "exec", "log", "portforward", "proxy"]);

/** Requests that last as long as their client likes: watches and connections to pods, nodes and services. */
export const isLasting = ({ isResource, verb, subresource }: RequestInfo): boolean =>
  verb === "watch" || (isResource && subresource !== "" && lastingSubresources.has(subresource));

/** --request-timeout of kube-apiserver, by default. */
const requestMs = 60_000;

/** What is wrong with the time that a request gives itself; undefined when nothing is. */
export function timeoutProblem(info: RequestInfo): string | undefined {
  if (info.query.size === 0 || isLasting(info)) return undefined;
  const given = info.query.get("timeout");
  if (!given) return undefined;
  try {
    parseDuration(given);
    return undefined;
  } catch (error) {
    return `invalid timeout specified in the request URL - ${(error as Error).message}`;
  }
}

/** How long a request may stand in a queue: a quarter of its time. */
export function waitLimitMs({ verb, query }: RequestInfo): number {
  if (verb === "watch") return requestMs / 4;
  const given = query.get("timeout");
  if (given === null) return requestMs / 4;
  try {
    const ms = parseDuration(given);
    return (ms > 0 && ms < requestMs ? ms : requestMs) / 4;
  } catch {
    return requestMs / 4;
  }
}
