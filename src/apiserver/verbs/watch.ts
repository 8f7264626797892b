import { StatusError } from "../../machinery/index.ts";
import type { Timer } from "../../machinery/index.ts";
import type { Entry } from "../cache/entry.ts";
import type { Change } from "../cache/watch-cache.ts";
import { ConvertedSource } from "../conversion/converted-source.ts";
import { isTrue } from "../request-info.ts";
import { protobufType } from "../codec/protobuf/envelope.ts";
import type { Call } from "../core.ts";
import { notStreamed } from "../errors.ts";
import type { WatchMeters } from "../metrics/watches.ts";
import type { Answer, PushStream, StreamSink } from "../response.ts";
import { includeOf } from "../tables/render.ts";
import { CachedSource } from "./cached-source.ts";
import { EventFrames } from "./event-frames.ts";
import { type WatchSpans, watchSpans } from "../tracing/watch-spans.ts";
import {
  checkWatchVersion,
  type ListOptions,
  readListOptions,
  type Selection,
  tooLargeVersion,
} from "./list-options.ts";

/** A watcher with a longer backlog is cut off, and lists and watches again. */
const maxBacklogBytes = 64 * 1024 * 1024;
/** Interval of bookmarks. */
const bookmarkMs = 60_000;
const usualSeconds = 1800;

export async function watch(call: Call): Promise<Answer> {
  const { info, core, resource } = call;
  const options = readListOptions(call, true);
  checkWatchVersion(options);
  core.caches.readiness.check();
  const sendInitial = info.query.get("sendInitialEvents");
  // KEP-3157: a watch without resourceVersion begins with the state, as if it had asked for it.
  const wantsInitial = sendInitial === null ? !options.resourceVersion : isTrue(sendInitial);
  const bookmarks = isTrue(info.query.get("allowWatchBookmarks"));
  // Only an initial state must be as new as was asked for; a watch from a future revision waits for it.
  const { resourceVersion } = options;
  if (wantsInitial && resourceVersion && !(await core.caches.reaches(resourceVersion, 3000))) {
    throw tooLargeVersion(resourceVersion, core.caches.revision);
  }
  if (wantsInitial && resource.def.type) await readState(call);
  if (call.target.as === "table") includeOf(info.query);
  if (call.target.format === "yaml") throw notStreamed();
  const { minRequestSeconds = usualSeconds } = core;
  const timeoutMs = givenMs(options.timeoutSeconds) ?? 1000 * minRequestSeconds * (1 + core.random());
  return {
    status: 200,
    headers: { "content-type": streamTypes[call.target.format], "cache-control": "no-cache, private" },
    body: new WatchStream(call, options, { wantsInitial, bookmarks, timeoutMs }),
  };
}

/** Longer than a timer can be set for. */
const longestMs = 2 ** 31 - 1;

/** Undefined if none was given. Nanoseconds are counted in 64 bits, as in Go: what is negative then is over at once. */
function givenMs(seconds: number | bigint): number | undefined {
  if (!seconds) return undefined;
  const nanoseconds = BigInt.asIntN(64, BigInt(seconds) * 1_000_000_000n);
  return Math.min(Math.max(Number(nanoseconds / 1_000_000n), 0), longestMs);
}

