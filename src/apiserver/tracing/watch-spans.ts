/** Spans of watches, as in kube-apiserver: their initialization and their registration in the cache. */
import type { HandlerRequest, RequestInfo } from "../contract.ts";
import type { ServedResource } from "../registry/resource.ts";
import { verbAttributes } from "./request-spans.ts";
import type { Span } from "./span.ts";
import { typeOf } from "./store-spans.ts";

export interface WatchSpans {
  /** The watch is registered in the cache. */
  placed(): void;
  /** The initial events have been sent. */
  listed(): void;
}

/** Undefined when it is not traced. `lists`: the watch requests initial events up to a bookmark (KEP-3157). */
export function watchSpans(
  request: HandlerRequest,
  { info, resource, lists }: { info: RequestInfo; resource: ServedResource; lists: boolean },
): WatchSpans | undefined {
  const whole = request.span;
  if (!whole?.context.sampled) return undefined;
  const kind = "internal";
  const list: Span | undefined = lists
    ? whole.child({ name: "WatchList", kind, attributes: verbAttributes(request, info) })
    : undefined;
  const attributes = { "audit-id": request.audit?.auditId ?? "", type: typeOf(resource) };
  const place = (list ?? whole).child({ name: "cacher.Watch", kind, attributes });
  return { placed: () => place.end(), listed: () => list?.end() };
}
