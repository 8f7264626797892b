/** Checks an expression's types and makes it a function, in one walk. Goes on behind a mistake to find them all. */
import { CelEvaluationError, noSuchOverload, type Problem } from "./errors.ts";
import type { Functions, Overload } from "./functions.ts";
import type { Meter } from "./meter.ts";
import { regexProblem } from "./library/regex.ts";
import { parseDurationText, parseTimestampText } from "./library/time.ts";
import { type Node, placeOf } from "./syntax.ts";
import {
  assignable,
  type Bindings,
  bool,
  bytes,
  type CelType,
  double,
  duration,
  dyn,
  int,
  isDyn,
  join,
  listOf,
  mapOf,
  nullType,
  opaque,
  optionalOf,
  string,
  substitute,
  timestamp,
  typeText,
  uint,
} from "./types.ts";
import {
  CelOptional,
  CelTypeValue,
  type CelValue,
  CelUint,
  fits,
  keyIn,
  maxInt,
  minInt,
  nameOfType,
} from "./values.ts";

/** Variables at run time: innermost first. */
export interface Scope {
  readonly name: string;
  readonly value: CelValue;
  readonly parent: Scope | undefined;
}

export type Run = (scope: Scope | undefined, meter: Meter) => CelValue;

export interface Typed {
  readonly type: CelType;
  readonly run: Run;
}

/** Variables while checking: innermost first. */
export interface Names {
  readonly name: string;
  readonly type: CelType;
  readonly parent: Names | undefined;
}

/** Takes a call that is one of a macro; undefined for any other. */
export type Macro = (
  checker: Checker,
  node: Node,
  name: string,
  receiver: Node | undefined,
  args: readonly Node[],
  names: Names | undefined,
) => Typed | undefined;

const typeNames: Record<string, CelType> = {
  bool,
  bytes,
  double,
  int,
  uint,
  string,
  list: listOf(dyn),
  map: mapOf(dyn, dyn),
  null_type: nullType,
  type: { kind: "type" },
  "google.protobuf.Timestamp": timestamp,
  "google.protobuf.Duration": duration,
  optional_type: optionalOf(dyn),
  "net.IP": opaque("net.IP"),
  "net.CIDR": opaque("net.CIDR"),
  "kubernetes.Quantity": opaque("kubernetes.Quantity"),
  "kubernetes.URL": opaque("kubernetes.URL"),
  "kubernetes.Semver": opaque("kubernetes.Semver"),
};

/** Operators' names in messages. */
const operatorNames: Record<string, string> = { in: "@in", "[]": "_[_]", "!_": "!_", "-_": "-_" };

const broken: Typed = {
  type: dyn,
  run: () => {
    throw noSuchOverload();
  },
};

export class Checker {
  readonly source: string;
  readonly problems: Problem[] = [];
  /** Literals that are none; told of only when everything else is right. */
  readonly literals: Problem[] = [];
  readonly used = new Set<string>();
  readonly #functions: Functions;
  readonly #macro: Macro;

  constructor(source: string, functions: Functions, macro: Macro) {
    this.source = source;
    this.#functions = functions;
    this.#macro = macro;
  }

  fail(at: Node | number, text: string): Typed {
    this.problems.push({ at: typeof at === "number" ? at : placeOf(this.source, at), text });
    return broken;
  }

  check(node: Node, names: Names | undefined): Typed {
    switch (node.op) {
      case "value":
        return this.#literal(node);
      case "id":
        return this.#variable(node, names);
      case ".":
      case ".?":
        return this.#select(node, names);
      case "[]":
      case "[?]":
        return this.#index(node, names);
      case "list":
        return this.#list(node.args as Node[], names);
      case "map":
        return this.#map(node.args as [Node, Node][], names);
      case "call":
      case "rcall":
        return this.#call(node, names);
      case "?:":
        return this.#choice(node, names);
      case "&&":
      case "||":
        return this.#logic(node, names);
      case "-_":
        return this.#minus(node, names);
      case "!_":
        return this.apply(node, "!_", false, [this.check(node.args as Node, names)]);
      default: {
        const [left, right] = node.args as [Node, Node];
        const name = operatorNames[node.op] ?? `_${node.op}_`;
        return this.apply(node, name, false, [this.check(left, names), this.check(right, names)]);
      }
    }
  }

