import type { KubeObject } from "../../api/index.ts";
import { StatusError, stringifyExact } from "../../machinery/index.ts";
import type { Timer } from "../../machinery/index.ts";
import type { Entry } from "../cache/entry.ts";
import type { Change } from "../cache/watch-cache.ts";
import { ConvertedSource } from "../conversion/converted-source.ts";
import { isTrue } from "../request-info.ts";
import { encodeObject, enveloped, protobufType, watchFrame } from "../codec/protobuf/envelope.ts";
import { messages } from "../codec/protobuf/messages.ts";
import type { Call } from "../core.ts";
import { notStreamed } from "../errors.ts";
import type { WatchMeters } from "../metrics/watches.ts";
import type { Answer, PushStream, StreamSink } from "../response.ts";
import { includeOf, partialObject, tableOf } from "../tables/render.ts";
import {
  type ListOptions,
  readListOptions,
  readSelection,
  type Selection,
  tooLargeVersion,
} from "./list-options.ts";

/** A watcher that lags so far behind is cut off; it lists and watches again. */
const maxBacklogBytes = 64 * 1024 * 1024;
/** How often watches that allow it are told how far they have come. */
const bookmarkMs = 60_000;
const minTimeoutSeconds = 1800;

type EventType = "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";

export async function watch(call: Call): Promise<Answer> {
  const { info, core, resource } = call;
  const options = readListOptions(call, true);
  if (call.target.format === "yaml") throw notStreamed();
  const selection = readSelection(resource, info.query.get("labelSelector"), info.query.get("fieldSelector"));
  const sendInitial = info.query.get("sendInitialEvents");
  // KEP-3157: a watch that names no version begins with the state, as if it had asked for it.
  const wantsInitial = sendInitial === null ? !options.resourceVersion : isTrue(sendInitial);
  const bookmarks = isTrue(info.query.get("allowWatchBookmarks"));
  if (call.target.as === "table") includeOf(info.query);
  // Only the state must be as new as was asked for; a watch from the future waits for it.
  const { resourceVersion } = options;
  if (wantsInitial && resourceVersion && !(await core.caches.reaches(resourceVersion, 3000))) {
    throw tooLargeVersion(resourceVersion, core.caches.revision);
  }
  if (wantsInitial && resource.def.type) await readState(call);
  const { timeoutSeconds } = options;
  const timeoutMs = 1000 * (timeoutSeconds > 0 ? timeoutSeconds : minTimeoutSeconds * (1 + core.random()));
  return {
    status: 200,
    headers: { "content-type": streamTypes[call.target.format], "cache-control": "no-cache, private" },
    body: new WatchStream(call, options, selection, { wantsInitial, bookmarks, timeoutMs }),
  };
}

/** A watch that could not show the state does not begin; the words are those of a cache that is not filled. */
async function readState({ resource, info }: Call): Promise<void> {
  const entries = resource.cache.list(info.namespace);
  try {
    if (resource.view) await resource.view.all(entries);
    else for (const entry of entries) resource.seen(entry);
  } catch (cause) {
    const what = `failed to list ${resource.apiVersion}, Kind=${resource.def.kind}`;
    const why = `storage is (re)initializing: ${what}: ${(cause as Error).message}`;
    throw new StatusError("TooManyRequests", why, { details: { retryAfterSeconds: 1 }, cause });
  }
}

const streamTypes = {
  json: "application/json",
  yaml: "",
  protobuf: `${protobufType};stream=watch`,
} as const;

interface WatchSettings {
  wantsInitial: boolean;
  bookmarks: boolean;
  timeoutMs: number;
}

class WatchStream implements PushStream {
  readonly #call: Call;
  readonly #options: ListOptions;
  readonly #selection: Selection;
  readonly #settings: WatchSettings;
  /** Watches that look alike share the bytes of their events. */
  readonly #look: string;
  readonly #name: string;
  /** "" is everywhere. A namespace itself is in none, though its path says so. */
  readonly #namespace: string;
  readonly #meters: WatchMeters;
  /** The columns of a table are told once, with the first event. */
  #columnsTold = false;

  constructor(call: Call, options: ListOptions, selection: Selection, settings: WatchSettings) {
    this.#call = call;
    this.#options = options;
    this.#selection = selection;
    this.#settings = settings;
    const { target, info, resource } = call;
    this.#name = info.name;
    this.#meters = call.core.meters.watches.of(resource.def);
    this.#namespace = resource.def.namespaced ? info.namespace : "";
    const encoding = target.format === "protobuf" ? "protobuf " : "";
    this.#look =
      encoding +
      (target.as === "object"
        ? resource.def.storedAs
          ? resource.apiVersion
          : ""
        : `${resource.apiVersion} ${target.as} ${target.asVersion} ${info.query.get("includeObject") ?? ""}`);
  }

