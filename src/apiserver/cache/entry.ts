import type { KubeObject } from "../../api/index.ts";

/**
 * Objects that were read out of their bytes stay so for a while: as many as this many bytes of JSON stand for (as objects
 * they take three to four times as much). What falls out is read again when somebody asks.
 */
const budgetBytes = 12 * 1024 * 1024;

class Recent {
  #entries: Entry[] = [];
  #first = 0;
  #bytes = 0;

  add(entry: Entry): void {
    this.#entries.push(entry);
    this.#bytes += entry.json.length;
    while (this.#bytes > budgetBytes && this.#entries.length - this.#first > 1) {
      const oldest = this.#entries[this.#first++] as Entry;
      this.#bytes -= oldest.json.length;
      oldest.forget();
    }
    if (this.#first > 1024 && this.#first * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
  }
}

const recent = new Recent();

/** One revision of one object: its bytes, made once, and whatever was read out of them so far. Never changed. */
export class Entry {
  /** `namespace/name`, or `name` for cluster-scoped objects. */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  /** Mod revision: `metadata.resourceVersion`. */
  readonly revision: number;
  /** The whole object as JSON, with kind, apiVersion and resourceVersion. */
  readonly json: Buffer;
  #object: KubeObject | undefined;
  /** null: it has none. */
  #labels: Readonly<Record<string, string>> | null | undefined;
  #fields: Record<string, string> | undefined;

  constructor(key: string, revision: number, json: Buffer, object: KubeObject | undefined) {
    const slash = key.indexOf("/");
    this.key = key;
    this.namespace = slash < 0 ? "" : key.slice(0, slash);
    this.name = slash < 0 ? key : key.slice(slash + 1);
    this.revision = revision;
    this.json = json;
    if (object) {
      this.#object = object;
      this.#labels = object.metadata?.labels ?? null;
      recent.add(this);
    }
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
    return JSON.parse(this.json.toString()) as KubeObject;
  }

  /** Kept when the object itself is not: every list with a selector reads them. */
  get labels(): Readonly<Record<string, string>> | undefined {
    this.#labels ??= this.object.metadata?.labels ?? null;
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

  forget(): void {
    this.#object = undefined;
  }
}
