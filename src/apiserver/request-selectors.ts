/** A request's selectors as authorization attributes. Pure. */
import { parseFieldSelector, parseLabelSelector } from "../machinery/index.ts";
import type { RequestInfo } from "./contract.ts";
import { nameSegmentProblems } from "./name-segment.ts";
import { wholeNumber } from "./verbs/list-options.ts";

export interface RequestSelectors {
  /** The single object that a list or watch selects, else "". */
  name: string;
  fieldSelector?: string;
  labelSelector?: string;
}

/** Paths with the verb in front (`/api/v1/watch/...`): their selectors are ignored. */
const verbInPath = /^\/(?:api\/[^/]*|apis\/[^/]+\/[^/]*)\/(?:watch|proxy)\//;

/** Only lists, watches and deletions of collections have selectors; the query of other requests is ignored. */
export function requestSelectors({ isResource, path, verb, name, query }: RequestInfo): RequestSelectors {
  const reads = verb === "list" || verb === "watch";
  if (!isResource || (!reads && verb !== "deletecollection") || verbInPath.test(path)) return { name: "" };
  const fieldSelector = query.get("fieldSelector");
  const labelSelector = query.get("labelSelector");
  return {
    name: reads && name === "" && fieldSelector ? selectedName(fieldSelector, query) : "",
    ...(fieldSelector ? { fieldSelector } : {}),
    ...(labelSelector ? { labelSelector } : {}),
  };
}

/** Invalid options select nothing, and neither does a name that cannot be in a path. */
function selectedName(fields: string, query: URLSearchParams): string {
  try {
    wholeNumber(query.get("timeoutSeconds"));
    wholeNumber(query.get("limit"));
    parseLabelSelector(query.get("labelSelector") ?? "");
    const found = parseFieldSelector(fields).find(({ field, op }) => field === "metadata.name" && op === "=");
    return found && nameSegmentProblems(found.value).length === 0 ? found.value : "";
  } catch {
    return "";
  }
}