  start(sink: StreamSink): () => void {
    const { core, resource } = this.#call;
    const namespace = this.#namespace;
    const from = this.#settings.wantsInitial ? 0 : (this.#options.resourceVersion ?? 0);
    let ended = false;
    let bookmarkTimer: Timer | undefined;
    const stop = (): void => {
      ended = true;
      unsubscribe();
      timeout.stop();
      bookmarkTimer?.stop();
      core.closing.removeEventListener("abort", finish);
      resource.retired.removeEventListener("abort", finish);
    };
    const finish = (): void => {
      if (ended) return;
      stop();
      sink.end();
    };
    const tell = (change: Change): void => {
      if (ended) return;
      if (namespace !== "" && change.entry.namespace !== namespace) return;
      let frame: Uint8Array | undefined;
      try {
        frame = this.#frame(change);
      } catch (error) {
        // An object that nobody can read, in a version that is defined no more.
        core.log.warn("a watch cannot go on", { path: this.#call.request.path, error });
        finish();
        return;
      }
      if (!frame) return;
      this.#write(sink, frame);
      // Too slow: better to list again than to hold everything in memory for it.
      if (sink.backlog > maxBacklogBytes) finish();
    };
    const send = (change: Change): void => {
      if (change.revision > from) tell(change);
    };
    const { view } = resource;
    // A watch from the future waits for it.
    const source =
      view && new ConvertedSource(view, core.clock, Math.max(from, core.caches.revision), tell, finish);
    const unsubscribe = source ? () => source.stop() : resource.cache.subscribe(send);
    const timeout = core.clock.timer(this.#settings.timeoutMs, finish);
    core.closing.addEventListener("abort", finish, { once: true });
    resource.retired.addEventListener("abort", finish, { once: true });
    const begun = source ? this.#beginConverted(sink, source) : this.#begin(sink);
    if (!begun) finish();
    else if (this.#settings.bookmarks) {
      const mark = (): void => {
        const { revision } = core.caches;
        const write = (): void => this.#write(sink, this.#bookmark(false, revision));
        if (source) source.whenTold(write);
        else write();
        bookmarkTimer = core.clock.timer(bookmarkMs, mark);
      };
      bookmarkTimer = core.clock.timer(bookmarkMs, mark);
    }
    if (core.closing.aborted || resource.retired.aborted) finish();
    return () => {
      if (!ended) stop();
    };
  }

  /** What the watch starts with: the state, or what happened since. False when the history is too short. */
  #begin(sink: StreamSink): boolean {
    const { resource } = this.#call;
    const { resourceVersion } = this.#options;
    const { wantsInitial } = this.#settings;
    // The state as synthetic ADDED events, then what comes.
    if (wantsInitial) {
      for (const entry of resource.cache.list(this.#namespace)) {
        if (!this.#selects(entry)) continue;
        this.#write(sink, this.#encode("ADDED", entry));
        this.#columnsTold = true;
      }
      if (this.#settings.bookmarks) this.#write(sink, this.#bookmark(true, this.#call.core.caches.revision));
      return true;
    }
    if (!resourceVersion) return true;
    const missed = resource.cache.since(resourceVersion);
    if (!missed) return this.#tooOld(sink, resourceVersion);
    for (const change of missed) {
      if (this.#namespace !== "" && change.entry.namespace !== this.#namespace) continue;
      const frame = this.#frame(change);
      if (frame) this.#write(sink, frame);
    }
    return true;
  }

  /** The same where what it starts with must be converted: it is told when that is done. */
  #beginConverted(sink: StreamSink, source: ConvertedSource): boolean {
    const { resource, info } = this.#call;
    const { resourceVersion } = this.#options;
    if (this.#settings.wantsInitial) {
      const { revision } = this.#call.core.caches;
      const state = resource.cache.list(info.namespace).map((entry): Change => {
        return { type: "added", revision: entry.revision, entry, previous: undefined, frames: new Map() };
      });
      source.begin(state, () => {
        if (this.#settings.bookmarks) this.#write(sink, this.#bookmark(true, revision));
      });
      return true;
    }
    const missed = resourceVersion ? resource.cache.since(resourceVersion) : [];
    if (!missed) return this.#tooOld(sink, resourceVersion as number);
    source.begin(missed, () => {});
    return true;
  }

  #tooOld(sink: StreamSink, resourceVersion: number): false {
    const oldest = this.#call.resource.cache.floor;
    const error = new StatusError("Expired", `too old resource version: ${resourceVersion} (${oldest})`);
    this.#write(sink, this.#event("ERROR", error.toStatus()));
    return false;
  }

  #write(sink: StreamSink, frame: Uint8Array): void {
    sink.write(frame);
    this.#meters.events.add();
    this.#meters.sizes.observe(frame.length);
  }

  #selects(entry: Entry): boolean {
    if (this.#name !== "" && entry.name !== this.#name) return false;
    return this.#selection.all || this.#selection.matches(entry);
  }

  /** What this watch sees of a change: objects that enter or leave its selection are added or deleted for it. */
  #frame(change: Change): Uint8Array | undefined {
    if (this.#name !== "" && change.entry.name !== this.#name) return undefined;
    if (this.#selection.all) {
      const type = change.type === "added" ? "ADDED" : change.type === "modified" ? "MODIFIED" : "DELETED";
      return this.#shared(change, type);
    }
    const before = change.previous !== undefined && this.#selection.matches(change.previous);
    if (change.type === "deleted") return before ? this.#shared(change, "DELETED") : undefined;
    const now = this.#selection.matches(change.entry);
    if (now) return this.#shared(change, before ? "MODIFIED" : "ADDED");
    return before ? this.#shared(change, "DELETED") : undefined;
  }

  #shared(change: Change, type: EventType): Uint8Array {
    const key = `${type}${this.#look}${this.#withColumns() ? " columns" : ""}`;
    change.frames ??= new Map();
    let frame = change.frames.get(key);
    if (!frame) {
      // What left the selection is shown as it was last seen, at the revision of its leaving.
      const left = type === "DELETED" && change.type !== "deleted" && change.previous;
      frame = this.#encode(type, left ? this.#call.resource.at(left, change.revision) : change.entry);
      change.frames.set(key, frame);
    }
    this.#columnsTold = true;
    return frame;
  }

  #withColumns(): boolean {
    return this.#call.target.as === "table" && !this.#columnsTold;
  }

  #encode(type: EventType, entry: Entry): Uint8Array {
    const { target, resource } = this.#call;
    if (target.as === "object" && target.format === "protobuf") {
      const bytes = enveloped(resource.apiVersion, resource.def.kind, resource.message(entry));
      return watchFrame(type, bytes);
    }
    if (target.as === "object") {
      const json = resource.json(entry);
      const head = `{"type":"${type}","object":`;
      const out = Buffer.allocUnsafe(head.length + json.length + 2);
      out.write(head, 0, "latin1");
      json.copy(out, head.length);
      out.write("}\n", head.length + json.length, "latin1");
      return out;
    }
    return this.#event(type, this.#transformed(resource.object(entry)));
  }

  #transformed(object: KubeObject): object {
    const { target, resource, core, info } = this.#call;
    if (target.as !== "table") return partialObject(object, target.asVersion);
    const include = includeOf(info.query);
    const metadata = { resourceVersion: object.metadata?.resourceVersion };
    const columns = this.#withColumns();
    return tableOf(resource.def, [object], core.clock.now(), include, target.asVersion, metadata, columns);
  }

