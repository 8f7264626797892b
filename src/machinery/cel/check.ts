/** Type-checks an expression and compiles it to a function, in one pass. Continues after errors to find all of them. */
import { dispatch, fallbackOf, get, logic, type Names, read, softGet, type Typed } from "./access.ts";
import { checkList, checkMap, checkMessage, type Messages } from "./aggregates.ts";
import { CelEvaluationError, noSuchOverload, type Problem } from "./errors.ts";
import { Meter } from "./meter.ts";
import type { Functions, Overload } from "./functions.ts";
import type { Note, Notes } from "./cost/form-of.ts";
import { literalProblem } from "./literal-problem.ts";
import type { Message, Node } from "./syntax.ts";
import { wellKnown } from "./well-known.ts";
import {
  assignable,
  type Bindings,
  bool,
  bytes,
  type CelType,
  double,
  duration,
  dyn,
  erroneous,
  int,
  isClosed,
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
import { CelTypeValue, type CelValue, nameOfType } from "./values.ts";

/** Expands a macro call; undefined for any other call. */
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
const operatorNames: Record<string, string> = { in: "@in", "[]": "_[_]" };

const conversions = new Set([
  "bool",
  "bytes",
  "double",
  "duration",
  "dyn",
  "int",
  "string",
  "timestamp",
  "type",
  "uint",
]);

const broken: Typed = {
  type: erroneous,
  run: () => {
    throw noSuchOverload();
  },
};

export class Checker {
  readonly problems: Problem[] = [];
  /** Invalid literals; reported only when there are no other errors. */
  readonly literals: Problem[] = [];
  readonly used = new Set<string>();
  readonly #notes = new Map<Node, Note>();
  readonly #functions: Functions;
  readonly #macro: Macro;
  readonly #messages: Messages;

  constructor(functions: Functions, macro: Macro, messages: Messages) {
    this.#functions = functions;
    this.#macro = macro;
    this.#messages = messages;
  }

  fail(at: Node | number, text: string): Typed {
    this.problems.push({ at: typeof at === "number" ? at : at.at, text });
    return broken;
  }

  /** Results of the check for each node. */
  get notes(): Notes {
    return this.#notes;
  }

  #note(node: Node, note: Partial<Note>): void {
    this.#notes.set(node, { type: dyn, ...this.#notes.get(node), ...note });
  }

  check(node: Node, names: Names | undefined): Typed {
    const typed = this.#check(node, names);
    this.#note(node, { type: typed.type });
    return typed;
  }

  #check(node: Node, names: Names | undefined): Typed {
    switch (node.op) {
      case "value":
        return { type: typeOfLiteral(node.args), run: () => node.args };
      case "id":
        return this.#variable(node, node.args as string, names);
      case ".":
      case ".?":
        return this.#select(node, names);
      case "[]":
      case "[?]":
        return this.#index(node, names);
      case "list":
        return checkList(this, node.args as Node[], names);
      case "map":
        return checkMap(this, node.args as [Node, Node][], names);
      case "message":
        return this.#message(node, names);
      case "call":
      case "rcall":
        return this.#call(node, names);
      case "?:":
        return this.#choice(node, names);
      case "&&":
      case "||":
        return this.#logic(node, names);
      case "-_":
      case "!_":
        return this.apply(node, node.op, false, [this.check(node.args as Node, names)]);
      default: {
        const [left, right] = node.args as [Node, Node];
        const name = operatorNames[node.op] ?? `_${node.op}_`;
        return this.apply(node, name, false, [this.check(left, names), this.check(right, names)]);
      }
    }
  }

  #variable(node: Node, given: string, names: Names | undefined): Typed {
    const name = given.replace(/^\./, "");
    const known = lookup(names, name);
    if (known) {
      this.used.add(name);
      this.#note(node, { name });
      return { type: known, run: (scope, meter) => read(scope, name, meter) };
    }
    return (
      this.#typeName(node, name) ?? this.fail(node, `undeclared reference to '${given}' (in container '')`)
    );
  }

  #typeName(node: Node, name: string): Typed | undefined {
    const of = Object.hasOwn(typeNames, name) ? typeNames[name] : this.#messages(name);
    if (!of) return undefined;
    this.#note(node, { name });
    const value = new CelTypeValue(name);
    return { type: { kind: "type", of }, run: () => value };
  }

  #message(node: Node, names: Names | undefined): Typed {
    const message = node.args as Message;
    const name = message.name.replace(/^\./, "");
    const special = wellKnown(name);
    if (special) return checkMessage(this, special.type, message.fields, names, special);
    const type = this.#messages(name);
    if (type) return checkMessage(this, type, message.fields, names);
    const variable = lookup(names, name);
    if (variable) return this.fail(node, `'${typeText(variable)}' is not a type`);
    return this.fail(
      node,
      Object.hasOwn(typeNames, name)
        ? `'${name}' is not a message type`
        : `undeclared reference to '${message.name}' (in container '')`,
    );
  }

  /** `a.b.c` of names only: a type name, unless `a` is a variable. */
  #dotted(node: Node, names: Names | undefined): string | undefined {
    if (node.op === "id") return lookup(names, node.args as string) ? undefined : (node.args as string);
    if (node.op !== ".") return undefined;
    const [left, name] = node.args as [Node, string];
    const head = this.#dotted(left, names);
    return head === undefined ? undefined : `${head}.${name}`;
  }

  #select(node: Node, names: Names | undefined): Typed {
    const [left, name] = node.args as [Node, string];
    const whole = qualified(node);
    if (whole !== undefined && lookup(names, whole)) return this.#variable(node, whole, names);
    const dotted = this.#dotted(node, names);
    const typeName = dotted === undefined ? undefined : this.#typeName(node, dotted);
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

  /** undefined when an error was reported. */
  fieldType(node: Node | number, of: CelType, name: string): CelType | undefined {
    const type = of.kind === "optional" ? of.of : of;
    if (isDyn(type)) return dyn;
    if (type.kind === "map") return type.of;
    if (isClosed(type)) {
      this.fail(node, `unexpected failed resolution of '${typeText(type)}'`);
      return undefined;
    }
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
    const [given, second, third] = node.args as [string, Node & Node[], Node[]];
    const name = given.replace(/^\./, "");
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
      const unknown = this.fail(node, `undeclared reference to '${given}' (in container '')`);
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

  /** `mixed`: their lists may have values of several types (`format`). */
  #all(nodes: readonly Node[], names: Names | undefined, mixed = false): Typed[] {
    if (mixed) this.#mixing++;
    const checked = nodes.map((each) => this.check(each, names));
    if (mixed) this.#mixing--;
    return checked;
  }

  #mixing = 0;

  get mixing(): boolean {
    return this.#mixing > 0;
  }

  mixed(at: Node, text: string): void {
    this.literals.push({ at: at.at, text });
  }

  #literals(node: Node, name: string, args: readonly Node[], typed: Typed): Typed {
    const problem = literalProblem(node, name, args, (each) => this.#notes.get(each)?.type ?? dyn);
    if (problem) this.literals.push(problem);
    if (node.op === "call" && conversions.has(name)) this.#convert(node, args, typed);
    return typed;
  }

  /** The first conversion of an invalid literal. */
  unconvertible: string | undefined;
  readonly #constants = new Set<Node>();

  /** Constant conversions are done at compile time. */
  #convert(node: Node, args: readonly Node[], { run }: Typed): void {
    const [arg] = args;
    if (args.length !== 1 || !arg || !this.#isConstant(arg) || this.problems.length > 0) return;
    this.#constants.add(node);
    try {
      run(undefined, new Meter());
    } catch (error) {
      if (!(error instanceof CelEvaluationError)) throw error;
      this.unconvertible ??= error.message;
    }
  }

  #isConstant(node: Node): boolean {
    return (
      node.op === "value" ||
      this.#constants.has(node) ||
      (node.op === "-_" && (node.args as Node).op === "value")
    );
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
    if (typeof node !== "number") this.#note(node, { overloads, called: { name, member } });
    const runs = args.map(({ run }) => run);
    const instead = member ? fallbackOf(name, runs) : undefined;
    return { type: same ? result : dyn, run: instead ?? dispatch(name, overloads, runs) };
  }
}

/** `a.b.c` of names only. */
function qualified(node: Node): string | undefined {
  if (node.op === "id") return node.args as string;
  if (node.op !== ".") return undefined;
  const [left, name] = node.args as [Node, string];
  const head = qualified(left);
  return head === undefined ? undefined : `${head}.${name}`;
}

const lookup = (names: Names | undefined, name: string): CelType | undefined => {
  for (let each = names; each; each = each.parent) if (each.name === name) return each.type;
  return undefined;
};

const typeOfLiteral = (value: CelValue): CelType => {
  const name = nameOfType(value);
  return name === "null_type" ? nullType : (typeNames[name] ?? dyn);
};