  #literal(node: Node): Typed {
    const raw = node.args;
    let value: CelValue = raw;
    if (typeof raw === "bigint" && raw > maxInt) return this.fail(node, "invalid int literal");
    if (typeof raw === "object" && raw !== null && !(raw instanceof Uint8Array))
      value = new CelUint(BigInt((raw as { valueOf(): bigint }).valueOf()));
    return { type: typeOfLiteral(value), run: () => value };
  }

  #minus(node: Node, names: Names | undefined): Typed {
    const inner = node.args as Node;
    // The smallest int is written as the negative of a literal that is none.
    if (inner.op === "value" && typeof inner.args === "bigint") {
      const value = -inner.args;
      if (value < minInt) return this.fail(node, "invalid int literal");
      return { type: int, run: () => value };
    }
    return this.apply(node, "-_", false, [this.check(inner, names)]);
  }

  #variable(node: Node, names: Names | undefined): Typed {
    const name = node.args as string;
    const known = lookup(names, name);
    if (known) {
      this.used.add(name);
      return { type: known, run: (scope, meter) => read(scope, name, meter) };
    }
    return this.#typeName(name) ?? this.fail(node, `undeclared reference to '${name}' (in container '')`);
  }

  #typeName(name: string): Typed | undefined {
    if (!Object.hasOwn(typeNames, name)) return undefined;
    const value = new CelTypeValue(name);
    return { type: { kind: "type", of: typeNames[name] as CelType }, run: () => value };
  }

  /** `a.b.c` where it is nothing but names: a name of a type, when `a` is no variable. */
  #dotted(node: Node, names: Names | undefined): string | undefined {
    if (node.op === "id") return lookup(names, node.args as string) ? undefined : (node.args as string);
    if (node.op !== ".") return undefined;
    const [left, name] = node.args as [Node, string];
    const head = this.#dotted(left, names);
    return head === undefined ? undefined : `${head}.${name}`;
  }

  #select(node: Node, names: Names | undefined): Typed {
    const [left, name] = node.args as [Node, string];
    const dotted = this.#dotted(node, names);
    const typeName = dotted === undefined ? undefined : this.#typeName(dotted);
    if (typeName) return typeName;
    const inner = this.check(left, names);
    const type = this.fieldType(node, inner.type, name);
    if (!type) return broken;
    const { run } = inner;
    if (node.op === ".?" || inner.type.kind === "optional")
      return {
        type: type.kind === "optional" ? type : optionalOf(type),
        run: (scope, meter) => {
          meter.step();
          return softGet(run(scope, meter), name, meter);
        },
      };
    return {
      type,
      run: (scope, meter) => {
        meter.step();
        return get(run(scope, meter), name, meter);
      },
    };
  }

  /** undefined when it has been complained of. */
  fieldType(node: Node | number, of: CelType, name: string): CelType | undefined {
    const type = of.kind === "optional" ? of.of : of;
    if (isDyn(type)) return dyn;
    if (type.kind === "map") return type.of;
    if (type.kind !== "object") {
      this.fail(node, `type '${typeText(type)}' does not support field selection`);
      return undefined;
    }
    const field = type.fields.get(name);
    if (!field) this.fail(node, `undefined field '${name}'`);
    return field;
  }

  #index(node: Node, names: Names | undefined): Typed {
    const [left, right] = node.args as [Node, Node];
    const inner = this.check(left, names);
    const key = this.check(right, names);
    const of = inner.type.kind === "optional" ? inner.type.of : inner.type;
    let type: CelType = dyn;
    if (of.kind === "list" && assignable(key.type, int, new Map())) type = of.of;
    else if (of.kind === "map" && assignable(key.type, of.key, new Map())) type = of.of;
    else if (!isDyn(of))
      return this.fail(
        node,
        `found no matching overload for '_[_]' applied to '(${typeText(inner.type)}, ${typeText(key.type)})'`,
      );
    if (node.op === "[?]" || inner.type.kind === "optional")
      return {
        type: optionalOf(type),
        run: (scope, meter) => {
          meter.step();
          return softGet(inner.run(scope, meter), key.run(scope, meter), meter);
        },
      };
    return {
      type,
      run: (scope, meter) => {
        meter.step();
        return get(inner.run(scope, meter), key.run(scope, meter), meter);
      },
    };
  }

  /** Lists and maps hold values of one type, but where a type is not known before the program runs. */
  #common(parts: readonly { node: Node; typed: Typed }[], mixed = false): CelType {
    let type: CelType | undefined;
    for (const { node, typed } of parts) {
      const joined: CelType | undefined = type ? join(type, typed.type) : typed.type;
      if (!joined && mixed) return dyn;
      if (!joined)
        this.fail(node, `expected type '${typeText(type as CelType)}' but found '${typeText(typed.type)}'`);
      type = joined ?? type;
    }
    return type ?? dyn;
  }

  #list(nodes: readonly Node[], names: Names | undefined, mixed = false): Typed {
    const parts = nodes.map((node) => ({ node, typed: this.check(node, names) }));
    return {
      type: listOf(this.#common(parts, mixed)),
      run: (scope, meter) => {
        meter.step(10);
        return parts.map(({ typed }) => typed.run(scope, meter));
      },
    };
  }

  #map(entries: readonly [Node, Node][], names: Names | undefined): Typed {
    const keys = entries.map(([node]) => ({ node, typed: this.check(node, names) }));
    const values = entries.map(([, node]) => ({ node, typed: this.check(node, names) }));
    return {
      type: mapOf(this.#common(keys), this.#common(values)),
      run: (scope, meter) => {
        meter.step(30);
        const made = new Map<CelValue, CelValue>();
        keys.forEach(({ typed }, i) => {
          const key = typed.run(scope, meter);
          // cel-go lets the last of equal keys win, though the language's definition calls them a mistake.
          made.set(keyIn(made, key, meter) ?? key, values[i]?.typed.run(scope, meter));
        });
        return made;
      },
    };
  }

  #choice(node: Node, names: Names | undefined): Typed {
    const [first, second, third] = node.args as [Node, Node, Node];
    return this.choose(node, this.check(first, names), this.check(second, names), this.check(third, names));
  }

  choose(node: Node, condition: Typed, yes: Typed, no: Typed): Typed {
    const type = join(yes.type, no.type);
    if (!type || !assignable(condition.type, bool, new Map()))
      return this.#noOverload(node, "_?_:_", false, [condition.type, yes.type, no.type]);
    return {
      type,
      run: (scope, meter) => {
        const which = condition.run(scope, meter);
        if (typeof which !== "boolean") throw noSuchOverload();
        return which ? yes.run(scope, meter) : no.run(scope, meter);
      },
    };
  }

  #logic(node: Node, names: Names | undefined): Typed {
    const nodes = node.args as [Node, Node];
    const [left, right] = nodes.map((each) => {
      const typed = this.check(each, names);
      if (assignable(typed.type, bool, new Map())) return typed;
      return this.fail(each, `expected type 'bool' but found '${typeText(typed.type)}'`);
    }) as [Typed, Typed];
    return { type: bool, run: logic(left.run, right.run, node.op === "||") };
  }

  #call(node: Node, names: Names | undefined): Typed {
    const [name, second, third] = node.args as [string, Node & Node[], Node[]];
    const member = node.op === "rcall";
    const receiver = member ? (second as Node) : undefined;
    const args = member ? third : (second as Node[]);
    const macro = this.#macro(this, node, name, receiver, args, names);
    if (macro) return macro;
    const prefix = receiver ? this.#dotted(receiver, names) : undefined;
    const full = prefix === undefined ? name : `${prefix}.${name}`;
    if (receiver && prefix !== undefined && this.#functions.has(full))
      return this.#literals(node, full, args, this.apply(node, full, false, this.#all(args, names)));
    const typed = receiver ? [this.check(receiver, names)] : [];
    if (!this.#functions.has(name)) {
      const unknown = this.fail(node, `undeclared reference to '${name}' (in container '')`);
      this.#all(args, names);
      return unknown;
    }
    return this.#literals(
      node,
      name,
      args,
      this.apply(node, name, member, [...typed, ...this.#all(args, names, name === "format")]),
    );
  }

  /** `mixed`: a list among them may hold values of many types (`format`). */
  #all(nodes: readonly Node[], names: Names | undefined, mixed = false): Typed[] {
    return nodes.map((each) =>
      mixed && each.op === "list" ? this.#list(each.args as Node[], names, true) : this.check(each, names),
    );
  }

  /** Literals that can be held against their syntax before the program runs. */
  #literals(node: Node, name: string, args: readonly Node[], typed: Typed): Typed {
    const last = args.at(-1);
    const [, form] = node.args as [string, Node];
    if (name === "format" && form?.op === "value" && typeof form.args === "string" && last?.op === "list") {
      const wanted = form.args.replaceAll("%%", "").split("%").length - 1;
      const given = (last.args as Node[]).length;
      if (wanted > given) return this.#warn(typed, node, `index ${given} out of range`);
    }
    if (last?.op !== "value" || typeof last.args !== "string") return typed;
    const text = last.args;
    if (name === "matches" && regexProblem(text)) return this.#warn(typed, last, "invalid matches argument");
    if (name === "duration" && node.op === "call" && parseDurationText(text) === undefined)
      return this.#warn(typed, last, "invalid duration argument");
    if (name === "timestamp" && node.op === "call" && parseTimestampText(text) === undefined)
      return this.#warn(typed, last, "invalid timestamp argument");
    return typed;
  }

  #warn(typed: Typed, at: Node, text: string): Typed {
    this.literals.push({ at: placeOf(this.source, at), text });
    return typed;
  }

  #noOverload(node: Node | number, name: string, member: boolean, types: readonly CelType[]): Typed {
    const texts = types.map(typeText);
    const signature = member ? `${texts[0]}.(${texts.slice(1).join(", ")})` : `(${texts.join(", ")})`;
    return this.fail(node, `found no matching overload for '${name}' applied to '${signature}'`);
  }

  /** A call of a function or operator with checked arguments. */
  apply(node: Node | number, name: string, member: boolean, args: readonly Typed[]): Typed {
    const matching: { overload: Overload; bound: Bindings }[] = [];
    for (const overload of this.#functions.get(name) ?? []) {
      if (overload.member !== member || overload.params.length !== args.length) continue;
      const bound: Bindings = new Map();
      if (overload.params.every((param, i) => assignable((args[i] as Typed).type, param, bound)))
        matching.push({ overload, bound });
    }
    const [first] = matching;
    if (!first)
      return this.#noOverload(
        node,
        name,
        member,
        args.map(({ type }) => type),
      );
    const results = matching.map(({ overload, bound }) => substitute(overload.result, bound));
    const result = results[0] as CelType;
    const same = results.every((each) => typeText(each) === typeText(result));
    const overloads = matching.map(({ overload }) => overload);
    return {
      type: same ? result : dyn,
      run: dispatch(
        overloads,
        args.map(({ run }) => run),
      ),
    };
  }
}