  #bookmark(initialEnd: boolean, revision: number): Uint8Array {
    const { resource, target } = this.#call;
    const metadata = {
      resourceVersion: String(revision),
      ...(initialEnd ? { annotations: { "k8s.io/initial-events-end": "true" } } : {}),
    };
    const { kind } = resource.def;
    const object = { kind, apiVersion: resource.apiVersion, metadata } as KubeObject;
    if (target.as === "object") return this.#event("BOOKMARK", object);
    if (target.as === "partial") return this.#event("BOOKMARK", this.#transformed(object));
    return this.#event("BOOKMARK", this.#bookmarkTable(object));
  }

  /** A bookmark is an empty object in Go, so it has a row; columns that cannot be made of nothing leave it out. */
  #bookmarkTable(object: KubeObject): object {
    const empty = { ...object, spec: {}, status: {}, roleRef: {}, involvedObject: {} } as KubeObject;
    try {
      return this.#transformed(empty);
    } catch {
      const { resource, core, target } = this.#call;
      const metadata = { resourceVersion: object.metadata?.resourceVersion };
      const columns = this.#withColumns();
      return tableOf(resource.def, [], core.clock.now(), "None", target.asVersion, metadata, columns);
    }
  }

  #event(type: EventType, object: object): Uint8Array {
    return this.#call.target.format === "protobuf"
      ? watchFrame(type, encodeObject(messages(), object))
      : Buffer.from(`{"type":"${type}","object":${stringifyExact(object)}}\n`);
  }
}
