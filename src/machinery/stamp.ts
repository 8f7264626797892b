/**
 * Associates data with an object privately: not as a property, not copied, and possible for frozen objects. Like a WeakMap, but
 * V8's minor collections treat everything reachable from an old WeakMap as alive, so that data of short-lived objects would stay
 * until a full collection.
 */
export interface Stamp<K extends object, V> {
  get(object: K): V | undefined;
  set(object: K, value: V): void;
  /** Removes the data. */
  clear(object: K): void;
}

/** A derived class adds its private members to the object it is given (constructors may return any object). */
class Given {
  constructor(object: object) {
    return object;
  }
}

/** Creates a new association. */
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