function dispatch(overloads: readonly Overload[], args: readonly Run[]): Run {
  const [only] = overloads;
  const strict = overloads.length > 1 || only?.params.some((each) => each.kind !== "param");
  return (scope, meter) => {
    meter.step();
    const values = args.map((run) => run(scope, meter));
    const overload = strict
      ? overloads.find(({ params }) => params.every((param, i) => fits(values[i], param)))
      : only;
    if (!overload) throw noSuchOverload();
    return overload.run(meter, ...values);
  };
}

/** One operand may settle the result though the other one fails. */
function logic(left: Run, right: Run, settles: boolean): Run {
  const operand = (run: Run, scope: Scope | undefined, meter: Meter): boolean | Error => {
    try {
      const value = run(scope, meter);
      return typeof value === "boolean" ? value : noSuchOverload();
    } catch (error) {
      if (isFinal(error)) throw error;
      return error as Error;
    }
  };
  return (scope, meter) => {
    const first = operand(left, scope, meter);
    if (first === settles) return settles;
    const second = operand(right, scope, meter);
    if (second === settles) return settles;
    if (typeof first !== "boolean") throw first;
    if (typeof second !== "boolean") throw second;
    return !settles;
  };
}

/** What no operator takes back: an empty budget, and mistakes that are not the expression's. */
export const isFinal = (error: unknown): boolean =>
  !(error instanceof CelEvaluationError) || error.message.startsWith("operation cancelled");