/** Throws where the initial state cannot be shown, in the words of a cache that is not filled. */
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
  readonly #frames: EventFrames;
  readonly #name: string;
  /** "": all namespaces. A Namespace is itself in none, although its path names one. */
  readonly #namespace: string;
  readonly #meters: WatchMeters;
  readonly #began: number;
  /** Aborts when the caches no longer follow the store. */
  readonly #following: AbortSignal;
  #spans: WatchSpans | undefined;

  constructor(call: Call, options: ListOptions, settings: WatchSettings) {
    this.#call = call;
    this.#began = call.core.clock.monotonic();
    this.#options = options;
    this.#selection = options.selection;
    this.#settings = settings;
    const { info, resource } = call;
    this.#frames = new EventFrames(call);
    this.#name = info.name;
    this.#meters = call.core.meters.watches.of(resource.def);
    this.#namespace = resource.def.namespaced ? info.namespace : "";
    this.#following = call.core.caches.readiness.following;
  }

  start(sink: StreamSink): () => void {
    const { core, resource } = this.#call;
    const namespace = this.#namespace;
    const from = this.#settings.wantsInitial ? 0 : (this.#options.resourceVersion ?? 0);
    this.#spans = watchSpans(this.#call.request, {
      info: this.#call.info,
      resource,
      lists: this.#settings.wantsInitial && this.#settings.bookmarks,
    });
    const ends = [resource.retired, this.#following];
    let ended = false;
    let bookmarkTimer: Timer | undefined;
    const stop = (): void => {
      ended = true;
      this.#spans?.listed();
      source.stop();
      timeout?.stop();
      bookmarkTimer?.stop();
      for (const end of ends) end.removeEventListener("abort", finish);
      leave();
    };
    const finish = (): void => {
      if (ended) return;
      stop();
      sink.end();
    };
    const leave = core.watchEnds.add(finish);
    const cutOff = (): void => {
      if (!ended) this.#meters.cutOff();
      finish();
    };
    /** False for an object that cannot be decoded: its version is no longer defined. */
    const tried = <T>(act: () => T): T | false => {
      try {
        return act();
      } catch (error) {
        core.log.warn("a watch cannot go on", { path: this.#call.request.path, error });
        finish();
        return false;
      }
    };
    const tell = (change: Change, live = true): void => {
      if (ended) return;
      if (namespace !== "" && change.entry.namespace !== namespace) return;
      const frame = tried(() => this.#frame(change, live));
      if (!frame) return;
      this.#write(sink, frame);
      // Too slow: it had better list again than fill the memory.
      if (sink.backlog > maxBacklogBytes) cutOff();
    };
    const { view } = resource;
    // A watch from a future revision waits for it.
    const source = view
      ? new ConvertedSource(view, core.clock, Math.max(from, core.caches.revision), tell, finish)
      : new CachedSource(resource.cache, from, maxBacklogBytes, tell, cutOff);
    const { timeoutMs } = this.#settings;
    const timeout = timeoutMs > 0 ? core.clock.timer(timeoutMs, finish) : undefined;
    for (const end of ends) end.addEventListener("abort", finish, { once: true });
    // Without a timeout it ends after its initial events.
    const told = timeoutMs > 0 ? () => {} : finish;
    const begun =
      source instanceof ConvertedSource
        ? this.#beginConverted(sink, source, told)
        : this.#begin(sink, source, (next) => tried(next), told);
    if (!begun) finish();
    else if (this.#settings.bookmarks && !ended) {
      const mark = (): void => {
        const { revision } = core.caches;
        source.whenTold(() => this.#write(sink, this.#frames.bookmark(false, revision)));
        bookmarkTimer = core.clock.timer(bookmarkMs, mark);
      };
      bookmarkTimer = core.clock.timer(bookmarkMs, mark);
    }
    this.#spans?.placed();
    if (core.watchEnds.over || ends.some(({ aborted }) => aborted)) finish();
    return () => {
      if (!ended) stop();
    };
  }

  /** Sends the initial events: the state, or the changes since. False when the history is too short. */
  #begin(
    sink: StreamSink,
    source: CachedSource,
    tried: (next: () => boolean) => boolean,
    told: () => void,
  ): boolean {
    const { resource, core } = this.#call;
    const { resourceVersion } = this.#options;
    let at = 0;
    if (this.#settings.wantsInitial) {
      // The state as synthetic ADDED events, then the changes.
      const entries = resource.cache.list(this.#namespace);
      const { revision } = core.caches;
      const next = (): boolean => {
        const entry = entries[at++];
        if (entry && this.#selects(entry)) this.#writeParts(sink, this.#frames.added(entry));
        return entry !== undefined;
      };
      source.begin(
        sink,
        () => tried(next),
        () => {
          this.#listed(sink, revision);
          told();
        },
      );
      return true;
    }
    const missed = resourceVersion ? resource.cache.since(resourceVersion) : [];
    if (!missed) return this.#tooOld(sink, resourceVersion as number);
    const next = (): boolean => {
      const change = missed[at++];
      const mine = change && (this.#namespace === "" || change.entry.namespace === this.#namespace);
      const frame = mine && this.#frame(change, false);
      if (frame) this.#write(sink, frame);
      return change !== undefined;
    };
    source.begin(sink, () => tried(next), told);
    return true;
  }

  /** The same where a webhook converts: the initial events are sent when all are converted. */
  #beginConverted(sink: StreamSink, source: ConvertedSource, told: () => void): boolean {
    const { resource, info } = this.#call;
    const { resourceVersion } = this.#options;
    if (this.#settings.wantsInitial) {
      const { revision } = this.#call.core.caches;
      const state = resource.cache.list(info.namespace).map((entry): Change => {
        return { type: "added", revision: entry.revision, entry, previous: undefined, frames: undefined };
      });
      source.begin(state, () => {
        this.#listed(sink, revision);
        told();
      });
      return true;
    }
    const missed = resourceVersion ? resource.cache.since(resourceVersion) : [];
    if (!missed) return this.#tooOld(sink, resourceVersion as number);
    source.begin(missed, told);
    return true;
  }

  /** The initial state was of this revision: sends the bookmark that ends it, if bookmarks are allowed. */
  #listed(sink: StreamSink, revision: number): void {
    if (!this.#settings.bookmarks) return;
    this.#write(sink, this.#frames.bookmark(true, revision));
    const { core, resource, info } = this.#call;
    const scope = info.name !== "" ? "resource" : info.namespace !== "" ? "namespace" : "cluster";
    this.#spans?.listed();
    core.meters.watches.listed(resource.def, scope, core.clock.monotonic() - this.#began);
  }

  #tooOld(sink: StreamSink, resourceVersion: number): false {
    const oldest = this.#call.resource.cache.floor;
    const error = new StatusError("Expired", `too old resource version: ${resourceVersion} (${oldest})`);
    this.#write(sink, this.#frames.event("ERROR", error.toStatus()));
    return false;
  }

  #write(sink: StreamSink, frame: Uint8Array): void {
    sink.write(frame);
    this.#meters.events.add();
    this.#meters.sizes.observe(frame.length);
  }

  #writeParts(sink: StreamSink, parts: Uint8Array[]): void {
    sink.writeParts(parts);
    this.#meters.events.add();
    this.#meters.sizes.observe(parts.reduce((sum, { length }) => sum + length, 0));
  }

  #selects(entry: Entry): boolean {
    if (this.#name !== "" && entry.name !== this.#name) return false;
    return this.#selection.all || this.#selection.matches(entry);
  }

  /** A change as this watch sees it: an object that begins or ceases to match the selector is ADDED or DELETED. */
  #frame(change: Change, keep: boolean): Uint8Array | undefined {
    if (this.#name !== "" && change.entry.name !== this.#name) return undefined;
    if (this.#selection.all) {
      const type = change.type === "added" ? "ADDED" : change.type === "modified" ? "MODIFIED" : "DELETED";
      return this.#frames.of(change, type, keep);
    }
    const before = change.previous !== undefined && this.#selection.matches(change.previous);
    if (change.type === "deleted") return before ? this.#frames.of(change, "DELETED", keep) : undefined;
    const now = this.#selection.matches(change.entry);
    if (now) return this.#frames.of(change, before ? "MODIFIED" : "ADDED", keep);
    return before ? this.#frames.of(change, "DELETED", keep) : undefined;
  }
}
