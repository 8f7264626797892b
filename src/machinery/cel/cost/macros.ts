/** Expands macros into loops and bindings, like cel-go. */
import type { Node } from "../syntax.ts";
import { bool, type CelType, dyn, int, listOf, optionalOf } from "../types.ts";
import { any, by, call, type Chosen, constant, type Form, gathered, list, name } from "./form.ts";

/** `range.macro(args)`, of the type that checking found. */
interface MacroCall {
  readonly macro: string;
  readonly type: CelType;
  readonly range: Form;
  readonly args: readonly Node[];
  readonly of: (node: Node) => Form;
  readonly overloads: readonly Chosen[] | undefined;
}

export function expandMacro(macro: MacroCall): Form {
  switch (macro.macro) {
    case "all":
    case "exists":
      return allOrExists(macro);
    case "exists_one":
    case "existsOne":
      return existsOne(macro);
    case "filter":
      return filter(macro);
    case "map":
      return loop(macro, 1, list(macro.type), filtered(macro, 1, appended(macro, lastOf(macro))));
    case "transformList":
      return loop(macro, 2, list(macro.type), filtered(macro, 2, appended(macro, lastOf(macro))));
    case "transformMap":
    case "transformMapEntry":
      return transformMap(macro);
    case "sortBy":
      return sortBy(macro);
    default:
      return optionalMap(macro);
  }
}

/** The body of the macro: its last argument. */
const lastOf = ({ args, of }: MacroCall): Form => of(args.at(-1) as Node);

/** The name of the macro's first variable. */
const firstOf = ({ args }: MacroCall): string => args[0]?.args as string;

const always = (): Form => constant(true, bool);

/** `count`: number of variables among the arguments. */
const loop = (
  { type, range, args }: MacroCall,
  count: number,
  start: Form,
  step: Form,
  condition: Form = always(),
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

/** The step, conditional on the argument between the variables and the last one, if any. */
const filtered = ({ type, args, of }: MacroCall, count: number, step: Form): Form =>
  args.length > count + 1 ? call(type, "?:", [of(args[count] as Node), step, name(gathered, type)]) : step;

const appended = ({ type }: MacroCall, item: Form): Form => {
  const parts = [name(gathered, type), list(type, item)];
  return call(type, "_+_", parts, by(...parts));
};

function allOrExists(macro: MacroCall): Form {
  const all = macro.macro === "all";
  const held = all ? name(gathered, bool) : call(bool, "!_", [name(gathered, bool)]);
  const step = call(bool, all ? "&&" : "||", [name(gathered, bool), lastOf(macro)]);
  const condition = call(bool, "@not_strictly_false", [held]);
  return loop(macro, macro.args.length - 1, constant(all, bool), step, condition);
}

function existsOne(macro: MacroCall): Form {
  const counted = name(gathered, int);
  const more = call(int, "_+_", [counted, constant(1n, int)], by(counted, counted));
  const step = call(int, "?:", [lastOf(macro), more, name(gathered, int)]);
  const outcome = call(bool, "_==_", [name(gathered, int), constant(1n, int)]);
  return loop(macro, macro.args.length - 1, constant(0n, int), step, always(), outcome);
}

function filter(macro: MacroCall): Form {
  const { type } = macro;
  const item = name(firstOf(macro), type.kind === "list" ? type.of : dyn);
  const step = call(type, "?:", [lastOf(macro), appended(macro, item), name(gathered, type)]);
  return loop(macro, 1, list(type), step);
}

function transformMap(macro: MacroCall): Form {
  const { type } = macro;
  const key =
    macro.macro === "transformMap" ? [name(firstOf(macro), type.kind === "map" ? type.key : dyn)] : [];
  const step = call(type, "cel.@mapInsert", [name(gathered, type), ...key, lastOf(macro)]);
  return loop(macro, 2, { kind: "map", type, entries: [] }, filtered(macro, 2, step));
}

/** Collects the keys of all items, then sorts the items by them. */
function sortBy(macro: MacroCall): Form {
  const { type, range, overloads } = macro;
  const input = "@__sortBy_input__";
  const items = (): Form => name(input, range.type);
  const key = lastOf(macro);
  const keys = listOf(key.type);
  const keyStep = [name(gathered, keys), list(keys, key)];
  const mapped: Form = {
    kind: "loop",
    type: keys,
    range: items(),
    variables: [firstOf(macro)],
    start: list(keys),
    condition: always(),
    step: call(keys, "_+_", keyStep, by(...keyStep)),
    outcome: name(gathered, keys),
  };
  const inside = call(type, "@sortByAssociatedKeys", [mapped], overloads, items());
  return { kind: "bind", type, name: input, value: range, inside };
}

/** `optMap` and `optFlatMap`. */
function optionalMap(macro: MacroCall): Form {
  const { type, range } = macro;
  const last = lastOf(macro);
  const value = call(range.type.kind === "optional" ? range.type.of : dyn, "value", [], any, range);
  const bound: Form = { kind: "bind", type: last.type, name: firstOf(macro), value, inside: last };
  const flat = macro.macro === "optFlatMap";
  return call(type, "?:", [
    call(bool, "hasValue", [], any, range),
    flat ? bound : call(optionalOf(last.type), "optional.of", [bound]),
    call(optionalOf(dyn), "optional.none", []),
  ]);
}
