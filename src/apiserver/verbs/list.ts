import type { Entry } from "../cache/entry.ts";
import { withResourceVersion } from "../codec/stored.ts";
import { Entry as CacheEntry } from "../cache/entry.ts";
import type { VersionView } from "../conversion/version-view.ts";
import type { Call } from "../core.ts";
import { expired, wrongShape } from "../errors.ts";
import { joinedParts, ListBody } from "../packing/list-body.ts";
import { type Answer, bytesAnswer } from "../response.ts";
import { CompactedError, FutureRevisionError } from "../../store/index.ts";
import { includeOf, partialObject, type TableMeta, tableOf } from "../tables/render.ts";
import { checkBeginning, type ListOptions, readListOptions, tooLargeVersion } from "./list-options.ts";
import { decodeContinue, encodeContinue } from "./continue-token.ts";
import { listing, listingStore } from "../tracing/store-spans.ts";
import { goTypeOf } from "../registry/go-type.ts";
import { encoded } from "./output.ts";
import { protobufList } from "./protobuf-list.ts";

export interface Page {
  entries: readonly Entry[];
  revision: number;
  continue: string;
  remaining: number | undefined;
}

export async function list(call: Call): Promise<Answer> {
  const page = await readPage(call, readListOptions(call));
  return answerList(call, page.entries, listMeta(call, page));
}

export function listMeta({ resource, target }: Call, page: Page): TableMeta {
  return {
    resourceVersion: String(page.revision),
    // Lists of custom resources have the member even when nothing follows.
    ...(page.continue === "" && !(resource.def.type && target.as === "object")
      ? {}
      : { continue: page.continue }),
    ...(page.remaining === undefined ? {} : { remainingItemCount: page.remaining }),
  };
}

/** The answer with a list of these objects, in the form that the client asked for. */
export async function answerList(
  call: Call,
  entries: readonly Entry[],
  metadata: TableMeta,
): Promise<Answer> {
  const { resource, info, target, core } = call;
  const { def } = resource;
  if (target.as === "partial") throw wrongShape("PartialObjectMetadata", true, goTypeOf(def, true));
  if (target.as === "table") {
    const { asVersion: version } = target;
    const include = includeOf(info.query);
    const objects = entries.map((entry) => resource.object(entry));
    const now = core.clock.now();
    const stored = def.storedAs && !def.type ? entries.map((entry) => entry.object) : objects;
    const table = tableOf(def, objects, { version, include, now, metadata, stored });
    return encoded(200, table, target);
  }
  if (target.as === "partialList") {
    const partial = entries.map((entry) => partialObject(resource.object(entry), target.asVersion, def));
    // Go writes null for a list that nothing was appended to.
    const items = partial.length === 0 ? null : partial;
    const apiVersion = `meta.k8s.io/${target.asVersion}`;
    return encoded(200, { kind: "PartialObjectMetadataList", apiVersion, metadata, items }, target);
  }
  if (target.format === "protobuf") return protobufList(resource, entries, metadata);
  if (target.format === "yaml" || target.pretty) {
    const items = entries.map((entry) => {
      const object = resource.object(entry);
      if (def.type) return object;
      const { kind: _kind, apiVersion: _version, ...item } = object;
      return item;
    });
    return encoded(200, { kind: def.listKind, apiVersion: resource.apiVersion, metadata, items }, target);
  }
  const head = `{"kind":"${def.listKind}","apiVersion":"${resource.apiVersion}","metadata":${JSON.stringify(metadata)},"items":[`;
  return listBytes(call, head, entries);
}

const open = Buffer.from("{");
const nextOpen = Buffer.from(",{");
const end = Buffer.from("]}\n");
/** Longer lists are assembled while they are sent, so that they are not in memory twice. */
const longList = 256 * 1024;

/** A list is a concatenation of the bytes of its entries. */
function listBytes({ resource }: Call, head: string, entries: readonly Entry[]): Answer {
  let total = head.length;
  for (const entry of entries) total += resource.json(entry).length;
  const parts = {
    head: Buffer.from(head),
    entries,
    item: (entry: Entry, first: boolean) => [first ? open : nextOpen, resource.itemTail(entry)],
    itemLength: (entry: Entry) => entry.json.length,
    tail: end,
  };
  // A conversion webhook may answer differently the next time.
  const runs = resource.view ? undefined : resource.packedJson;
  return total < longList
    ? bytesAnswer(200, joinedParts(parts))
    : { ...bytesAnswer(200, end), body: new ListBody(parts, runs) };
}

/** The entries are in the requested version. */
export async function readPage(call: Call, options: ListOptions): Promise<Page> {
  const { view } = call.resource;
  checkBeginning(options);
  const read = (): Promise<Page> =>
    view ? convertedPage(call, options, view) : findPage(call, options, undefined);
  return call.request.span ? listing(call.request, call.resource, read) : read();
}

async function convertedPage(call: Call, options: ListOptions, view: VersionView): Promise<Page> {
  const page = await findPage(call, options, view);
  return { ...page, entries: await view.all(page.entries) };
}

