/** Expressions in the form in which their cost is estimated: without macros, every part with its type. */
import type { Overload } from "../functions.ts";
import type { Message, Node } from "../syntax.ts";
import { bool, type CelType, dyn, int, listOf, mapOf, optionalOf } from "../types.ts";

/** What checking has found out of a part of an expression. */
export interface Note {
  readonly type: CelType;
  /** Of a call of a function or operator: the overloads that may be meant. */
  readonly overloads?: readonly Overload[];
  /** The function, the receiver not among its arguments. */
  readonly called?: { readonly name: string; readonly member: boolean };
  /** Of a variable or a type, whose name may have dots. */
  readonly name?: string;
}

export type Notes = ReadonlyMap<Node, Note>;

/** The types of the parameters tell overloads of a function apart. */
export interface Chosen {
  readonly params: readonly CelType[];
}

export type Form = { readonly type: CelType } & (
  | { readonly kind: "constant"; readonly value: unknown }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "member"; readonly of: Form; readonly name: string }
  | { readonly kind: "presence"; readonly of: Form }
  | {
      readonly kind: "call";
      readonly name: string;
      readonly overloads: readonly Chosen[];
      readonly target: Form | undefined;
      readonly args: readonly Form[];
    }
  | { readonly kind: "list"; readonly items: readonly Form[] }
  | { readonly kind: "map"; readonly entries: readonly (readonly [Form, Form])[] }
  | { readonly kind: "message"; readonly values: readonly Form[] }
  | Loop
  | { readonly kind: "bind"; readonly name: string; readonly value: Form; readonly inside: Form }
);

/** Goes over `range` and gathers a result, which `condition` and `step` see as `@result`. */
interface Loop {
  readonly kind: "loop";
  readonly range: Form;
  /** One for items or keys, or two for index or key and value. */
  readonly variables: readonly string[];
  readonly start: Form;
  readonly condition: Form;
  readonly step: Form;
  readonly outcome: Form;
}

/** The name of what a loop gathers; no variable can have it. */
export const gathered = "@result";

const any: readonly Chosen[] = [{ params: [] }];
const constant = (value: unknown, type: CelType): Form => ({ kind: "constant", type, value });
const name = (of: string, type: CelType): Form => ({ kind: "name", type, name: of });
const call = (type: CelType, of: string, args: readonly Form[], overloads = any, target?: Form): Form => ({
  kind: "call",
  type,
  name: of,
  overloads,
  target,
  args,
});
const list = (type: CelType, ...items: readonly Form[]): Form => ({ kind: "list", type, items });

/** The types of the arguments, as what is chosen by them. */
const by = (...args: readonly Form[]): readonly Chosen[] => [{ params: args.map(({ type }) => type) }];

export function formOf(notes: Notes, node: Node): Form {
  const of = (each: Node): Form => formOf(notes, each.op === "?" ? (each.args as Node) : each);
  const note = notes.get(node);
  const type = note?.type ?? dyn;
  if (note?.name !== undefined) return name(note.name, type);
  switch (node.op) {
    case "value":
      return constant(node.args, type);
    case ".": {
      const [left, member] = node.args as [Node, string];
      return { kind: "member", type, of: of(left), name: member };
    }
    case ".?": {
      const [left, member] = node.args as [Node, string];
      return call(type, "_?._", [of(left), constant(member, dyn)]);
    }
    case "[]":
    case "[?]": {
      const args = (node.args as Node[]).map(of);
      const container = args[0]?.type ?? dyn;
      const both = [{ params: [listOf(dyn)] }, { params: [mapOf(dyn, dyn)] }];
      const known = container.kind === "list" || container.kind === "map" || container.kind === "optional";
      return call(type, node.op === "[]" ? "_[_]" : "_[?_]", args, known ? by(...args) : both);
    }
    case "list":
      return list(type, ...(node.args as Node[]).map(of));
    case "map":
      return {
        kind: "map",
        type,
        entries: (node.args as [Node, Node][]).map(([key, value]) => [of(key), of(value)]),
      };
    case "message":
      return { kind: "message", type, values: (node.args as Message).fields.map(({ value }) => of(value)) };
    case "?:":
    case "&&":
    case "||":
      return call(type, node.op, (node.args as Node[]).map(of));
    case "call":
    case "rcall":
      return formOfCall(notes, node, type);
    default: {
      const operands = Array.isArray(node.args) ? (node.args as Node[]) : [node.args as Node];
      return call(type, note?.called?.name ?? node.op, operands.map(of), note?.overloads);
    }
  }
}

