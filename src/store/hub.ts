import {
  CompactedError,
  type StoreEvent,
  type StoreWatch,
  type WatchRequest,
  type WatchSink,
} from "./contract.ts";

/** The events of one transaction. */
export interface Commit {
  revision: number;
  events: readonly StoreEvent[];
}

/** Where a hub reads the events before a watch began. */
export interface History {
  readonly revision: number;
  readonly compactedRevision: number;
  /**
   * Commits with `after` < revision <= `until`, oldest first: of many only the first ones, at least one. Throws
   * CompactedError.
   */
  since(after: number, until: number): Promise<readonly Commit[]> | readonly Commit[];
}

interface Watcher {
  request: WatchRequest;
  sink: WatchSink;
  /** Commits that came while the history was being read; undefined once the watch is live. */
  waiting: Commit[] | undefined;
  closed: boolean;
}

/** Delivers every commit to every watch of its keys: first the history, then live, without gap or repetition. */
export class Hub {
  readonly #history: History;
  readonly #watchers = new Set<Watcher>();

  constructor(history: History) {
    this.#history = history;
  }

  /** True when some watch wants previous values. */
  get wantsPrevious(): boolean {
    for (const watcher of this.#watchers) if (watcher.request.previous) return true;
    return false;
  }

  watch(request: WatchRequest, sink: WatchSink): StoreWatch {
    const watcher: Watcher = { request, sink, waiting: undefined, closed: false };
    this.#watchers.add(watcher);
    if (request.after < this.#history.revision || request.after < this.#history.compactedRevision) {
      watcher.waiting = [];
      void this.#catchUp(watcher, this.#history.revision);
    }
    return {
      close: () => {
        watcher.closed = true;
        this.#watchers.delete(watcher);
      },
    };
  }

  publish(commit: Commit): void {
    for (const watcher of this.#watchers) {
      if (watcher.waiting) watcher.waiting.push(commit);
      else this.#deliver(watcher, commit);
    }
  }

  close(): void {
    for (const watcher of this.#watchers) watcher.closed = true;
    this.#watchers.clear();
  }

  /** Ends every watch: events can no longer be delivered. */
  fail(error: Error): void {
    const watchers = [...this.#watchers];
    this.close();
    for (const { sink } of watchers) sink.onError(error);
  }

  async #catchUp(watcher: Watcher, until: number): Promise<void> {
    try {
      if (watcher.request.after < this.#history.compactedRevision) {
        throw new CompactedError(this.#history.compactedRevision);
      }
      for (let at = watcher.request.after; at < until && !watcher.closed; ) {
        const commits = await this.#history.since(at, until);
        for (const commit of commits) this.#deliver(watcher, commit);
        at = commits.at(-1)?.revision ?? until;
      }
      const waiting = watcher.waiting ?? [];
      watcher.waiting = undefined;
      for (const commit of waiting) if (commit.revision > until) this.#deliver(watcher, commit);
    } catch (error) {
      this.#watchers.delete(watcher);
      if (watcher.closed) return;
      watcher.closed = true;
      watcher.sink.onError(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #deliver(watcher: Watcher, commit: Commit): void {
    if (watcher.closed || commit.revision <= watcher.request.after) return;
    const { from, to, previous } = watcher.request;
    const wanted = commit.events.filter((event) => {
      const key = event.type === "put" ? event.kv.key : event.key;
      return to === undefined ? key === from : key >= from && key < to;
    });
    if (wanted.length === 0) return;
    watcher.sink.onEvents(previous ? wanted : wanted.map(withoutPrevious), commit.revision);
  }
}

function withoutPrevious(event: StoreEvent): StoreEvent {
  if (event.previous === undefined) return event;
  return event.type === "put"
    ? { type: "put", kv: event.kv }
    : { type: "delete", key: event.key, revision: event.revision };
}
