/** Macros: calls whose arguments are names and expressions that run for each item. */
import { isFinal, type Names, present, type Run, type Scope, type Typed } from "./access.ts";
import type { Checker, Macro } from "./check.ts";
import { CelEvaluationError, noSuchOverload } from "./errors.ts";
import type { Meter } from "./meter.ts";
import { goType, noOverload } from "./mismatch.ts";
import type { Node } from "./syntax.ts";
import { bool, type CelType, dyn, int, isDyn, listOf, mapOf, optionalOf, typeText } from "./types.ts";
import { CelOptional, CelUint, type CelValue, keyIn } from "./values.ts";

interface Loop {
  readonly range: Run;
  /** Calls `each` with the scope of every item until it returns false. */
  readonly over: (scope: Scope | undefined, meter: Meter, each: (inner: Scope) => boolean) => void;
  readonly names: Names;
  readonly item: CelType;
  readonly key: CelType;
}

export const expandMacro: Macro = (checker, node, name, receiver, args, names) => {
  if (!receiver)
    return name === "has" && args.length === 1 ? has(checker, node, args[0] as Node, names) : undefined;
  const form = `${name}/${args.length}`;
  const expand = Object.hasOwn(macros, form) ? macros[form] : undefined;
  return expand?.(checker, node, receiver, args, names);
};

function has(checker: Checker, node: Node, arg: Node, names: Names | undefined): Typed {
  const [of, name] = arg.args as [Node, string];
  const { type, run } = checker.check(of, names);
  checker.fieldType(node, type, name);
  return { type: bool, run: (scope, meter) => present(run(scope, meter), name) };
}

/** With `cel.bind(name, value, expression)`, which only some places have. */
export const expandMacroOrBind: Macro = (checker, node, name, receiver, args, names) => {
  const isBind = name === "bind" && args.length === 3 && receiver?.op === "id" && receiver.args === "cel";
  if (!isBind) return expandMacro(checker, node, name, receiver, args, names);
  const [variable, valueNode, inside] = args as readonly [Node, Node, Node];
  if (variable.op !== "id")
    return checker.fail(variable, "cel.bind() variable names must be simple identifiers");
  const value = checker.check(valueNode, names);
  const bound = nameOf(variable);
  const { type, run } = checker.check(inside, { name: bound, type: value.type, parent: names });
  return {
    type,
    run(scope, meter) {
      let known: CelValue;
      let made = false;
      const once = (): CelValue => {
        if (!made) known = value.run(scope, meter);
        made = true;
        return known;
      };
      return run({ name: bound, value: once, parent: scope }, meter);
    },
  };
};

type Expand = (
  checker: Checker,
  node: Node,
  receiver: Node,
  args: readonly Node[],
  names: Names | undefined,
) => Typed;

/** The parser has checked that it is a name. */
const nameOf = (node: Node | undefined): string => node?.args as string;

/** `variables`: one for items (of a list) or keys (of a map), or two for index or key and value. */
function loop(checker: Checker, receiver: Node, variables: readonly Node[], names: Names | undefined): Loop {
  const { type, run } = checker.check(receiver, names);
  if (type.kind !== "list" && type.kind !== "map" && (!isDyn(type) || typeText(type) === "any"))
    checker.fail(
      receiver,
      `expression of type '${typeText(type)}' cannot be range of a comprehension (must be list, map, or dynamic)`,
    );
  const key = type.kind === "map" ? type.key : type.kind === "list" ? int : dyn;
  const value = type.kind === "map" || type.kind === "list" ? type.of : dyn;
  const [first = "", second] = variables.map((each) => nameOf(each));
  const item = second !== undefined ? value : type.kind === "map" ? key : value;
  const outer: Names = { name: first, type: second === undefined ? item : key, parent: names };
  return {
    range: run,
    names: second === undefined ? outer : { name: second, type: value, parent: outer },
    item,
    key,
    over(scope, meter, each) {
      const range = run(scope, meter);
      const list = Array.isArray(range);
      if (!list && !(range instanceof Map))
        throw new CelEvaluationError(
          second === undefined
            ? `got '${goType(range)}', expected iterable type`
            : `unsupported comprehension range type: ${goType(range)}`,
        );
      let i = 0n;
      for (const [k, v] of list ? range.entries() : range) {
        meter.step();
        const index = list ? i++ : k;
        const one = second === undefined ? (list ? v : k) : index;
        const inner: Scope = { name: first, value: one, parent: scope };
        if (!each(second === undefined ? inner : { name: second, value: v, parent: inner })) return;
      }
    },
  };
}

