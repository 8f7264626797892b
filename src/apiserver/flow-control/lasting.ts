import { parseDuration } from "../../machinery/index.ts";
import type { RequestInfo } from "../contract.ts";

const lastingSubresources = new Set(["attach", "exec", "log", "portforward", "proxy"]);

/** Long-running requests: watches, connections to pods, nodes and services, profiles. */
export const isLasting = ({ isResource, verb, subresource, path }: RequestInfo): boolean =>
  isResource
    ? verb === "watch" || (subresource !== "" && lastingSubresources.has(subresource))
    : path.startsWith("/debug/pprof/");

/** --request-timeout of kube-apiserver, by default. */
export const defaultRequestMs = 60_000;

/** Why a request's timeout is invalid; undefined when it is valid. */
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

/** The time limit of a request: its own, but at most `most`. */
export function timeOf({ verb, query }: RequestInfo, most: number): number {
  if (verb === "watch" || query.size === 0) return most;
  const given = query.get("timeout");
  if (!given) return most;
  try {
    const ms = parseDuration(given);
    return ms > 0 && ms < most ? ms : most;
  } catch {
    return most;
  }
}
