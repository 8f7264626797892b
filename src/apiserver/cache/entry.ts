import type { KubeObject } from "../../api/index.ts";
import { parseExact } from "../../machinery/index.ts";
import { Budget } from "./budget.ts";
import { type Labels, sharedLabels } from "./shared-labels.ts";

/**
 * Objects that were read out of their bytes stay so for a while: as many as this many bytes of JSON stand for (as objects
 * they take three to four times as much). What falls out is read again when somebody asks.
 */
const budgetBytes = 12 * 1024 * 1024;

const recent = new Budget<Entry>(
  budgetBytes,
  (entry) => entry.json.length,
  (entry) => entry.forget(),
);

/**
 * Objects that were just written are there for whoever hears of the write and for who changes them at once (schedulers,
 * kubelets), and no longer: most are not looked at again soon, and what dies young costs nothing. Where as many clients
 * write at once as there are here, each finds what it wrote.
 */
const freshCount = 128;
const fresh: (Entry | undefined)[] = Array.from({ length: freshCount }, () => undefined);
let nextFresh = 0;

function keepFresh(entry: Entry): void {
  fresh[nextFresh]?.forget();
  fresh[nextFresh] = entry;
  nextFresh = (nextFresh + 1) % freshCount;
}

/** Protobuf made of objects: many clients read the same objects in it, and it is half as long as the JSON. */
const messageBytes = 32 * 1024 * 1024;

const recentMessages = new Budget<Entry>(
  messageBytes,
  (entry) => entry.messageLength ?? 0,
  (entry) => entry.forgetMessage(),
);

/** One revision of one object: its bytes, made once, and whatever was read out of them so far. Never changed. */
export class Entry {
  /** `namespace/name`, or `name` for cluster-scoped objects. */
  readonly key: string;
  /** Mod revision: `metadata.resourceVersion`. */
  readonly revision: number;
  /** The whole object as JSON, with kind, apiVersion and resourceVersion. */
  readonly json: Buffer;
  #object: KubeObject | undefined;
  /** null: it has none. */
  #labels: Labels | null | undefined;
  #fields: Record<string, string> | undefined;
  #message: Buffer | undefined;
  /** Of the protobuf message, once it was made. */
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

  /** Shared by everybody who asks: read only. */
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

  /** Kept when the object itself is not: every list with a selector reads them. */
  get labels(): Labels | undefined {
    this.#labels ??= labelsOf(this.object);
    return this.#labels ?? undefined;
  }

  /** The value of a selectable field; read once. */
  field(name: string, read: (object: KubeObject) => string): string {
    this.#fields ??= {};
    const known = this.#fields[name];
    if (known !== undefined) return known;
    const value = read(this.object);
    this.#fields[name] = value;
    return value;
  }

  /** The protobuf message; made anew when it was forgotten. An object that is parsed for this alone is not kept. */
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
