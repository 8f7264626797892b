/** Estimates the maximum cost of an expression before it runs (cel-go checker/cost.go). */
import type { CelType } from "../types.ts";
import { costOf, type Estimate, type Operand } from "./calls.ts";
import { type Chosen, type Form, gathered } from "./form.ts";
import { Path } from "./path.ts";
import { either, exactly, most, nothing, one, product, type Range, sum, unknown } from "./range.ts";

/** Maximum size of the value at a path (characters, items, entries); undefined when unknown. */
export type SizeOfPath = (path: readonly string[]) => number | undefined;

/** Sizes of the content of a list or map. */
interface Inner {
  readonly kind: "list" | "map";
  readonly key: Range;
  readonly value: Range;
}

interface Local {
  readonly path: Path;
  readonly size: Range | undefined;
  readonly inner: Inner | undefined;
}

export const worstCost = (form: Form, sizeOfPath: SizeOfPath): number =>
  new Estimator(sizeOfPath).cost(form).max;

const scalars = new Set(["bool", "double", "duration", "int", "timestamp", "uint"]);
const isScalar = (type: CelType): boolean =>
  type.kind === "optional" ? isScalar(type.of) : type.kind === "simple" && scalars.has(type.name);

/** Size of a literal. */
function writtenSize(form: Form): number | undefined {
  switch (form.kind) {
    case "constant": {
      const { value } = form;
      return typeof value === "string" ? [...value].length : value instanceof Uint8Array ? value.length : 1;
    }
    case "list":
      return form.items.length;
    case "map":
      return form.entries.length;
    default:
      return undefined;
  }
}

const joined = (a: Inner | undefined, b: Inner | undefined): Inner | undefined =>
  a && b && { kind: a.kind, key: either(a.key, b.key), value: either(a.value, b.value) };

const spread = (sizes: readonly Range[]): Range =>
  sizes.length === 0 ? nothing : sizes.reduce(either, { min: most, max: 0 });

class Estimator {
  readonly #sizeOfPath: SizeOfPath;
  readonly #paths = new Map<Form, Path>();
  readonly #sizes = new Map<Form, Range>();
  readonly #inners = new Map<Form, Inner>();
  readonly #locals = new Map<string, Local[]>();

  constructor(sizeOfPath: SizeOfPath) {
    this.#sizeOfPath = sizeOfPath;
  }

  cost(form: Form): Range {
    switch (form.kind) {
      case "constant":
        return nothing;
      case "name":
        this.#paths.set(form, this.#local(form.name)?.path ?? Path.none.to(form.name));
        return one;
      case "presence":
        return this.cost(form.of);
      case "member":
        return this.#member(form);
      case "call":
        return this.#call(form);
      case "list": {
        const costs = form.items.map((each) => this.#costed(each));
        this.#inners.set(form, { kind: "list", key: one, value: spread(costs.map(({ size }) => size)) });
        return sum(...costs.map(({ cost }) => cost), exactly(10));
      }
      case "map": {
        const costs = form.entries.map(([key, value]) => {
          const cost = sum(this.cost(key), this.cost(value));
          return { cost, key: this.#size(key), value: this.#size(value) };
        });
        this.#inners.set(form, {
          kind: "map",
          key: spread(costs.map(({ key }) => key)),
          value: spread(costs.map(({ value }) => value)),
        });
        return sum(...costs.map(({ cost }) => cost), exactly(30));
      }
      case "message":
        return sum(...form.values.map((each) => this.cost(each)), exactly(40));
      case "bind": {
        const value = this.cost(form.value);
        this.#push(form.name, this.#asLocal(form.value));
        const inside = this.cost(form.inside);
        this.#pop(form.name);
        this.#copySizes(form, form.inside);
        // It is a loop over an empty list.
        return sum(exactly(10), value, inside);
      }
      case "loop":
        return this.#loop(form);
    }
  }

  #costed(form: Form): { cost: Range; size: Range } {
    const cost = this.cost(form);
    return { cost, size: this.#size(form) };
  }

