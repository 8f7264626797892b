/** A store that encrypts values by an EncryptionConfiguration. Its users see plain values only. */
import {
  type KeyValue,
  type NotePart,
  type RangeRequest,
  type RangeResult,
  type Store,
  type StoreEvent,
  type StoreWatch,
  type TxnRequest,
  type TxnResult,
  type WatchRequest,
  type WatchSink,
  UnreadableValueError,
} from "../../store/index.ts";
import { type Opened, Transformers } from "./transformer.ts";

/** The transformers of a resource; undefined: values are plain. */
export type TransformersOf = (group: string, plural: string) => Transformers | undefined;

const plain = new Transformers([]);

/** In kube-apiserver's words. */
function noted(
  note: NotePart | undefined,
  provider: string | undefined,
  encrypt: () => Uint8Array,
): Uint8Array {
  if (!note || provider === undefined) return encrypt();
  const end = note("TransformToStorage with envelopeTransformer", { "transformer.provider.name": provider });
  try {
    const value = encrypt();
    end();
    return value;
  } catch (error) {
    end(error);
    throw error;
  }
}

export class EncryptedStore implements Store {
  readonly #store: Store;
  #choose: TransformersOf;
  readonly #watched: (transformers: Transformers, resource: string) => Transformers;
  /** By `/registry/GROUP/PLURAL/`. */
  #chosen = new Map<string, Transformers>();
  /** The mark of each value that is not plain. */
  readonly #marks = new Map<string, string>();
  /** Plain text of values that this server wrote, by their bytes: they need not be decrypted again. */
  readonly #own = new WeakMap<Uint8Array, Opened>();

  /** `watched`: the metrics of a resource (`deployments.apps`). */
  constructor(
    store: Store,
    choose: TransformersOf,
    watched: (transformers: Transformers, resource: string) => Transformers = (each) => each,
  ) {
    this.#store = store;
    this.#choose = choose;
    this.#watched = watched;
  }

  /** Replaces the transformers; the new ones also read existing values. */
  configure(choose: TransformersOf): void {
    this.#choose = choose;
    this.#chosen = new Map();
  }