const lookup = (names: Names | undefined, name: string): CelType | undefined => {
  for (let each = names; each; each = each.parent) if (each.name === name) return each.type;
  return undefined;
};

function read(scope: Scope | undefined, name: string, meter: Meter): CelValue {
  meter.step();
  for (let each = scope; each; each = each.parent)
    if (each.name === name) {
      // A value that is made when it is asked for, once: variables of admission policies.
      return typeof each.value === "function"
        ? (each.value as (meter: Meter) => CelValue)(meter)
        : each.value;
    }
  throw new CelEvaluationError(`no such attribute(s): ${name}`);
}

const typeOfLiteral = (value: CelValue): CelType => {
  const name = nameOfType(value);
  return name === "null_type" ? nullType : (typeNames[name] ?? dyn);
};

/** The member or item, undefined when there is none. */
function find(of: CelValue, key: CelValue, meter: Meter): CelValue {
  if (of instanceof Map) {
    const found = of.get(typeof key === "string" ? key : keyIn(of, key, meter));
    if (typeof found === "function") return (found as () => CelValue)();
    return found;
  }
  if (Array.isArray(of)) {
    const at = typeof key === "bigint" ? Number(key) : key instanceof CelUint ? Number(key.value) : key;
    if (typeof at === "number" && Number.isInteger(at)) return of[at];
  }
  throw noSuchOverload();
}

export function get(of: CelValue, key: CelValue, meter: Meter): CelValue {
  const found = find(of, key, meter);
  if (found !== undefined) return found;
  const text = key instanceof CelUint ? key.value : key;
  throw new CelEvaluationError(
    Array.isArray(of) ? `index out of bounds: ${String(text)}` : `no such key: ${String(text)}`,
  );
}

function softGet(of: CelValue, key: CelValue, meter: Meter): CelOptional {
  const inner = of instanceof CelOptional ? of.value : of;
  if (inner === undefined || inner === null) return CelOptional.none;
  const found = find(inner, key, meter);
  return found === undefined ? CelOptional.none : new CelOptional(found);
}

/** Whether `has(of.name)`. */
export function present(of: CelValue, name: string): boolean {
  const inner = of instanceof CelOptional ? of.value : of;
  if (inner === undefined) return false;
  if (inner instanceof Map) return inner.has(name);
  throw noSuchOverload();
}
