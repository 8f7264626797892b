import type { KubeObject } from "../../api/index.ts";
import { parseExact } from "../../machinery/index.ts";
import { Budget } from "./budget.ts";
import { type Labels, sharedLabels } from "./shared-labels.ts";

/**
 * Parsed objects are kept until they stand for this many bytes of JSON (parsed, they take three to four times as much). Dropped ones
 * are parsed again on demand.
 */
const budgetBytes = 12 * 1024 * 1024;

const recent = new Budget<Entry>(
  budgetBytes,
  (entry) => entry.json.length,
  (entry) => entry.forget(),
);

/**
 * Objects just written are kept for those who hear of the write and those who update them at once (schedulers, kubelets), but only
 * briefly: most are not read again soon, and short-lived objects cost the garbage collector nothing. This many concurrent writers
 * find what they wrote.
 */
const freshCount = 128;
const fresh: (Entry | undefined)[] = Array.from({ length: freshCount }, () => undefined);
let nextFresh = 0;

function keepFresh(entry: Entry): void {
  fresh[nextFresh]?.forget();
  fresh[nextFresh] = entry;
  nextFresh = (nextFresh + 1) % freshCount;
}

/** Encoded protobuf is kept: many clients read the same objects, and it is half as long as the JSON. */
const messageBytes = 32 * 1024 * 1024;

const recentMessages = new Budget<Entry>(
  messageBytes,
  (entry) => entry.messageLength ?? 0,
  (entry) => entry.forgetMessage(),
);

/** One revision of one object: its bytes, made once, and what has been parsed from them. Immutable. */
export class Entry {
  /** `namespace/name`, or `name` for cluster-scoped objects. */
  readonly key: string;
  /** Mod revision: `metadata.resourceVersion`. */
  readonly revision: number;
  /** The whole object as JSON, with kind, apiVersion and resourceVersion. */
  readonly json: Buffer;
  #object: KubeObject | undefined;
  /** Parsed lazily; null: it has none. */
  #labels: Labels | null | undefined;
  #fields: Record<string, string> | undefined;
  #message: Buffer | undefined;
  /** Length of the protobuf message, once it was made. */
  messageLength: number | undefined;

  constructor(key: string, revision: number, json: Buffer, object: KubeObject | undefined) {
    this.key = key;
    this.revision = revision;
    this.json = json;
    if (object) {
      this.#object = object;
      this.#labels = labelsOf(object);
      keepFresh(this);
    }
  }

  get namespace(): string {
    const slash = this.key.indexOf("/");
    return slash < 0 ? "" : this.key.slice(0, slash);
  }

  get name(): string {
    return this.key.slice(this.key.indexOf("/") + 1);
  }

  /** Shared: read only. */
  get object(): KubeObject {
    if (!this.#object) {
      this.#object = this.copy();
      recent.add(this);
    }
    return this.#object;
  }

  /** A copy that the caller may change. */
  copy(): KubeObject {
    return parseExact(this.json.toString()) as KubeObject;
  }

  /** Kept beyond the object: every list with a selector reads them. */
  get labels(): Labels | undefined {
    this.#labels ??= labelsOf(this.object);
    return this.#labels ?? undefined;
  }

  /** The value of a selectable field, remembered. */
  field(name: string, read: (object: KubeObject) => string): string {
    this.#fields ??= {};
    const known = this.#fields[name];
    if (known !== undefined) return known;
    const value = read(this.object);
    this.#fields[name] = value;
    return value;
  }

  /** The protobuf message, made again after it was dropped. An object parsed only for this is not kept. */
  message(make: (object: KubeObject) => Buffer): Buffer {
    if (this.#message) return this.#message;
    const message = make(this.#object ?? this.copy());
    this.#message = message;
    this.messageLength = message.length;
    recentMessages.add(this);
    return message;
  }

  forgetMessage(): void {
    this.#message = undefined;
  }

  forget(): void {
    this.#object = undefined;
  }
}

function labelsOf({ metadata }: KubeObject): Labels | null {
  return metadata?.labels ? sharedLabels(metadata.labels) : null;
}
