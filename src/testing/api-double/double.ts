import { findKind, type KindDefinition, type KubeObject, kinds, schemaLookupFor } from "../../api/index.ts";
import type { TransportRequest, TransportResponse } from "../../client/index.ts";
import {
  applyJsonPatch,
  applyMergePatch,
  applyStrategicMerge,
  AsyncQueue,
  type Clock,
  deepClone,
  type JsonPatchOperation,
  parseFieldSelector,
  parseLabelSelector,
  StatusError,
} from "../../machinery/index.ts";
import type { SeenCall, WatchedTransport } from "../watched-transport.ts";
import { type Loose, ObjectTable, type RemoveOptions, type StoredEvent } from "./objects.ts";

export type ApiDouble = WatchedTransport;

/**
 * A small API server in memory for tests: revisions, watches, selectors, conflicts, patches, a status subresource, generation,
 * finalizers, graceful deletion. No validation, no admission, no authentication, no garbage collection.
 */
export function createApiDouble(clock: Clock): ApiDouble {
  const table = new ObjectTable(() => clock.now());
  const watches = new Set<AsyncQueue<Uint8Array>>();
  const double: ApiDouble = {
    calls: [],
    intercept: undefined,
    endWatches: () => {
      for (const watch of watches) watch.end();
    },
    async request(request) {
      const url = new URL(request.path, "http://double");
      const body = request.body
        ? (JSON.parse(Buffer.from(request.body).toString("utf8")) as unknown)
        : undefined;
      const call: SeenCall = { method: request.method, path: request.path, body };
      double.calls.push(call);
      try {
        await double.intercept?.(call);
        return serve(request, url, body);
      } catch (error) {
        if (!(error instanceof StatusError)) throw error;
        return answer(error.code, error.toStatus());
      }
    },
    close: () => Promise.resolve(),
  };
  return double;

  function serve(request: TransportRequest, url: URL, body: unknown): TransportResponse {
    const found = route(url.pathname);
    if (!found) return discovery(url.pathname);
    const { kind, namespace, name, subresource } = found;
    const query = url.searchParams;
    switch (request.method) {
      case "GET":
        if (name) return answer(200, table.find(kind, namespace, name));
        return query.get("watch")
          ? watch(kind, namespace, query, request.signal)
          : list(kind, namespace, query);
      case "POST":
        if (subresource === "binding") {
          const pod = deepClone(table.find(kind, namespace, name));
          pod.spec = { ...pod.spec, nodeName: (body as { target: { name: string } }).target.name };
          return answer(201, table.update(kind, namespace, pod, ""));
        }
        return answer(201, table.create(kind, namespace, body as Loose));
      case "PUT":
        return answer(200, table.update(kind, namespace, body as Loose, subresource));
      case "PATCH": {
        const old = table.find(kind, namespace, name);
        const patched = patch(kind, old, request.headers?.["content-type"] ?? "", body);
        const given = (body as { metadata?: KubeObject["metadata"] }).metadata;
        if (!given?.resourceVersion && patched.metadata) delete patched.metadata.resourceVersion;
        return answer(200, table.update(kind, namespace, patched, subresource));
      }
      case "DELETE": {
        if (name) return answer(200, table.remove(kind, namespace, name, (body ?? {}) as RemoveOptions));
        const accept = selection(kind, query);
        for (const object of table.all(kind, namespace)) {
          if (!accept(object)) continue;
          table.remove(
            kind,
            object.metadata?.namespace,
            object.metadata?.name ?? "",
            (body ?? {}) as RemoveOptions,
          );
        }
        return answer(200, { kind: "Status", apiVersion: "v1", status: "Success" });
      }
    }
  }

  function list(
    kind: KindDefinition,
    namespace: string | undefined,
    query: URLSearchParams,
  ): TransportResponse {
    return answer(200, {
      kind: kind.listKind,
      apiVersion: kind.group ? `${kind.group}/${kind.version}` : kind.version,
      metadata: { resourceVersion: String(table.revision) },
      items: table.all(kind, namespace).filter(selection(kind, query)),
    });
  }

  function watch(
    kind: KindDefinition,
    namespace: string | undefined,
    query: URLSearchParams,
    signal: AbortSignal | undefined,
  ): TransportResponse {
    const out = new AsyncQueue<Uint8Array>();
    const accept = selection(kind, query);
    const send = (event: StoredEvent): void => {
      if (event.kind.plural !== kind.plural || event.kind.group !== kind.group) return;
      if (namespace !== undefined && event.object.metadata?.namespace !== namespace) return;
      const now = event.type !== "DELETED" && accept(event.object);
      const before = event.old !== undefined && accept(event.old);
      const type = now ? (before ? "MODIFIED" : "ADDED") : before ? "DELETED" : undefined;
      if (type) out.push(encode({ type, object: event.object }));
    };
    const from = Number(query.get("resourceVersion") ?? 0);
    for (const event of table.events) if (event.revision > from) send(event);
    table.listeners.add(send);
    watches.add(out);
    const end = (): void => {
      table.listeners.delete(send);
      watches.delete(out);
      out.end();
    };
    signal?.addEventListener("abort", end, { once: true });
    return { status: 200, headers: {}, body: out };
  }

  function discovery(pathname: string): TransportResponse {
    if (pathname === "/apis") {
      const groups = [...new Set(kinds.map((kind) => kind.group))].filter((group) => group !== "");
      return answer(200, {
        kind: "APIGroupList",
        groups: groups.map((name) => {
          const version = kinds.find((kind) => kind.group === name)?.version;
          return {
            name,
            versions: [{ groupVersion: `${name}/${version}`, version }],
            preferredVersion: { groupVersion: `${name}/${version}`, version },
          };
        }),
      });
    }
    const match = /^\/(?:api|apis\/([^/]+))\/([^/]+)$/.exec(pathname);
    if (!match) throw new StatusError("NotFound", "the server could not find the requested resource");
    const [, group = "", version] = match;
    return answer(200, {
      kind: "APIResourceList",
      groupVersion: group ? `${group}/${version}` : version,
      resources: kinds
        .filter((kind) => kind.group === group && kind.version === version)
        .map((kind) => ({
          name: kind.plural,
          kind: kind.kind,
          namespaced: kind.namespaced,
          verbs: kind.verbs,
        })),
    });
  }
}