  /** True for a value that would be written differently now, so that even an unchanged write has an effect. */
  isStale(key: string): boolean {
    return (this.#marks.get(key) ?? "") !== this.#of(key).mark;
  }

  get revision(): number {
    return this.#store.revision;
  }

  get compactedRevision(): number {
    return this.#store.compactedRevision;
  }

  async range(request: RangeRequest): Promise<RangeResult> {
    const result = await this.#store.range(request);
    const items: KeyValue[] = [];
    const current = request.revision === undefined || request.revision === result.revision;
    for (const kv of result.items) {
      const opened = this.#open(kv);
      const { value, mark } = opened instanceof Promise ? await opened : opened;
      // A past version says nothing about how the current one was written.
      if (current || !this.#marks.has(kv.key)) this.#note(kv.key, mark);
      items.push(value);
    }
    return { ...result, items };
  }

  async txn(request: TxnRequest, note?: NotePart): Promise<TxnResult> {
    const then = request.then.map((write) => {
      if (write.type === "delete") return write;
      const transformers = this.#of(write.key);
      const value = noted(note, transformers.writer.provider, () =>
        transformers.encrypt(write.value, write.key),
      );
      if (value !== write.value) this.#own.set(value, { plain: write.value, mark: transformers.mark });
      return { ...write, value };
    });
    const result = await this.#store.txn({ ...request, then });
    if (result.succeeded) return result;
    const current = await Promise.all(
      result.current.map(async (kv) => (kv ? (await this.#open(kv)).value : undefined)),
    );
    return { ...result, current };
  }

  watch(request: WatchRequest, sink: WatchSink): StoreWatch {
    /** Set while a value waits for its key: later events wait, too. */
    let before: Promise<void> | undefined;
    let closed = false;
    let broken = false;
    let inner: StoreWatch | undefined;
    const fail = (error: unknown): void => {
      if (closed) return;
      closed = true;
      inner?.close();
      sink.onError(error as Error);
    };
    const deliver = (events: readonly StoreEvent[], revision: number): void => {
      if (!closed && !broken) sink.onEvents(events, revision);
    };
    inner = this.#store.watch(request, {
      onError: (error) => {
        if (before) void before.then(() => fail(error));
        else fail(error);
      },
      onEvents: (events, revision) => {
        try {
          const opened = events.map((event) => this.#event(event));
          if (!before && !opened.some((each) => each instanceof Promise)) {
            deliver(opened as StoreEvent[], revision);
            return;
          }
          const mine = (before ?? Promise.resolve())
            .then(async () => deliver(await Promise.all(opened.map(async (each) => each)), revision))
            .catch(fail)
            .finally(() => {
              if (before === mine) before = undefined;
            });
          before = mine;
        } catch (error) {
          // Later events must not overtake it.
          broken = true;
          queueMicrotask(() => fail(error));
        }
      },
    });
    return {
      close() {
        closed = true;
        inner?.close();
      },
    };
  }

  compact(revision: number): Promise<void> {
    return this.#store.compact(revision);
  }

  grantLease(ttlSeconds: number): Promise<number> {
    return this.#store.grantLease(ttlSeconds);
  }

  revokeLease(id: number): Promise<void> {
    return this.#store.revokeLease(id);
  }

  size(): Promise<number> {
    return this.#store.size();
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  #event(event: StoreEvent): StoreEvent | Promise<StoreEvent> {
    const previous = event.previous && this.#open(event.previous);
    if (event.type === "delete") {
      this.#marks.delete(event.key);
      if (!previous) return event;
      if (!(previous instanceof Promise)) return { ...event, previous: previous.value };
      return previous.then(({ value }) => ({ ...event, previous: value }));
    }
    const opened = this.#open(event.kv);
    const made = (
      { value, mark }: { value: KeyValue; mark: string },
      former: { value: KeyValue } | undefined,
    ): StoreEvent => {
      this.#note(event.kv.key, mark);
      return { ...event, kv: value, ...(former ? { previous: former.value } : {}) };
    };
    if (!(opened instanceof Promise) && !(previous instanceof Promise)) return made(opened, previous);
    return Promise.all([opened, previous]).then(([now, former]) => made(now, former));
  }

  #open(kv: KeyValue): { value: KeyValue; mark: string } | Promise<{ value: KeyValue; mark: string }> {
    const transformers = this.#of(kv.key);
    const own = this.#own.get(kv.value);
    if (own) return { value: { ...kv, value: own.plain }, mark: own.mark };
    const as = ({ plain: value, mark }: Opened): { value: KeyValue; mark: string } => ({
      value: value === kv.value ? kv : { ...kv, value },
      mark,
    });
    const named = (cause: unknown): Error =>
      new UnreadableValueError(`${kv.key} cannot be read: ${(cause as Error).message}`, { cause });
    try {
      const opened = transformers.decrypt(kv.value, kv.key);
      if (!(opened instanceof Promise)) return as(opened);
      return opened.then(as, (cause: unknown) => {
        throw named(cause);
      });
    } catch (cause) {
      throw named(cause);
    }
  }

  #note(key: string, mark: string): void {
    if (mark === "") this.#marks.delete(key);
    else this.#marks.set(key, mark);
  }

  #of(key: string): Transformers {
    const [, registry, group = "", plural = ""] = key.split("/", 4);
    if (registry !== "registry" || plural === "") return plain;
    const resource = `${group}/${plural}`;
    let found = this.#chosen.get(resource);
    if (!found) {
      const ownGroup = group === "core" ? "" : group;
      const chosen = this.#choose(ownGroup, plural);
      found = chosen ? this.#watched(chosen, ownGroup === "" ? plural : `${plural}.${ownGroup}`) : plain;
      this.#chosen.set(resource, found);
    }
    return found;
  }
}
