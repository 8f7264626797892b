import type { KubeObject } from "../../api/index.ts";

export type IndexFunction<T> = (object: T) => readonly string[];

/** `namespace/name`, or the name alone for cluster-scoped objects. */
export function keyOf(object: KubeObject): string {
  const { namespace, name = "" } = object.metadata ?? {};
  return namespace ? `${namespace}/${name}` : name;
}

export function splitKey(key: string): { namespace: string | undefined; name: string } {
  const slash = key.indexOf("/");
  return slash < 0
    ? { namespace: undefined, name: key }
    : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

const none: readonly never[] = [];

/** Objects by key, and by the indexes that were added. */
export class ObjectCache<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, { fn: IndexFunction<T>; values: Map<string, Set<T>> }>();

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  keys(): IterableIterator<string> {
    return this.#objects.keys();
  }

  values(): T[] {
    return [...this.#objects.values()];
  }

  byIndex(name: string, value: string): T[] {
    const index = this.#indexes.get(name);
    if (!index) throw new Error(`no index called ${name}`);
    return [...(index.values.get(value) ?? none)];
  }

  /** A second index of the same name is ignored. */
  addIndex(name: string, fn: IndexFunction<T>): void {
    if (this.#indexes.has(name)) return;
    this.#indexes.set(name, { fn, values: new Map() });
    for (const object of this.#objects.values()) this.#link(name, object);
  }

  /** Returns the previous object. */
  set(key: string, object: T): T | undefined {
    const old = this.#objects.get(key);
    if (old) for (const name of this.#indexes.keys()) this.#unlink(name, old);
    this.#objects.set(key, object);
    for (const name of this.#indexes.keys()) this.#link(name, object);
    return old;
  }

  delete(key: string): T | undefined {
    const old = this.#objects.get(key);
    if (!old) return undefined;
    this.#objects.delete(key);
    for (const name of this.#indexes.keys()) this.#unlink(name, old);
    return old;
  }

  #link(name: string, object: T): void {
    const index = this.#indexes.get(name);
    for (const value of index?.fn(object) ?? none) {
      const set = index?.values.get(value);
      if (set) set.add(object);
      else index?.values.set(value, new Set([object]));
    }
  }

  #unlink(name: string, object: T): void {
    const index = this.#indexes.get(name);
    for (const value of index?.fn(object) ?? none) {
      const set = index?.values.get(value);
      set?.delete(object);
      if (set?.size === 0) index?.values.delete(value);
    }
  }
}
