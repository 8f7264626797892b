import type { KubeList, KubeObject } from "../api/index.ts";
import { type Clock, type Status, StatusError } from "../machinery/index.ts";
import { readJson, statusError, bodyText, textLines } from "./transport/body.ts";
import { requestPatiently } from "./transport/patient.ts";
import type { Turnstile } from "./transport/turnstile.ts";
import type { ApiTransport, TransportRequest, TransportResponse } from "./transport.ts";

export interface ListOptions {
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  resourceVersion?: string | undefined;
  resourceVersionMatch?: "Exact" | "NotOlderThan" | undefined;
  limit?: number | undefined;
  continue?: string | undefined;
  signal?: AbortSignal | undefined;
}

export interface WatchOptions extends ListOptions {
  allowWatchBookmarks?: boolean | undefined;
  timeoutSeconds?: number | undefined;
}

export interface WriteOptions {
  fieldManager?: string | undefined;
  dryRun?: boolean | undefined;
  fieldValidation?: "Strict" | "Warn" | "Ignore" | undefined;
  signal?: AbortSignal | undefined;
}

export interface PatchOptions extends WriteOptions {
  /** e.g. `status`, `scale` */
  subresource?: string | undefined;
  force?: boolean | undefined;
}

export interface DeleteOptions {
  preconditions?: { uid?: string | undefined; resourceVersion?: string | undefined } | undefined;
  gracePeriodSeconds?: number | undefined;
  propagationPolicy?: "Background" | "Foreground" | "Orphan" | undefined;
  dryRun?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

export type PatchType = "merge" | "strategic" | "json" | "apply";

export type WatchEvent<T> =
  | { type: "ADDED" | "MODIFIED" | "DELETED"; object: T }
  | { type: "BOOKMARK"; object: KubeObject };

/** A resource of the API. `namespace` is undefined for cluster-scoped ones and for requests across all namespaces. */
export interface ResourceClient<T extends KubeObject = KubeObject> {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /** The URL path of the collection. */
  path(namespace: string | undefined): string;
  get(namespace: string | undefined, name: string, options?: { signal?: AbortSignal }): Promise<T>;
  list(namespace?: string, options?: ListOptions): Promise<KubeList<T>>;
  create(namespace: string | undefined, object: T, options?: WriteOptions): Promise<T>;
  update(namespace: string | undefined, object: T, options?: WriteOptions): Promise<T>;
  updateStatus(namespace: string | undefined, object: T, options?: WriteOptions): Promise<T>;
  patch(
    namespace: string | undefined,
    name: string,
    type: PatchType,
    body: unknown,
    options?: PatchOptions,
  ): Promise<T>;
  /** The object before its deletion, or as it is now if it waits for finalizers or its grace period; a Status otherwise. */
  delete(namespace: string | undefined, name: string, options?: DeleteOptions): Promise<T | Status>;
  deleteCollection(namespace: string | undefined, options?: DeleteOptions & ListOptions): Promise<void>;
  /** Ends when the server ends it; an ERROR event is thrown as its StatusError. */
  watch(namespace?: string, options?: WatchOptions): AsyncIterable<WatchEvent<T>>;
  subresource<R>(
    namespace: string | undefined,
    name: string,
    subresource: string,
    method: TransportRequest["method"],
    body?: unknown,
    options?: { query?: Query; signal?: AbortSignal | undefined },
  ): Promise<R>;
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

const patchTypes: Record<PatchType, string> = {
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  json: "application/json-patch+json",
  apply: "application/apply-patch+yaml",
};

export function queryText(query: Query): string {
  let text = "";
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined || value === "" || value === false) continue;
    text += `${text === "" ? "?" : "&"}${key}=${encodeURIComponent(value)}`;
  }
  return text;
}

export interface ResourceOptions {
  group: string;
  version: string;
  plural: string;
  namespaced: boolean;
  userAgent: string;
  clock: Clock;
  /** Limit of concurrent requests, shared by all resources of a client. */
  turnstile: Turnstile;
  /** Default of `fieldManager` in writes. */
  fieldManager?: string | undefined;
  /** Reads request only metadata; a server without support returns whole objects. */
  metadataOnly?: boolean | undefined;
}

const jsonType = "application/json";
const partial = (kind: string): string => `application/json;as=${kind};g=meta.k8s.io;v=v1,application/json`;

