/**
 * A value with its counterpart in the old object, if they can be correlated. It decides which errors an update may keep
 * (KEP-4008; apiserver pkg/cel/common.CorrelatedObject).
 */
import { deepEqual, isObject } from "../../machinery/index.ts";
import { memberOf, ownMember, type SchemaProps } from "./schema-props.ts";

type Key = string | number | bigint | boolean;

export class Correlated {
  readonly value: unknown;
  readonly old: unknown;
  readonly #schema: SchemaProps;
  #equal: boolean | undefined;
  #oldItems: ReadonlyMap<string, unknown> | undefined;

  constructor(schema: SchemaProps, value: unknown, old: unknown) {
    this.#schema = schema;
    this.value = value;
    this.old = old;
  }

  /** A member in both, with a declared name. */
  member(name: string): Correlated | undefined {
    const { value, old } = this;
    if (!isObject(value) || !isObject(old)) return undefined;
    if (!Object.hasOwn(value, name) || !Object.hasOwn(old, name)) return undefined;
    const schema = memberOf(this.#schema, name);
    return schema && new Correlated(schema, value[name], old[name]);
  }

  /** Only items of map-type lists can be correlated. */
  item(index: number): Correlated | undefined {
    const { value, old } = this;
    const { items } = this.#schema;
    if (!items || !Array.isArray(value) || !Array.isArray(old)) return undefined;
    if (this.#schema["x-kubernetes-list-type"] !== "map") return undefined;
    const key = this.#keyOf(value[index]);
    this.#oldItems ??= this.#byKey(old);
    const before = key === undefined ? undefined : this.#oldItems.get(key);
    return before === undefined ? undefined : new Correlated(items, value[index], before);
  }

  /** True when the value is equal at every level. Undeclared content counts as changed. */
  get same(): boolean {
    return (this.#equal ??= this.#compare());
  }

  #compare(): boolean {
    const { value, old } = this;
    if (value === null || old === null) return value === old;
    if (Array.isArray(value) && Array.isArray(old)) {
      if (value.length !== old.length) return false;
      const isMap = this.#schema["x-kubernetes-list-type"] === "map";
      return isMap ? value.every((_, i) => this.item(i)?.same === true) : deepEqual(value, old);
    }
    if (isObject(value) && isObject(old)) {
      const names = Object.keys(value);
      return (
        names.length === Object.keys(old).length && names.every((name) => this.member(name)?.same === true)
      );
    }
    return deepEqual(value, old);
  }

  #byKey(list: readonly unknown[]): ReadonlyMap<string, unknown> {
    const found = new Map<string, unknown>();
    for (const each of list) {
      const key = this.#keyOf(each);
      if (key !== undefined && !found.has(key)) found.set(key, each);
    }
    return found;
  }

  /** Undefined where a part of the key is missing or no scalar. */
  #keyOf(item: unknown): string | undefined {
    if (!isObject(item)) return undefined;
    const keys = (this.#schema["x-kubernetes-list-map-keys"] ?? []).map((name) => ownMember(item, name));
    const scalar = (key: unknown): key is Key => key !== undefined && key !== null && typeof key !== "object";
    return keys.every(scalar) ? keys.map((key) => `${typeof key} ${String(key)}`).join("\0") : undefined;
  }
}