function formOfCall(notes: Notes, node: Node, type: CelType): Form {
  const member = node.op === "rcall";
  const [given, ...rest] = node.args as [string, ...unknown[]];
  const receiver = member ? (rest[0] as Node) : undefined;
  const args = rest.at(-1) as readonly Node[];
  const { overloads, called } = notes.get(node) ?? {};
  if (!called || called.name === "@sortByAssociatedKeys") {
    const of = (each: Node): Form => formOf(notes, each);
    const [first] = args as readonly [Node];
    if (!receiver) return { kind: "presence", type, of: of((first.args as [Node])[0]) };
    if (given === "bind") {
      const [, value, inside] = args as readonly [Node, Node, Node];
      return { kind: "bind", type, name: first.args as string, value: of(value), inside: of(inside) };
    }
    return expanded(given, type, of(receiver), args, of, overloads);
  }
  return call(
    type,
    called.name,
    args.map((each) => formOf(notes, each)),
    overloads,
    called.member && receiver ? formOf(notes, receiver) : undefined,
  );
}

/** Macros, as cel-go expands them. */
function expanded(
  macro: string,
  type: CelType,
  range: Form,
  args: readonly Node[],
  of: (node: Node) => Form,
  overloads: readonly Chosen[] | undefined,
): Form {
  const last = of(args.at(-1) as Node);
  const first = args[0]?.args as string;
  const loop = (
    count: number,
    start: Form,
    step: Form,
    condition: Form = constant(true, bool),
    outcome: Form = name(gathered, start.type),
  ): Form => ({
    kind: "loop",
    type,
    range,
    variables: args.slice(0, count).map((each) => each.args as string),
    start,
    condition,
    step,
    outcome,
  });
  /** Only when the argument before the last one holds; `count` of them are variables. */
  const filtered = (count: number, step: Form): Form =>
    args.length > count + 1 ? call(type, "?:", [of(args[count] as Node), step, name(gathered, type)]) : step;
  const appended = (item: Form): Form => {
    const parts = [name(gathered, type), list(type, item)];
    return call(type, "_+_", parts, by(...parts));
  };
  switch (macro) {
    case "all":
    case "exists": {
      const all = macro === "all";
      const held = all ? name(gathered, bool) : call(bool, "!_", [name(gathered, bool)]);
      const step = call(bool, all ? "&&" : "||", [name(gathered, bool), last]);
      return loop(args.length - 1, constant(all, bool), step, call(bool, "@not_strictly_false", [held]));
    }
    case "exists_one":
    case "existsOne": {
      const counted = name(gathered, int);
      const more = call(int, "_+_", [counted, constant(1n, int)], by(counted, counted));
      const step = call(int, "?:", [last, more, name(gathered, int)]);
      const outcome = call(bool, "_==_", [name(gathered, int), constant(1n, int)]);
      return loop(args.length - 1, constant(0n, int), step, constant(true, bool), outcome);
    }
    case "filter": {
      const step = call(type, "?:", [
        last,
        appended(name(first, type.kind === "list" ? type.of : dyn)),
        name(gathered, type),
      ]);
      return loop(1, list(type), step);
    }
    case "map":
      return loop(1, list(type), filtered(1, appended(last)));
    case "transformList":
      return loop(2, list(type), filtered(2, appended(last)));
    case "transformMap":
    case "transformMapEntry": {
      const key = macro === "transformMap" ? [name(first, type.kind === "map" ? type.key : dyn)] : [];
      const step = call(type, "cel.@mapInsert", [name(gathered, type), ...key, last]);
      return loop(2, { kind: "map", type, entries: [] }, filtered(2, step));
    }
    case "sortBy": {
      const input = "@__sortBy_input__";
      const sorted = name(input, range.type);
      const keys = listOf(last.type);
      const keyStep = [name(gathered, keys), list(keys, last)];
      const mapped: Form = {
        kind: "loop",
        type: keys,
        range: sorted,
        variables: [first],
        start: list(keys),
        condition: constant(true, bool),
        step: call(keys, "_+_", keyStep, by(...keyStep)),
        outcome: name(gathered, keys),
      };
      const inside = call(type, "@sortByAssociatedKeys", [mapped], overloads, name(input, range.type));
      return { kind: "bind", type, name: input, value: range, inside };
    }
    default: {
      const flat = macro === "optFlatMap";
      const value = call(range.type.kind === "optional" ? range.type.of : dyn, "value", [], any, range);
      const bound: Form = { kind: "bind", type: last.type, name: first, value, inside: last };
      return call(type, "?:", [
        call(bool, "hasValue", [], any, range),
        flat ? bound : call(optionalOf(last.type), "optional.of", [bound]),
        call(optionalOf(dyn), "optional.none", []),
      ]);
    }
  }
}
