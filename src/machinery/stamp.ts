/**
 * What is known of an object, kept with the object itself where nobody else sees it: it is no property, goes into no copy and may be
 * given to a frozen object. A WeakMap says the same, but V8's collector of young objects takes whatever an old WeakMap leads to for
 * alive: what is known of short-lived objects, and all it leads to, would stay until the whole heap is collected.
 */
export interface Stamp<K extends object, V> {
  get(object: K): V | undefined;
  set(object: K, value: V): void;
  /** Forgets what is known. */
  clear(object: K): void;
}

/** A class derived from this one puts its private members into the object it is given (a constructor may return what it likes). */
class Given {
  constructor(object: object) {
    return object;
  }
}

/** A new kind of thing to know. */
export function stamp<K extends object, V>(): Stamp<K, V> {
  class Stamped extends Given {
    #value: V | undefined = undefined;

    static get(object: object): V | undefined {
      return #value in object ? object.#value : undefined;
    }

    static set(object: object, value: V): void {
      if (#value in object) object.#value = value;
      else new Stamped(object).#value = value;
    }

    static clear(object: object): void {
      if (#value in object) object.#value = undefined;
    }
  }
  return Stamped;
}