export function createResourceClient<T extends KubeObject>(
  transport: ApiTransport,
  options: ResourceOptions,
): ResourceClient<T> {
  const { group, version, plural, namespaced } = options;
  const acceptOne = options.metadataOnly ? partial("PartialObjectMetadata") : jsonType;
  const acceptList = options.metadataOnly ? partial("PartialObjectMetadataList") : jsonType;
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;

  const path = (namespace: string | undefined): string =>
    namespaced && namespace !== undefined
      ? `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}`
      : `${root}/${plural}`;
  const one = (namespace: string | undefined, name: string, subresource?: string): string => {
    if (!name) throw new StatusError("BadRequest", `resource name of ${plural} may not be empty`);
    const object = `${path(namespace)}/${encodeURIComponent(name)}`;
    return subresource ? `${object}/${subresource}` : object;
  };

  function send(
    method: TransportRequest["method"],
    target: string,
    query: Query,
    body?: unknown,
    more: { type?: string; accept?: string; signal?: AbortSignal | undefined } = {},
  ): Promise<TransportResponse> {
    const headers: Record<string, string> = {
      accept: more.accept ?? acceptOne,
      "user-agent": options.userAgent,
    };
    const request: TransportRequest = { method, path: target + queryText(query), headers };
    if (body !== undefined) {
      headers["content-type"] = more.type ?? jsonType;
      request.body = Buffer.from(JSON.stringify(body));
    }
    if (more.signal) request.signal = more.signal;
    return requestPatiently(transport, request, options.clock, options.turnstile);
  }
  const call = async <R>(...args: Parameters<typeof send>): Promise<R> => readJson<R>(await send(...args));

  const writeQuery = (write: WriteOptions | undefined): Query => ({
    fieldManager: write?.fieldManager ?? options.fieldManager,
    dryRun: write?.dryRun ? "All" : undefined,
    fieldValidation: write?.fieldValidation,
  });
  const listQuery = (list: ListOptions): Query => ({
    labelSelector: list.labelSelector,
    fieldSelector: list.fieldSelector,
    resourceVersion: list.resourceVersion,
    resourceVersionMatch: list.resourceVersionMatch,
    limit: list.limit,
    continue: list.continue,
  });
  const deleteBody = (remove: DeleteOptions): unknown => ({
    kind: "DeleteOptions",
    apiVersion: "v1",
    preconditions: remove.preconditions,
    gracePeriodSeconds: remove.gracePeriodSeconds,
    propagationPolicy: remove.propagationPolicy,
    dryRun: remove.dryRun ? ["All"] : undefined,
  });
  const named = (object: T): string => object.metadata?.name ?? "";

  return {
    group,
    version,
    plural,
    namespaced,
    path,
    get: (namespace, name, get) => call("GET", one(namespace, name), {}, undefined, { signal: get?.signal }),
    async list(namespace, list = {}) {
      const found = await call<KubeList<T>>("GET", path(namespace), listQuery(list), undefined, {
        accept: acceptList,
        signal: list.signal,
      });
      found.items ??= [];
      const kind = found.kind?.replace(/List$/, "");
      for (const item of found.items) {
        item.apiVersion ??= found.apiVersion ?? "";
        item.kind ??= kind ?? "";
      }
      return found;
    },
    create: (namespace, object, write) =>
      call("POST", path(namespace), writeQuery(write), object, { signal: write?.signal }),
    update: (namespace, object, write) =>
      call("PUT", one(namespace, named(object)), writeQuery(write), object, { signal: write?.signal }),
    updateStatus: (namespace, object, write) =>
      call("PUT", one(namespace, named(object), "status"), writeQuery(write), object, {
        signal: write?.signal,
      }),
    patch: (namespace, name, type, body, patch) =>
      call(
        "PATCH",
        one(namespace, name, patch?.subresource),
        { ...writeQuery(patch), force: patch?.force },
        body,
        { type: patchTypes[type], signal: patch?.signal },
      ),
    delete: (namespace, name, remove = {}) =>
      call("DELETE", one(namespace, name), {}, deleteBody(remove), { signal: remove.signal }),
    async deleteCollection(namespace, remove = {}) {
      await call("DELETE", path(namespace), listQuery(remove), deleteBody(remove), { signal: remove.signal });
    },
    async *watch(namespace, watch = {}) {
      const query: Query = {
        ...listQuery(watch),
        watch: true,
        allowWatchBookmarks: watch.allowWatchBookmarks,
        timeoutSeconds: watch.timeoutSeconds,
      };
      const response = await send("GET", path(namespace), query, undefined, { signal: watch.signal });
      if (response.status !== 200) throw statusError(response.status, await bodyText(response.body));
      for await (const line of textLines(response.body)) {
        if (line === "") continue;
        const event = JSON.parse(line) as WatchEvent<T> | { type: "ERROR"; object: Status };
        if (event.type === "ERROR") throw StatusError.fromStatus(event.object);
        yield event;
      }
    },
    subresource: (namespace, name, subresource, method, body, more) =>
      call(method, one(namespace, name, subresource), more?.query ?? {}, body, { signal: more?.signal }),
  };
}