/** `view`: converts entries before they are selected. Without selectors only the page is converted. */
async function findPage(call: Call, options: ListOptions, view: VersionView | undefined): Promise<Page> {
  const { resource, info, core } = call;
  // resourceVersion=0 is served from memory in one piece, except for events, which Kubernetes does not cache.
  const limit = options.version === "0" && resource.def.ttlSeconds === undefined ? 0 : options.limit;
  const { selection } = options;
  const isFollowed = core.caches.readiness.error === undefined;
  /** The first key of the page, as in the cache. */
  let start = "";
  let revision: number | undefined;
  if (options.continue !== "") {
    const token = decodeContinue(options.continue);
    start = info.namespace === "" ? token.start : `${info.namespace}/${token.start}`;
    if (token.revision >= 0) revision = token.revision;
    // A page that came out of the store may be ahead of caches that do not follow it: so comes the next.
    if (isFollowed && !(await core.caches.reaches(token.revision, 3000)))
      throw tooLargeVersion(token.revision, core.caches.revision);
  } else if (options.resourceVersion) {
    if (isFollowed && !(await core.caches.reaches(options.resourceVersion, 3000))) {
      throw tooLargeVersion(options.resourceVersion, core.caches.revision);
    }
    const exact = options.match === "Exact" || (options.match === "" && options.limit > 0);
    if (exact) revision = options.resourceVersion;
  }
  // Short pages are read from the store then, as in Kubernetes; other lists get 429.
  if (!isFollowed && revision === undefined) {
    if (options.limit === 0 || !selection.all) core.caches.readiness.check();
    revision = core.store.revision;
  }
  let entries: readonly Entry[];
  let stored = false;
  if (revision === undefined || revision === core.caches.revision) {
    revision = core.caches.revision;
    entries = currentEntries(call, selection.name);
  } else {
    const isKnown = revision >= core.store.compactedRevision && revision <= core.caches.revision;
    const recent = isKnown ? resource.cache.listAt(info.namespace, revision) : undefined;
    stored = recent === undefined;
    entries = recent ?? (await snapshot(call, revision, start, options));
  }

  const newest = options.continue === "" && options.version === "";
  const meters = core.meters.lists.read(resource.def, entries.length, newest, stored);
  if (view && selection.reads) entries = await view.all(entries);
  if (limit === 0 && start === "" && selection.all) {
    meters.returned.add(entries.length);
    return { entries, revision, continue: "", remaining: undefined };
  }
  const wanted: Entry[] = [];
  let from = 0;
  if (start !== "") {
    let high = entries.length;
    while (from < high) {
      const middle = (from + high) >>> 1;
      if ((entries[middle] as Entry).key < start) from = middle + 1;
      else high = middle;
    }
  }
  for (let i = from; i < entries.length; i++) {
    const entry = entries[i] as Entry;
    if (!selection.all && !selection.matches(entry)) continue;
    if (limit > 0 && wanted.length === limit) {
      const next = encodeContinue({ revision, start: nextStart(call, wanted.at(-1) as Entry) });
      // With selectors the count is unknown, and left out.
      const remaining = selection.all ? entries.length - i : undefined;
      meters.returned.add(wanted.length);
      return { entries: wanted, revision, continue: next, remaining };
    }
    wanted.push(entry);
  }
  meters.returned.add(wanted.length);
  return { entries: wanted, revision, continue: "", remaining: undefined };
}

/** A cache's key relative to the listed prefix. */
const startIn = (namespace: string, start: string): string =>
  namespace === "" ? `/${start}` : start.slice(namespace.length + 1);

/** Where the next page begins: just behind the last object, relative to the listed prefix. */
function nextStart({ info, resource }: Call, last: Entry): string {
  if (info.namespace !== "" && resource.def.namespaced) return `${last.name}\0`;
  return `/${last.key}\0`;
}

function currentEntries({ resource, info }: Call, name: string | undefined): readonly Entry[] {
  const only = info.name || name;
  if (only && (!resource.def.namespaced || info.namespace !== "")) {
    const entry = resource.cache.get(resource.key(info.namespace, only));
    return entry ? [entry] : [];
  }
  return resource.cache.list(info.namespace);
}

/** The objects at a revision that is older than the changes in memory: read from the store. */
async function snapshot(
  call: Call,
  revision: number,
  start: string,
  { match, limit, continue: token }: ListOptions,
): Promise<readonly Entry[]> {
  const { resource, info, core, request } = call;
  const prefix = resource.storeKey(info.namespace === "" ? "" : `${info.namespace}/`);
  try {
    const { namespace } = info;
    const asked = { resource, namespace, revision, match, limit, continue: token };
    const { items } = await listingStore(request, asked, () =>
      core.store.range({
        from: prefix,
        to: `${prefix.slice(0, -1)}0`,
        revision,
      }),
    );
    const cut = resource.storeKey("").length;
    return items.map(
      (kv) =>
        new CacheEntry(
          kv.key.slice(cut),
          kv.modRevision,
          withResourceVersion(kv.value, kv.modRevision),
          undefined,
        ),
    );
  } catch (cause) {
    if (cause instanceof FutureRevisionError) throw tooLargeVersion(revision, core.caches.revision);
    if (!(cause instanceof CompactedError)) throw cause;
    if (start === "") throw expired(`The resourceVersion for the provided list is too old.`);
    throw expired(
      "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
      { continue: encodeContinue({ revision: -1, start: startIn(info.namespace, start) }) },
    );
  }
}
