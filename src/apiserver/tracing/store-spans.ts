/** Spans of reads and writes, as in kube-apiserver's store and its cache. */
import type { NotePart } from "../../store/index.ts";
import { goTypeOf } from "../registry/go-type.ts";
import type { HandlerRequest } from "../contract.ts";
import type { ServedResource } from "../registry/resource.ts";
import type { Attributes, Span } from "./span.ts";

/** Runs a part of a request in a child span, if the request is traced. */
function within<T>(
  request: HandlerRequest | undefined,
  name: string,
  attributes: () => Attributes,
  run: (part?: Span) => Promise<T>,
): Promise<T> {
  const span = request?.span;
  if (!span?.context.sampled) return run();
  const all = { "audit-id": request?.audit?.auditId ?? "", ...attributes() };
  const part = span.child({ name, kind: "internal", attributes: all });
  return part.over(() => run(part));
}

/** Records the store's operations in this span. */
export const notes =
  (span: Span): NotePart =>
  (name, attributes) => {
    const part = span.child({ name, kind: "internal", attributes });
    return (error) =>
      part.end({}, error === undefined ? undefined : error instanceof Error ? error.message : String(error));
  };

/** The key without the common prefix. */
const keyOf = (resource: ServedResource, key: string): string =>
  resource.storeKey(key).replace(/^\/registry/, "");

export const typeOf = ({ def }: ServedResource): string =>
  def.group === "" ? def.plural : `${def.plural}.${def.group}`;

/** `isNew`: whether the object must not exist yet. `run` gets the span, if any. */
export const writing = <T>(
  request: HandlerRequest | undefined,
  { resource, key, isNew }: { resource: ServedResource; key: string; isNew: boolean },
  run: (part?: Span) => Promise<T>,
): Promise<T> =>
  within(
    request,
    isNew ? "Create etcd3" : "GuaranteedUpdate etcd3",
    () => ({
      key: keyOf(resource, key),
      type: goTypeOf(resource.def),
      group: resource.def.group,
      resource: resource.def.plural,
    }),
    run,
  );

export const reading = <T>(
  request: HandlerRequest | undefined,
  { resource, key, version }: { resource: ServedResource; key: string; version: string },
  run: () => Promise<T>,
): Promise<T> =>
  within(request, "cacher.Get", () => ({ key: keyOf(resource, key), "resource-version": version }), run);

export const listing = <T>(
  request: HandlerRequest | undefined,
  resource: ServedResource,
  run: () => Promise<T>,
): Promise<T> => within(request, "cacher.GetList", () => ({ type: typeOf(resource) }), run);

/** Attributes of a list at a revision that is not in memory any more. */
export interface StoreList {
  resource: ServedResource;
  namespace: string;
  revision: number;
  match: string;
  limit: number;
  continue: string;
}

export const listingStore = <T>(
  request: HandlerRequest | undefined,
  { resource, namespace, revision, match, limit, continue: token }: StoreList,
  run: () => Promise<T>,
): Promise<T> =>
  within(
    request,
    "List(recursive=true) etcd3",
    () => ({
      key: keyOf(resource, namespace === "" ? "" : `${namespace}/`),
      resourceVersion: String(revision),
      resourceVersionMatch: match,
      limit,
      continue: token,
    }),
    run,
  );