const keyText = (key: CelValue): string => String(key instanceof CelUint ? key.value : key);

const truth = (value: CelValue): boolean => {
  if (typeof value !== "boolean") throw noSuchOverload();
  return value;
};

/** Checks that the type is bool; errors have the argument's position. */
function predicate(checker: Checker, node: Node, names: Names): Run {
  const { type, run } = checker.check(node, names);
  if (typeText(type) === "bool" || isDyn(type)) return run;
  return checker.fail(node, `expected type 'bool' but found '${typeText(type)}'`).run;
}

/** `all` and `exists`: one item may decide the result even if others fail. */
const quantifier =
  (count: number, settles: boolean): Expand =>
  (checker, _node, receiver, args, names) => {
    const each = loop(checker, receiver, args.slice(0, count), names);
    const test = predicate(checker, args[count] as Node, each.names);
    return {
      type: bool,
      run(scope, meter) {
        let failure: unknown;
        let settled = false;
        each.over(scope, meter, (inner) => {
          try {
            settled = truth(test(inner, meter)) === settles;
          } catch (error) {
            if (isFinal(error)) throw error;
            failure ??= error;
          }
          return !settled;
        });
        if (settled) return settles;
        if (failure !== undefined) throw failure;
        return !settles;
      },
    };
  };

/** Except for `all` and `exists`, conditions are part of a conditional expression, and reported as one. */
function chosen(checker: Checker, node: Node, test: Typed, type: CelType): Run {
  checker.choose(node, test, { type, run: test.run }, { type, run: test.run });
  return test.run;
}

const existsOne =
  (count: number): Expand =>
  (checker, node, receiver, args, names) => {
    const each = loop(checker, receiver, args.slice(0, count), names);
    const test = chosen(checker, node, checker.check(args[count] as Node, each.names), int);
    return {
      type: bool,
      run(scope, meter) {
        let found = 0;
        each.over(scope, meter, (inner) => {
          if (truth(test(inner, meter))) found++;
          return true;
        });
        return found === 1;
      },
    };
  };

const filter: Expand = (checker, node, receiver, args, names) => {
  const each = loop(checker, receiver, args.slice(0, 1), names);
  const type = listOf(each.item);
  const test = chosen(checker, node, checker.check(args[1] as Node, each.names), type);
  return {
    type,
    run(scope, meter) {
      const kept: CelValue[] = [];
      each.over(scope, meter, (inner) => {
        if (truth(test(inner, meter))) kept.push(inner.value);
        return true;
      });
      return kept;
    },
  };
};

/** `map` and `transformList`, with a condition if there is another argument. */
const mapping =
  (count: number): Expand =>
  (checker, node, receiver, args, names) => {
    const each = loop(checker, receiver, args.slice(0, count), names);
    const { type, run: make } = checker.check(args.at(-1) as Node, each.names);
    const test =
      args.length > count + 1
        ? chosen(checker, node, checker.check(args[count] as Node, each.names), listOf(type))
        : undefined;
    return {
      type: listOf(type),
      run(scope, meter) {
        const made: CelValue[] = [];
        each.over(scope, meter, (inner) => {
          if (!test || truth(test(inner, meter))) made.push(make(inner, meter));
          return true;
        });
        return made;
      },
    };
  };

