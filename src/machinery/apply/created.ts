/**
 * The fields of a new object, as the JSON of their set: equals `compare` with nothing, in one pass without a node per field.
 * Nearly every create takes this path.
 */
import { equalValues } from "./compare.ts";
import { isEmptySet, type FieldSet } from "./field-set.ts";
import { itemsBySteps, onlyStep } from "./list-items.ts";
import { compareElements, fieldElement } from "./path-element.ts";
import {
  type FieldShape,
  formOf,
  isMembers,
  type ListShape,
  type MapShape,
  type Members,
  type Shape,
  shown,
} from "./shape.ts";

const leafText = "{}";
const memberText = '".":{}';

/** Must be escaped in a JSON string. */
// biome-ignore lint: control characters are what is looked for
const unsafe = /["\\\u0000-\u001f\ud800-\udfff]/;

const quoted = (step: string): string => (unsafe.test(step) ? JSON.stringify(step) : `"${step}"`);

/**
 * The JSON of the set of all fields in `object` except those in `skip`, where a member includes everything below it. `typed` as
 * in `compare`. Undefined for the few objects that need `compare`. Throws `UnkeyedItem`.
 */
export function createdText(
  shape: Shape,
  object: object,
  typed: boolean,
  skip: FieldSet,
): string | undefined {
  if (!shape.map || shape.map.atomic || !isMembers(object)) return undefined;
  const walk = new Walk(typed);
  const text = walk.newMembers(shape.map, object, skip);
  return walk.odd ? undefined : (text ?? leafText);
}

/** More children are sorted by the standard library. */
const few = 64;

/**
 * The children of the nodes on the current path, each node's in canonical order, behind those of the nodes above. Shared, since a
 * list per node would be most of the garbage of a creation.
 */
class Children {
  readonly #texts: string[] = [];
  /** Ranks of fields in their struct. */
  readonly #ranks: number[] = [];
  /** Path elements of map entries and list items. */
  readonly #steps: string[] = [];
  /** Where the next child goes, and a new node's children begin. */
  top = 0;

  /** Inserts a field of a struct whose children begin at `from`. */
  addField(from: number, { rank, quoted: name }: FieldShape, text: string): void {
    let at = this.top++;
    for (; at > from && (this.#ranks[at - 1] as number) > rank; at--) {
      this.#ranks[at] = this.#ranks[at - 1] as number;
      this.#texts[at] = this.#texts[at - 1] as string;
    }
    this.#ranks[at] = rank;
    this.#texts[at] = `${name}:${text}`;
  }

  /** Appends a map entry or list item. */
  addStep(from: number, step: string, text: string): void {
    let at = this.top++;
    const least = at - from < few ? from : at;
    for (; at > least && compareElements(this.#steps[at - 1] as string, step) > 0; at--) {
      this.#steps[at] = this.#steps[at - 1] as string;
      this.#texts[at] = this.#texts[at - 1] as string;
    }
    this.#steps[at] = step;
    this.#texts[at] = `${quoted(step)}:${text}`;
  }

  /** Completes the node whose children begin at `from`. `steps`: they are entries or items. */
  node(from: number, member: boolean, steps: boolean): string | undefined {
    const { top } = this;
    this.top = from;
    if (top === from) return member ? leafText : undefined;
    if (steps && top - from > few) this.#sort(from, top);
    let text = member ? `{${memberText}` : `{${this.#texts[from] as string}`;
    for (let at = member ? from : from + 1; at < top; at++) text += `,${this.#texts[at] as string}`;
    return `${text}}`;
  }

  #sort(from: number, top: number): void {
    const order = this.#steps
      .slice(from, top)
      .map((step, i) => ({ step, text: this.#texts[from + i] as string }));
    order.sort((a, b) => compareElements(a.step, b.step));
    for (const [i, { text }] of order.entries()) this.#texts[from + i] = text;
  }
}

class Walk {
  readonly #typed: boolean;
  readonly #children = new Children();
  /** Something was found that needs `compare`. */
  odd = false;

  constructor(typed: boolean) {
    this.#typed = typed;
  }

  /** Members where there were only implied ones. */
  newMembers(map: MapShape, value: Members, skip: FieldSet | undefined): string | undefined {
    const from = this.#children.top;
    for (const name in value) {
      const field = map.field(name);
      const shape = field?.shape ?? map.element;
      if (!shape) continue;
      const step = field?.step ?? fieldElement(name);
      const below = skip?.[step];
      const seen = field && this.#typed;
      const now = seen ? shown(field, value[name]) : value[name];
      if (now === undefined) continue;
      if (below && isEmptySet(below)) {
        // Not owned, but its items must have unique keys.
        this.#whole(shape, now, undefined);
        continue;
      }
      const was = seen ? field.implied : undefined;
      const text = was === undefined ? this.#whole(shape, now, below) : this.#changed(shape, was, now, below);
      if (text !== undefined) this.#add(from, map, field, step, text);
    }
    return this.#children.node(from, false, map.element !== undefined);
  }

  #add(from: number, map: MapShape, field: FieldShape | undefined, step: string, text: string): void {
    if (field && !map.element) this.#children.addField(from, field, text);
    else this.#children.addStep(from, step, text);
  }

  /** A value in the place of Go's zero value: `{}`, zeros, null. */
  #changed(shape: Shape, was: unknown, now: unknown, skip: FieldSet | undefined): string | undefined {
    if (was === now) return undefined;
    const form = formOf(shape, now);
    if (now === null || (was !== null && formOf(shape, was) !== form)) {
      this.odd = true;
      return undefined;
    }
    if (form === "map" && shape.map && !shape.map.atomic && isMembers(now) && !isEmptySet(now as FieldSet)) {
      return this.newMembers(shape.map, now, skip);
    }
    if (
      form === "list" &&
      shape.list &&
      shape.list.relation !== "atomic" &&
      Array.isArray(now) &&
      now.length > 0
    )
      return this.#items(shape.list, now, false);
    return equalValues(shape, was, now, this.#typed) ? undefined : leafText;
  }

  /** A new value, itself included. */
  #whole(shape: Shape, value: unknown, skip: FieldSet | undefined): string | undefined {
    if (typeof value !== "object" || value === null) return leafText;
    const form = formOf(shape, value);
    if (form === "map" && isMembers(value)) {
      const map = shape.map as MapShape;
      return map.atomic ? leafText : this.#wholeMembers(map, value, skip);
    }
    if (form === "list" && Array.isArray(value)) {
      const list = shape.list as ListShape;
      return list.relation === "atomic" ? leafText : this.#items(list, value, true);
    }
    return leafText;
  }

  #wholeMembers(map: MapShape, value: Members, skip: FieldSet | undefined): string | undefined {
    const from = this.#children.top;
    for (const name in value) {
      const field = map.field(name);
      const shape = field?.shape ?? map.element;
      if (!shape) continue;
      const seen = field && this.#typed ? shown(field, value[name]) : value[name];
      if (seen === undefined) continue;
      const step = field?.step ?? fieldElement(name);
      const below = skip?.[step];
      const text = this.#whole(shape, seen, below);
      if (text !== undefined && !(below && isEmptySet(below))) this.#add(from, map, field, step, text);
    }
    if (this.#typed) {
      for (const field of map.implied) {
        if (field.name in value) continue;
        const below = skip?.[field.step];
        if (below && isEmptySet(below)) continue;
        const text = this.#whole(field.shape, field.implied, below);
        if (text !== undefined) this.#add(from, map, field, field.step, text);
      }
    }
    return this.#children.node(from, !skip || !("." in skip), map.element !== undefined);
  }

  #items(list: ListShape, value: readonly unknown[], member: boolean): string | undefined {
    const from = this.#children.top;
    if (value.length === 1) {
      const step = onlyStep(list, value[0]);
      const text = this.#whole(list.element, value[0], undefined);
      if (text !== undefined) this.#children.addStep(from, step, text);
      return this.#children.node(from, member, true);
    }
    for (const [step, items] of itemsBySteps(list, value)) {
      const text = items.length > 1 ? leafText : this.#whole(list.element, items[0], undefined);
      if (text !== undefined) this.#children.addStep(from, step, text);
    }
    return this.#children.node(from, member, true);
  }
}