  #member(form: Form & { kind: "member" }): Range {
    const cost = this.cost(form.of);
    this.#paths.set(form, this.#path(form.of).to(form.name));
    const { kind } = form.of.type;
    return kind === "map" || kind === "object" || kind === "param" ? sum(cost, one) : cost;
  }

  #call(form: Form & { kind: "call" }): Range {
    const [first] = form.args;
    if (form.name === "dyn" && first) {
      const cost = sum(this.cost(first), one);
      this.#copySizes(form, first);
      return cost;
    }
    const costs: Range[] = [];
    const args: Operand[] = [];
    for (const each of form.args) {
      costs.push(this.cost(each));
      args.push(this.#operand(each));
    }
    const targetCost = form.target ? this.cost(form.target) : nothing;
    const target = form.target && this.#operand(form.target);
    let cost: Range = { min: most, max: 0 };
    let size: Range | undefined;
    for (const overload of form.overloads) {
      const estimate = this.#callCost(form, overload, target, args, costs);
      cost = either(cost, estimate.cost);
      if (estimate.size) size = size ? either(size, estimate.size) : estimate.size;
      const kind = form.name === "_[_]" ? overload.params[0]?.kind : undefined;
      if (first && (kind === "list" || kind === "map")) {
        size = this.#inner(first)?.value;
        this.#paths.set(form, this.#path(first).to(kind === "list" ? "@items" : "@values"));
      }
      size ??= this.#knownSize(form);
    }
    if (size) this.#sizes.set(form, size);
    return sum(targetCost, cost);
  }

  #callCost(
    form: Form & { kind: "call" },
    overload: Chosen,
    target: Operand | undefined,
    args: readonly Operand[],
    costs: readonly Range[],
  ): Estimate {
    const [first = nothing, second = nothing, third = nothing] = costs;
    const [, left, right] = args;
    switch (form.name) {
      case "&&":
      case "||":
        return { cost: { min: first.min, max: sum(first, second).max } };
      case "?:": {
        const inner = joined(left && this.#inner(left.form), right && this.#inner(right.form));
        if (inner) this.#inners.set(form, inner);
        return {
          cost: sum(first, either(second, third)),
          size: either(left?.size ?? unknown, right?.size ?? unknown),
        };
      }
      default: {
        if (form.name === "_+_" && ["list", "string", "bytes"].includes(kindOf(overload.params[0]))) {
          const inner = joined(args[0] && this.#inner(args[0].form), left && this.#inner(left.form));
          if (inner) this.#inners.set(form, inner);
        }
        const estimate = costOf({ name: form.name, overload, target, args });
        return { ...estimate, cost: sum(estimate.cost, ...costs) };
      }
    }
  }

  #loop(form: Form & { kind: "loop" }): Range {
    const { range, variables, start, condition, step, outcome } = form;
    const before = sum(this.cost(range), this.cost(start));
    this.#push(gathered, this.#asLocal(start));
    const inner = this.#inner(range);
    const kind = inner?.kind ?? range.type.kind;
    const isList = kind === "list";
    const [first = "", second] = variables;
    const key = { path: isList ? "@indices" : "@keys", size: inner?.key };
    const value = { path: isList ? "@items" : "@values", size: inner?.value };
    const seen = second === undefined ? [isList ? value : key] : [key, value];
    [first, second].forEach((name, i) => {
      const each = seen[i];
      if (name === undefined || !each) return;
      this.#push(name, { path: this.#path(range).to(each.path), size: each.size, inner: undefined });
    });
    const turn = sum(this.cost(condition), this.cost(step));
    this.#pop(first);
    if (second !== undefined) this.#pop(second);
    const after = this.cost(outcome);
    this.#pop(gathered);
    const count = this.#size(range);
    if (start.kind === "constant") {
      const size = this.#knownSize(start);
      if (size) this.#sizes.set(form, size);
    } else {
      this.#sizes.set(form, count);
      const made = this.#inner(step);
      if (made) this.#inners.set(form, made);
    }
    return sum(before, after, product(count, turn));
  }

  #operand(form: Form): Operand {
    const path = this.#path(form);
    const size = this.#size(form);
    const hidden = path.length === 0 || path.names[0] === gathered;
    const names = hidden ? [] : [...path.names, "@items"];
    const known = hidden ? undefined : this.#sizeOfPath(names);
    return { form, type: form.type, size, item: known === undefined ? unknown : { min: 0, max: known } };
  }

  #path(form: Form): Path {
    const local = form.kind === "name" ? this.#local(form.name) : undefined;
    return local?.path ?? this.#paths.get(form) ?? Path.none;
  }

  #size(form: Form): Range {
    return this.#knownSize(form) ?? unknown;
  }

  #knownSize(form: Form): Range | undefined {
    const known = this.#sizes.get(form);
    if (known) return known;
    const written = writtenSize(form);
    if (written !== undefined) return exactly(written);
    const path = this.#path(form);
    const max = path.length === 0 ? undefined : this.#sizeOfPath(path.names);
    if (max !== undefined) {
      const size = { min: 0, max };
      this.#sizes.set(form, size);
      return size;
    }
    if (isScalar(form.type)) return one;
    return form.kind === "name" ? this.#local(form.name)?.size : undefined;
  }

  #inner(form: Form): Inner | undefined {
    return this.#inners.get(form) ?? (form.kind === "name" ? this.#local(form.name)?.inner : undefined);
  }

  #copySizes(to: Form, from: Form): void {
    const size = this.#knownSize(from);
    const inner = this.#inner(from);
    if (size) this.#sizes.set(to, size);
    if (inner) this.#inners.set(to, inner);
  }

  #asLocal(form: Form): Local {
    return { path: this.#path(form), inner: this.#inner(form), size: this.#knownSize(form) };
  }

  #local(name: string): Local | undefined {
    return this.#locals.get(name)?.at(-1);
  }

  #push(name: string, local: Local): void {
    const stack = this.#locals.get(name);
    if (stack) stack.push(local);
    else this.#locals.set(name, [local]);
  }

  #pop(name: string): void {
    this.#locals.get(name)?.pop();
  }
}

const kindOf = (type: CelType | undefined): string =>
  type?.kind === "simple" ? type.name : (type?.kind ?? "");