function route(
  path: string,
): { kind: KindDefinition; namespace: string | undefined; name: string; subresource: string } | undefined {
  const parts = path
    .split("/")
    .filter((part) => part !== "")
    .map(decodeURIComponent);
  const core = parts[0] === "api";
  const group = core ? "" : (parts[1] ?? "");
  const version = (core ? parts[1] : parts[2]) ?? "";
  let rest = parts.slice(core ? 2 : 3);
  if (rest.length === 0) return undefined;
  let namespace: string | undefined;
  if (rest[0] === "namespaces" && rest.length > 2 && findKind(group, version, rest[2] ?? "")) {
    namespace = rest[1];
    rest = rest.slice(2);
  }
  const kind = findKind(group, version, rest[0] ?? "");
  if (!kind) throw new StatusError("NotFound", "the server could not find the requested resource");
  return { kind, namespace, name: rest[1] ?? "", subresource: rest[2] ?? "" };
}

function selection(kind: KindDefinition, query: URLSearchParams): (object: Loose) => boolean {
  const labels = parseLabelSelector(query.get("labelSelector") ?? "");
  const fields = parseFieldSelector(query.get("fieldSelector") ?? "");
  return (object) => {
    if (!labels.matches(object.metadata?.labels)) return false;
    return fields.every(({ field, op, value }) => {
      const is =
        field === "metadata.name"
          ? object.metadata?.name
          : field === "metadata.namespace"
            ? object.metadata?.namespace
            : kind.selectableFields?.[field]?.(object);
      return op === "=" ? is === value : is !== value;
    });
  };
}

function patch(kind: KindDefinition, old: Loose, type: string, body: unknown): Loose {
  const target = deepClone(old);
  if (type.includes("json-patch")) return applyJsonPatch(target, body as JsonPatchOperation[]);
  if (type.includes("strategic")) {
    const schema = schemaLookupFor(kind.group, kind.version, kind.kind);
    if (!schema) throw new StatusError("UnsupportedMediaType", "no strategic merge for this kind");
    return applyStrategicMerge(target, body as object, schema);
  }
  return applyMergePatch(target, body);
}

const encode = (value: unknown): Uint8Array => Buffer.from(`${JSON.stringify(value)}\n`);

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

const answer = (status: number, value: unknown): TransportResponse => ({
  status,
  headers: { "content-type": "application/json" },
  body: once(encode(value)),
});