const transformMap: Expand = (checker, node, receiver, args, names) => {
  const each = loop(checker, receiver, args.slice(0, 2), names);
  const { type, run: make } = checker.check(args.at(-1) as Node, each.names);
  const made = mapOf(each.key, type);
  const test =
    args.length > 3 ? chosen(checker, node, checker.check(args[2] as Node, each.names), made) : undefined;
  return {
    type: made,
    run(scope, meter) {
      const result = new Map<CelValue, CelValue>();
      each.over(scope, meter, (inner) => {
        if (!test || truth(test(inner, meter))) result.set(inner.parent?.value, make(inner, meter));
        return true;
      });
      return result;
    },
  };
};

/** Every item makes entries of a map, with unique keys. */
const transformMapEntry: Expand = (checker, node, receiver, args, names) => {
  const each = loop(checker, receiver, args.slice(0, 2), names);
  const entry = args.at(-1) as Node;
  const { type, run: make } = checker.check(entry, each.names);
  if (type.kind !== "map" && !isDyn(type))
    return checker.fail(
      node,
      `found no matching overload for 'cel.@mapInsert' applied to '(map(dyn, dyn), ${typeText(type)})'`,
    );
  const test =
    args.length > 3 ? chosen(checker, node, checker.check(args[2] as Node, each.names), type) : undefined;
  return {
    type: type.kind === "map" ? type : mapOf(dyn, dyn),
    run(scope, meter) {
      const result = new Map<CelValue, CelValue>();
      each.over(scope, meter, (inner) => {
        if (test && !truth(test(inner, meter))) return true;
        const entries = make(inner, meter);
        if (!(entries instanceof Map)) throw noSuchOverload();
        for (const [key, value] of entries) {
          meter.step();
          if (keyIn(result, key, meter) !== undefined)
            throw new CelEvaluationError(`insert failed: key ${keyText(key)} already exists`);
          result.set(key, value);
        }
        return true;
      });
      return result;
    },
  };
};

const optional =
  (flat: boolean): Expand =>
  (checker, _node, receiver, args, names) => {
    const { type, run } = checker.check(receiver, names);
    const name = nameOf(args[0]);
    const of = type.kind === "optional" ? type.of : dyn;
    const made = checker.check(args[1] as Node, { name, type: of, parent: names });
    return {
      // It is optional.none() without a value.
      type: flat ? (isDyn(made.type) ? optionalOf(dyn) : made.type) : optionalOf(made.type),
      run(scope, meter) {
        const value = run(scope, meter);
        if (!(value instanceof CelOptional)) throw noOverload("hasValue", [value]);
        if (value.value === undefined) return CelOptional.none;
        const result = made.run({ name, value: value.value, parent: scope }, meter);
        return flat ? result : new CelOptional(result);
      },
    };
  };

const sortBy: Expand = (checker, node, receiver, args, names) => {
  const each = loop(checker, receiver, args.slice(0, 1), names);
  const key = checker.check(args[1] as Node, each.names);
  const sorted = checker.apply(node, "@sortByAssociatedKeys", true, [
    { type: listOf(each.item), run: each.range },
    {
      type: listOf(key.type),
      run(scope, meter) {
        const keys: CelValue[] = [];
        each.over(scope, meter, (inner) => {
          keys.push(key.run(inner, meter));
          return true;
        });
        return keys;
      },
    },
  ]);
  return sorted;
};

const macros: Readonly<Record<string, Expand>> = {
  "all/2": quantifier(1, false),
  "all/3": quantifier(2, false),
  "exists/2": quantifier(1, true),
  "exists/3": quantifier(2, true),
  "exists_one/2": existsOne(1),
  "existsOne/3": existsOne(2),
  "filter/2": filter,
  "map/2": mapping(1),
  "map/3": mapping(1),
  "transformList/3": mapping(2),
  "transformList/4": mapping(2),
  "transformMap/3": transformMap,
  "transformMap/4": transformMap,
  "transformMapEntry/3": transformMapEntry,
  "transformMapEntry/4": transformMapEntry,
  "optMap/2": optional(false),
  "optFlatMap/2": optional(true),
  "sortBy/2": sortBy,
};
